/* Winograd's convolution against sums of products in double precision.
 * A transform of six numbers takes each within a few roundings, and at each point the terms are
 * about as large as the tile's: errors are a few eps of the largest sum of magnitudes in reach of
 * the tile, whose error the direct algorithm shares. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "kernel.h"
#include "winograd_cpu.h"

/* Few tiles, many, many blocks of filters, more tiles than a gradient takes at a time; sides that
 * are no multiple of four; all paddings. */
static const struct conv_shape shapes[] = {
	/* n, h, w, c, k, r, stride, top, left, bottom, right */
	{ 1, 1, 1, 16, 16, 3, 1, 1, 1, 1, 1 },
	{ 1, 3, 2, 32, 16, 3, 1, 1, 1, 1, 1 },
	{ 2, 4, 5, 16, 48, 3, 1, 0, 2, 2, 0 },
	{ 3, 6, 7, 80, 32, 3, 1, 0, 0, 0, 0 },
	{ 2, 7, 7, 144, 160, 3, 1, 1, 1, 1, 1 },
	{ 1, 13, 30, 16, 32, 3, 1, 2, 2, 2, 2 },
	{ 9, 14, 14, 48, 32, 3, 1, 1, 1, 1, 1 },
	{ 70, 8, 8, 16, 16, 3, 1, 1, 1, 1, 1 },
	{ 130, 1, 1, 1024, 80, 3, 1, 1, 1, 1, 1 },
	{ 130, 2, 1, 80, 1024, 3, 1, 1, 1, 1, 1 },
	/* stride 2 */
	{ 1, 1, 1, 16, 16, 3, 2, 1, 1, 1, 1 },
	{ 1, 2, 3, 32, 16, 3, 2, 0, 1, 1, 0 },
	{ 2, 8, 8, 16, 48, 3, 2, 0, 0, 1, 1 },
	{ 2, 14, 14, 144, 160, 3, 2, 1, 1, 1, 1 },
	{ 3, 13, 22, 80, 32, 3, 2, 2, 0, 2, 0 },
	{ 1, 30, 17, 16, 32, 3, 2, 2, 2, 1, 1 },
	{ 5, 28, 28, 48, 32, 3, 2, 0, 0, 1, 1 },
	{ 40, 16, 16, 16, 16, 3, 2, 1, 0, 0, 1 },
	{ 70, 6, 6, 1024, 80, 3, 2, 1, 1, 1, 1 },
	{ 130, 3, 1, 80, 1024, 3, 2, 1, 1, 1, 1 },
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

struct problem {
	const struct conv_shape *s;
	size_t x_count, w_count, y_count;
	float *x, *w, *dy;
	double *xd, *wd, *dyd, *xm, *wm, *dym; /* in double; magnitudes */
};

static struct problem problem_of(const struct conv_shape *s)
{
	const struct conv_sizes z = conv_sizes_of(s);
	struct problem f = { .s = s, .x_count = z.x, .w_count = z.w, .y_count = z.y };

	f.x = buffer_random(f.x_count, 1);
	f.w = buffer_random(f.w_count, 2);
	f.dy = buffer_random(f.y_count, 3);
	f.xd = doubles_of(f.x, f.x_count), f.xm = magnitudes_of(f.x, f.x_count);
	f.wd = doubles_of(f.w, f.w_count), f.wm = magnitudes_of(f.w, f.w_count);
	f.dyd = doubles_of(f.dy, f.y_count), f.dym = magnitudes_of(f.dy, f.y_count);
	return f;
}

static double largest(const double *x, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(x[i]));
	return most;
}

/* Within 8 roundings of the largest sum of magnitudes. */
static void check_within(const char *what, const float *got, const double *want,
	const double *magnitudes, size_t count)
{
	check_close(what, got, want, count, 0, NULL, 8 * EPS * largest(magnitudes, count));
}

static void forward_matches(struct cpu *cpu, const struct problem *f)
{
	double *want = doubles(f->y_count), *scale = doubles(f->y_count);
	float *y = buffer(f->y_count);

	ref_conv(want, f->xd, f->wd, f->s);
	ref_conv(scale, f->xm, f->wm, f->s);
	winograd_forward(cpu, f->s, y, f->x, f->w);
	check_within("y", y, want, scale, f->y_count);
}

static void data_matches(struct cpu *cpu, const struct problem *f)
{
	double *want = doubles(f->x_count), *scale = doubles(f->x_count);
	float *dx = buffer(f->x_count);

	ref_conv_data(want, f->dyd, f->wd, f->s);
	ref_conv_data(scale, f->dym, f->wm, f->s);
	winograd_backward_data(cpu, f->s, dx, f->dy, f->w, 0);
	check_within("dx", dx, want, scale, f->x_count);
	/* Added to x. */
	for (size_t i = 0; i < f->x_count; i++) {
		want[i] += f->xd[i];
		scale[i] += f->xm[i];
	}
	dx = buffer_copy(f->x, f->x_count);
	winograd_backward_data(cpu, f->s, dx, f->dy, f->w, 1);
	check_within("dx +", dx, want, scale, f->x_count);
}

/* dw is added to. */
static void weights_match(struct cpu *cpu, const struct problem *f)
{
	double *want = doubles(f->w_count), *scale = doubles(f->w_count);
	float *dw = buffer_copy(f->w, f->w_count);

	ref_conv_weights(want, f->dyd, f->xd, f->s);
	ref_conv_weights(scale, f->dym, f->xm, f->s);
	for (size_t i = 0; i < f->w_count; i++) {
		want[i] += f->wd[i];
		scale[i] += f->wm[i];
	}
	winograd_backward_weights(cpu, f->s, dw, f->dy, f->x);
	check_within("dw", dw, want, scale, f->w_count);
}

static void it_is_the_convolution(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 3; threads++) {
		struct device *dev = device_open_bare(threads);

		for (int i = 0; i < SHAPES; i++) {
			const struct problem f = problem_of(&shapes[i]);

			forward_matches(cpu_of(dev), &f);
			data_matches(cpu_of(dev), &f);
			weights_match(cpu_of(dev), &f);
			buffers_check();
		}
		device_close(dev);
	}
}

static double error_of(const float *got, const double *want, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (got[i] - want[i]) * (got[i] - want[i]);
	return sqrt(sum / (double)n);
}

/* Sums of products in floats, in the plain order: oneDNN's order is another on each machine, and
 * the shorter its sums, the smaller their errors. */
static void plain_sums(float *y, float *dx, const struct problem *f, const struct conv_shape *s)
{
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	int q = conv_out(s->w, s->left, s->right, s->r, s->stride);

	memset(dx, 0, f->x_count * sizeof *dx);
	for (int pixel = 0; pixel < s->n * p * q; pixel++)
		for (int k = 0; k < s->k; k++) {
			float dy = f->dy[pixel * s->k + k], sum = 0;

			for (int tap = 0; tap < s->r * s->r; tap++) {
				int i = pixel / q % p * s->stride - s->top + tap / s->r;
				int j = pixel % q * s->stride - s->left + tap % s->r;
				int at = ((pixel / q / p * s->h + i) * s->w + j) * s->c;
				const float *w = f->w + (k * s->r * s->r + tap) * s->c;

				if (i < 0 || j < 0 || i >= s->h || j >= s->w)
					continue;
				for (int c = 0; c < s->c; c++) {
					sum += f->x[at + c] * w[c];
					dx[at + c] += dy * w[c];
				}
			}
			y[pixel * s->k + k] = sum;
		}
}

/* What the settings' help says: errors of about twice the size. */
static void check_errors(const struct conv_shape *s)
{
	struct device *dev = device_open_bare(2);
	struct conv *conv = backend_cpu.conv_open(dev, s);
	const struct problem f = problem_of(s);
	double *y_want = doubles(f.y_count), *dx_want = doubles(f.x_count), error[2][2];
	float *y = buffer(f.y_count), *dx = buffer(f.x_count);

	ref_conv(y_want, f.xd, f.wd, s);
	ref_conv_data(dx_want, f.dyd, f.wd, s);
	for (int i = 0; i < 2; i++) {
		if (i == 0) {
			plain_sums(y, dx, &f, s);
		} else {
			backend_cpu.conv_forward(dev, conv, y, f.x, f.w);
			backend_cpu.conv_backward_data(dev, conv, dx, f.dy, f.w, 0);
		}
		error[i][0] = error_of(y, y_want, f.y_count);
		error[i][1] = error_of(dx, dx_want, f.x_count);
	}
	for (int k = 0; k < 2; k++) {
		print_message("# %.2g, plain sums %.2g\n", error[1][k], error[0][k]);
		/* They are two algorithms.  With stride 2 middle taps have no transform. */
		if (s->stride == 1)
			assert_true(error[1][k] > error[0][k]);
		else
			assert_true(error[1][k] != error[0][k]);
		assert_true(error[1][k] < (s->stride == 1 ? 3 : 2) * error[0][k]);
	}
	backend_cpu.conv_close(dev, conv);
	device_close(dev);
	buffers_check();
}

static void errors_are_about_twice_those_of_sums(void **state)
{
	static const int sides[] = { 14, 16, 22, 28 };

	(void)state;
	for (int stride = 1; stride <= 2; stride++)
		for (int i = 0; i < 4; i++) {
			const int n = sides[i];
			const struct conv_shape s = { 8, n, n, 64, 64, 3, stride, 1, 1, 1, 1 };

			check_errors(&s);
		}
}

/* A NaN reaches the outputs that are made of it, so that it is noticed, and no other tile. */
static void a_nan_stays_in_its_tile(void **state)
{
	static const struct conv_shape s = { 1, 12, 12, 16, 16, 3, 1, 1, 1, 1, 1 };
	struct device *dev = device_open_bare(2);
	const struct problem f = problem_of(&s);
	float *y = buffer(f.y_count);

	(void)state;
	f.x[(5 * 12 + 6) * 16 + 3] = NAN;
	winograd_forward(cpu_of(dev), &s, y, f.x, f.w);
	for (int i = 0; i < 12; i++)
		for (int j = 0; j < 12; j++) {
			int reached = i >= 4 && i <= 6 && j >= 5 && j <= 7;
			int tile = i / 4 == 1 && j / 4 == 1;
			int is_nan = isnan(y[(i * 12 + j) * 16]);

			assert_true(!reached || is_nan);
			assert_true(tile || !is_nan);
		}
	device_close(dev);
	buffers_check();
}

static void it_is_taken_where_it_gains(void **state)
{
	static const struct conv_shape yes[] = {
		{ 8, 56, 56, 64, 64, 3, 1, 1, 1, 1, 1 },
		{ 8, 7, 7, 512, 512, 3, 1, 1, 1, 1, 1 },
		{ 1, 224, 224, 32, 48, 3, 1, 0, 2, 2, 0 },
		{ 8, 56, 56, 128, 128, 3, 2, 0, 0, 1, 1 },
		{ 8, 14, 14, 512, 512, 3, 2, 1, 1, 1, 1 },
	};
	static const struct conv_shape no[] = {
		{ 8, 56, 56, 64, 64, 3, 3, 1, 1, 1, 1 },   /* stride */
		{ 8, 224, 224, 64, 64, 7, 1, 3, 3, 3, 3 }, /* side */
		{ 8, 56, 56, 64, 64, 1, 1, 0, 0, 0, 0 },
		{ 8, 56, 56, 3, 64, 3, 1, 1, 1, 1, 1 },  /* channels */
		{ 8, 56, 56, 64, 40, 3, 1, 1, 1, 1, 1 }, /* not in lanes */
		{ 8, 56, 56, 64, 64, 3, 1, 3, 1, 1, 1 }, /* padding */
		{ 1, 7, 7, 512, 512, 3, 1, 1, 1, 1, 1 }, /* few tiles */
	};

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true(winograd_fits(&yes[i]));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(winograd_fits(&no[i]));
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(it_is_the_convolution),
	cmocka_unit_test(errors_are_about_twice_those_of_sums),
	cmocka_unit_test(a_nan_stays_in_its_tile),
	cmocka_unit_test(it_is_taken_where_it_gains),
};
TEST_MAIN(cases)
