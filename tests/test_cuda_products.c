/* Convolutions and linear layers of the CUDA back end, in all precisions, against plain loops in
 * double: paddings that cuDNN has not, gradients that are added to, and which algorithm is taken.
 * Inputs are rounded to the device's elements first, so that only its arithmetic is tested. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conv_cuda.h"
#include "cuda_fixture.h"
#include "kernel.h"

static const enum precision precisions[] = { PRECISION_FLOAT32, PRECISION_TF32, PRECISION_BF16 };

enum { PRECISIONS = sizeof precisions / sizeof *precisions };

static const struct conv_shape shapes[] = {
	/* n, h, w, c, k, r, stride, top, left, bottom, right */
	{ 2, 17, 17, 3, 16, 7, 2, 3, 3, 3, 3 }, /* stem */
	{ 2, 16, 16, 3, 16, 7, 2, 2, 2, 3, 3 }, /* stem, same: rows of 48 elements */
	{ 2, 8, 8, 32, 32, 3, 2, 0, 0, 1, 1 },  /* same, stride 2: whole vectors */
	{ 3, 9, 7, 5, 4, 3, 2, 0, 1, 1, 1 },    /* one axis alike; odd channels: single elements */
	{ 1, 8, 8, 16, 16, 3, 2, 1, 0, 0, 1 },  /* unlike in turns */
	{ 2, 8, 8, 16, 16, 3, 2, 0, 1, 1, 0 },  /* moved by whole vectors */
	{ 1, 6, 5, 2, 3, 3, 1, 2, 0, 0, 2 },    /* pairs of elements */
	{ 1, 1, 1, 1, 1, 3, 1, 2, 0, 0, 2 },
	{ 2, 6, 6, 33, 17, 3, 1, 1, 1, 1, 1 },
	{ 3, 9, 9, 16, 32, 1, 2, 0, 0, 0, 0 },
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* One convolution on the device and its arrays here. */
struct run {
	struct device *dev;
	const struct conv_shape *s;
	struct conv *conv;
	size_t xs, ws, ys;
	float *x, *w, *dy;
	void *x_dev, *w_dev, *dy_dev;
	int p, q;
};

static struct run run_open(struct device *dev, const struct conv_shape *s)
{
	struct run r = { .dev = dev, .s = s };

	r.p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	r.q = conv_out(s->w, s->left, s->right, s->r, s->stride);
	r.xs = (size_t)(s->n * s->h * s->w * s->c);
	r.ws = (size_t)(s->k * s->r * s->r * s->c);
	r.ys = (size_t)(s->n * r.p * r.q * s->k);
	r.x = buffer_random(r.xs, 1);
	r.w = buffer_random(r.ws, 2);
	r.dy = buffer_random(r.ys, 3);
	round_to_elements(dev, r.x, r.xs);
	round_to_elements(dev, r.w, r.ws);
	round_to_elements(dev, r.dy, r.ys);
	r.x_dev = elements_to_device(dev, r.x, r.xs);
	r.w_dev = elements_to_device(dev, r.w, r.ws);
	r.dy_dev = elements_to_device(dev, r.dy, r.ys);
	r.conv = dev->be->conv_open(dev, s);
	return r;
}

static void run_close(struct run *r)
{
	r->dev->be->conv_close(r->dev, r->conv);
	r->dev->be->free(r->dev, r->x_dev);
	r->dev->be->free(r->dev, r->w_dev);
	r->dev->be->free(r->dev, r->dy_dev);
	buffers_check();
}

/* got against want, where scale is the sum of magnitudes and before was there already. */
static void check(struct run *r, const char *what, const float *got, const double *want,
	const double *scale, const float *before, size_t n, int terms)
{
	double relative, rounding;

	tolerance_of(r->dev, terms, &relative, &rounding);
	for (size_t i = 0; i < n; i++) {
		double old = before ? before[i] : 0, size = scale[i] + (old < 0 ? -old : old);
		double exact = want[i] + old, part = want[i] < 0 ? -want[i] : want[i];
		double allowed = relative * size + rounding * (part + relative * size);

		check_close(what, &got[i], &exact, 1, 0, NULL, allowed);
	}
}

static void check_forward(struct run *r)
{
	void *y = r->dev->be->alloc(r->dev, r->ys * r->dev->element, "test");
	float *got = buffer(r->ys);
	double *want = doubles(r->ys), *scale = doubles(r->ys);

	ref_conv(want, doubles_of(r->x, r->xs), doubles_of(r->w, r->ws), r->s);
	ref_conv(scale, magnitudes_of(r->x, r->xs), magnitudes_of(r->w, r->ws), r->s);
	r->dev->be->conv_forward(r->dev, r->conv, y, r->x_dev, r->w_dev);
	elements_from_device(r->dev, got, y, r->ys);
	check(r, "y", got, want, scale, NULL, r->ys, r->s->r * r->s->r * r->s->c);
	r->dev->be->free(r->dev, y);
}

static void check_data(struct run *r)
{
	void *dx = r->dev->be->alloc(r->dev, r->xs * r->dev->element, "test");
	float *got = buffer(r->xs);
	double *want = doubles(r->xs), *scale = doubles(r->xs);

	ref_conv_data(want, doubles_of(r->dy, r->ys), doubles_of(r->w, r->ws), r->s);
	ref_conv_data(scale, magnitudes_of(r->dy, r->ys), magnitudes_of(r->w, r->ws), r->s);
	r->dev->be->conv_backward_data(r->dev, r->conv, dx, r->dy_dev, r->w_dev, 0);
	elements_from_device(r->dev, got, dx, r->xs);
	check(r, "dx", got, want, scale, NULL, r->xs, r->s->r * r->s->r * r->s->k);
	r->dev->be->free(r->dev, dx);
}

/* The sum is rounded to an element, and the gradient that is cropped before. */
static void check_data_added(struct run *r)
{
	float *before = buffer_random(r->xs, 5), *got = buffer(r->xs);
	double *want = doubles(r->xs), *scale = doubles(r->xs), relative, rounding;
	void *dx;

	round_to_elements(r->dev, before, r->xs);
	dx = elements_to_device(r->dev, before, r->xs);
	ref_conv_data(want, doubles_of(r->dy, r->ys), doubles_of(r->w, r->ws), r->s);
	ref_conv_data(scale, magnitudes_of(r->dy, r->ys), magnitudes_of(r->w, r->ws), r->s);
	r->dev->be->conv_backward_data(r->dev, r->conv, dx, r->dy_dev, r->w_dev, 1);
	elements_from_device(r->dev, got, dx, r->xs);
	tolerance_of(r->dev, r->s->r * r->s->r * r->s->k + 1, &relative, &rounding);
	for (size_t i = 0; i < r->xs; i++) {
		double exact = want[i] + before[i], error = relative * (scale[i] + fabs(before[i]));
		double parts = fabs(want[i]) + fabs(exact);

		if (r->s->r == 1 && scale[i] == 0) /* a pixel that a stride leaves out */
			check_same("dx left alone", &got[i], &before[i], sizeof *got);
		check_close("dx +", &got[i], &exact, 1, 0, NULL,
			error + rounding * (parts + 2 * error));
	}
	r->dev->be->free(r->dev, dx);
}

/* dw lies among other gradients, as near as cuDNN may have it. */
static void check_weights(struct run *r)
{
	enum { GAP = 4 };
	float *before = buffer_random(r->ws + 2 * GAP, 4), *got = buffer(r->ws + 2 * GAP);
	float *dw = floats_to_device(r->dev, before, r->ws + 2 * GAP);
	double *want = doubles(r->ws), *scale = doubles(r->ws);

	ref_conv_weights(want, doubles_of(r->dy, r->ys), doubles_of(r->x, r->xs), r->s);
	ref_conv_weights(scale, magnitudes_of(r->dy, r->ys), magnitudes_of(r->x, r->xs), r->s);
	r->dev->be->conv_backward_weights(r->dev, r->conv, dw + GAP, r->dy_dev, r->x_dev);
	r->dev->be->download(r->dev, got, dw, (r->ws + 2 * GAP) * sizeof *got);
	check_same("before dw", got, before, GAP * sizeof *got);
	check_same("behind dw", got + GAP + r->ws, before + GAP + r->ws, GAP * sizeof *got);
	check(r, "dw", got + GAP, want, scale, before + GAP, r->ws, r->s->n * r->p * r->q + 1);
	r->dev->be->free(r->dev, dw);
}

static void convolutions_match(void **state)
{
	(void)state;
	for (int i = 0; i < PRECISIONS; i++) {
		struct device *dev = cuda_test_open(precisions[i], 0);

		for (int k = 0; k < SHAPES; k++) {
			struct run r = run_open(dev, &shapes[k]);

			check_weights(&r);
			check_forward(&r);
			check_data(&r);
			check_data_added(&r);
			run_close(&r);
		}
		dev->be->close(dev);
	}
}

/* Bits, not numbers: the same call twice, and what cuDNN calls deterministic. */
static void same_bits_again(void **state)
{
	(void)state;
	for (int i = 0; i < PRECISIONS; i++) {
		struct device *dev = cuda_test_open(precisions[i], 0);
		struct run r = run_open(dev, &shapes[2]);
		float *dw[2], *dx[2];

		for (int k = 0; k < 2; k++) {
			float *sum = dev->be->alloc(dev, r.ws * sizeof *sum, "test");
			void *d = dev->be->alloc(dev, r.xs * dev->element, "test");

			dw[k] = buffer(r.ws), dx[k] = buffer(r.xs);
			dev->be->conv_backward_weights(dev, r.conv, sum, r.dy_dev, r.x_dev);
			dev->be->conv_backward_data(dev, r.conv, d, r.dy_dev, r.w_dev, 0);
			dev->be->download(dev, dw[k], sum, r.ws * sizeof *sum);
			elements_from_device(dev, dx[k], d, r.xs);
			dev->be->free(dev, sum);
			dev->be->free(dev, d);
		}
		check_same("dw", dw[0], dw[1], r.ws * sizeof(float));
		check_same("dx", dx[0], dx[1], r.xs * sizeof(float));
		run_close(&r);
		dev->be->close(dev);
	}
}

/* However little there may be, no algorithm takes more, and those that are found are right. */
static void workspace_has_a_bound(void **state)
{
	static const size_t limits[] = { 1, 300, 4096, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct device *dev = cuda_test_open(PRECISION_FLOAT32, limits[i]);

		for (int k = 0; k < SHAPES; k++) {
			struct run r = run_open(dev, &shapes[k]);

			check_forward(&r);
			for (int pass = 0; pass < CONV_PASSES; pass++)
				assert_true(r.conv->ways[pass].algorithm < 0 ||
					r.conv->ways[pass].workspace <= limits[i]);
			if (r.conv->ways[CONV_DATA].algorithm >= 0)
				check_data(&r);
			if (r.conv->ways[CONV_WEIGHTS].algorithm >= 0)
				check_weights(&r);
			run_close(&r);
		}
		dev->be->close(dev);
	}
}

static int lines_about_convolutions(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];
	int count = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		count += strstr(line, "convolution") != NULL;
	fclose(f);
	return count;
}

/* Layers of one shape share what is prepared; opening asks the device for nothing. */
static void a_shape_is_chosen_once(void **state)
{
	const char *path = test_path(test_folder(), "log");
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	struct run a = run_open(dev, &shapes[2]), b = run_open(dev, &shapes[2]);
	struct run other = run_open(dev, &shapes[3]);

	(void)state;
	assert_int_equal(log_open(path), 0);
	assert_false(a.conv->chosen);
	assert_ptr_equal(a.conv, b.conv);
	assert_ptr_not_equal(a.conv, other.conv);
	for (int twice = 0; twice < 2; twice++) {
		check_forward(&a);
		check_data(&b);
		check_forward(&other);
	}
	log_close();
	assert_int_equal(lines_about_convolutions(path), 2);
	run_close(&a);
	run_close(&b);
	run_close(&other);
	dev->be->close(dev);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(convolutions_match),
		cmocka_unit_test(same_bits_again),
		cmocka_unit_test(workspace_has_a_bound),
		cmocka_unit_test(a_shape_is_chosen_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(cases, NULL, test_cleanup);
}

#else

int main(void)
{
	printf("1..0 # SKIP no CUDA back end here\n");
	return 0;
}

#endif
