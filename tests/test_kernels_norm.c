/* Batch norm as a layer, through its statistics, against the reference.
 * The kernels sum in double; an element's float arithmetic is a handful of roundings, each within
 * eps of the magnitudes that take part, which the tolerances name. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "kernel.h"

#define NORM_EPS 1e-5

static const struct shape {
	int groups;
	size_t rows;
	int channels;
} shapes[] = { { 1, 1, 1 }, { 1, 3, 1 }, { 2, 1, 3 }, { 3, 17, 33 }, { 2, 33, 17 }, { 4, 64, 64 },
	{ 2, 65, 257 }, { 1, 5000, 16 }, { 2, 9000, 3 }, { 1, 40, 2048 } };

enum { SHAPES = sizeof shapes / sizeof *shapes };

static size_t size_of(const struct shape *s)
{
	return (size_t)s->groups * s->rows * (size_t)s->channels;
}

/* ---- the whole layer, through its statistics ---- */

struct layer {
	const struct shape *s;
	int relu, with_residual;
	float *x, *residual, *gamma, *beta, *dy;
	float *y, *mean, *rstd;
};

static void layer_make(struct layer *l, const struct shape *s, int variant)
{
	size_t n = size_of(s), width = (size_t)s->channels, stats = (size_t)s->groups * width;

	*l = (struct layer){ .s = s, .relu = variant & 1, .with_residual = variant >> 1 };
	l->x = buffer_random(n, 1);
	l->residual = l->with_residual ? buffer_random(n, 2) : NULL;
	l->gamma = buffer_random(width, 3), l->beta = buffer_random(width, 4);
	l->dy = buffer_random(n, 5);
	l->y = buffer(n), l->mean = buffer(stats), l->rstd = buffer(stats);
}

static void layer_forward(struct device *dev, struct layer *l, float *y)
{
	const struct shape *s = l->s;
	double *sums = buffer_bytes((size_t)(s->groups * 2 * s->channels) * sizeof(double));

	dev->be->norm_sums(dev, sums, l->x, s->groups, s->rows, s->channels);
	dev->be->norm_statistics(dev, l->mean, l->rstd, sums, (double)s->rows, (float)NORM_EPS,
		s->groups, s->channels);
	dev->be->norm_apply(dev,
		&(struct norm_output){ .y = y,
			.x = l->x,
			.residual = l->residual,
			.mean = l->mean,
			.rstd = l->rstd,
			.gamma = l->gamma,
			.beta = l->beta,
			.relu = l->relu,
			.groups = s->groups,
			.channels = s->channels,
			.rows = s->rows });
}

/* |x - mean| rstd is at most sqrt(rows), and at most 2 / sqrt(eps); mean and rstd are within eps,
 * as is each of five operations.  mean's rounding is magnified by rstd. */
static double layer_bound(const struct shape *s)
{
	double rstd = 1 / sqrt(NORM_EPS), normal = sqrt((double)s->rows);

	return s->rows < 8 ? (8 * normal + 2 + rstd) * EPS : (8 * normal + 12) * EPS;
}

static void forward_matches(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 2; threads++)
		for (int i = 0; i < SHAPES * 4; i++) {
			const struct shape *s = &shapes[i / 4];
			struct device *dev = device_open(threads);
			struct layer l;
			size_t n = size_of(s);
			double *want;

			layer_make(&l, s, i % 4);
			want = doubles(n);
			ref_norm(want, doubles_of(l.x, n), doubles_of(l.gamma, (size_t)s->channels),
				doubles_of(l.beta, (size_t)s->channels),
				l.residual ? doubles_of(l.residual, n) : NULL, l.relu,
				(double)(float)NORM_EPS, s->groups, s->rows, s->channels);
			layer_forward(dev, &l, l.y);
			check_close("y", l.y, want, n, 0, NULL, layer_bound(s));
			buffers_check();
			device_close(dev);
		}
}

/* y may be x or the residual. */
static void forward_in_place(void **state)
{
	const struct shape *s = &shapes[3];
	struct device *dev = device_open(2);
	size_t bytes = size_of(s) * sizeof(float);

	(void)state;
	for (int variant = 0; variant < 4; variant++) {
		struct layer l;

		layer_make(&l, s, variant);
		layer_forward(dev, &l, l.y);
		if (l.with_residual) {
			float *keep = l.residual;

			l.residual = buffer_copy(keep, size_of(s));
			layer_forward(dev, &l, l.residual);
			check_same("over the residual", l.residual, l.y, bytes);
			l.residual = keep;
		}
		layer_forward(dev, &l, l.x);
		check_same("over x", l.x, l.y, bytes);
		buffers_check();
	}
	device_close(dev);
}

struct backward {
	float *dx, *dresidual, *dgamma, *dbeta;
	double *sums;
};

static void layer_backward(struct device *dev, const struct layer *l, struct backward *b)
{
	const struct shape *s = l->s;
	const float *y = l->relu ? l->y : NULL;

	dev->be->norm_backward_sums(
		dev, b->sums, l->dy, y, l->x, l->mean, l->rstd, s->groups, s->rows, s->channels);
	dev->be->norm_parameter_gradient(dev, b->dgamma, b->dbeta, b->sums, s->groups, s->channels);
	dev->be->norm_backward(dev,
		&(struct norm_input_gradient){ .dx = b->dx,
			.dresidual = b->dresidual,
			.dy = l->dy,
			.y = y,
			.x = l->x,
			.mean = l->mean,
			.rstd = l->rstd,
			.gamma = l->gamma,
			.sums = b->sums,
			.count = (double)s->rows,
			.groups = s->groups,
			.channels = s->channels,
			.rows = s->rows });
}

static void backward_make(struct backward *b, const struct layer *l)
{
	size_t n = size_of(l->s), width = (size_t)l->s->channels;

	b->dx = buffer(n), b->dresidual = l->with_residual ? buffer(n) : NULL;
	b->dgamma = buffer_integers(width, 6, 3), b->dbeta = buffer_integers(width, 7, 3);
	b->sums = buffer_bytes((size_t)l->s->groups * 2 * width * sizeof(double));
}

/* <dy, layer> as a function of all inputs one after another: x, gamma, beta, residual */
static double layer_value(const double *v, void *with)
{
	const struct layer *l = with;
	const struct shape *s = l->s;
	size_t n = size_of(s), width = (size_t)s->channels;
	double y[4096], sum = 0;

	assert_true(n <= 4096);
	ref_norm(y, v, v + n, v + n + width, l->with_residual ? v + n + 2 * width : NULL, l->relu,
		(double)(float)NORM_EPS, s->groups, s->rows, s->channels);
	for (size_t i = 0; i < n; i++)
		sum += (double)l->dy[i] * y[i];
	return sum;
}

static void join(double *to, const float *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = from[i];
}

/* Gradients are sums of dy (at most 1) against normalised values, times gamma rstd; tolerance: of
 * the float operations of an element, (12 eps) times the largest terms; h is small so that no relu
 * turns within it. */
static void check_gradients(struct device *dev, const struct shape *s, int variant)
{
	size_t n = size_of(s), width = (size_t)s->channels, all;
	struct layer l;
	struct backward b;
	double *v, *d, largest = 1;

	layer_make(&l, s, variant);
	backward_make(&b, &l);
	all = n + 2 * width + (l.with_residual ? n : 0);
	v = doubles(all), d = doubles(all);
	join(v, l.x, n), join(v + n, l.gamma, width), join(v + n + width, l.beta, width);
	if (l.with_residual)
		join(v + n + 2 * width, l.residual, n);
	layer_forward(dev, &l, l.y);
	for (size_t i = 0; i < (size_t)s->groups * width; i++)
		largest = fmax(largest, (double)l.rstd[i]);
	ref_gradient(d, v, all, 1e-6, layer_value, &l);
	for (size_t i = 0; i < width; i++) {
		d[n + i] += b.dgamma[i];
		d[n + width + i] += b.dbeta[i];
	}
	layer_backward(dev, &l, &b);
	/* differences: 1e-16 n / h = 1e-10 n */
	check_close("dx", b.dx, d, n, 0, NULL,
		largest * 12 * EPS * sqrt((double)s->rows) + 1e-9 * (double)n);
	check_close("dgamma", b.dgamma, d + n, width, 0, NULL,
		largest * 4 * EPS * (double)n / (double)width + 1e-9 * (double)n);
	check_close("dbeta", b.dbeta, d + n + width, width, 4 * EPS, NULL, 1e-9 * (double)n);
	if (l.with_residual)
		check_close("dresidual", b.dresidual, d + n + 2 * width, n, EPS, NULL,
			1e-9 * (double)n);
	buffers_check();
}

static void gradients_through_the_statistics(void **state)
{
	static const struct shape small[] = { { 1, 3, 1 }, { 2, 5, 3 }, { 3, 17, 7 },
		{ 2, 33, 17 } };
	struct device *dev = device_open(2);

	(void)state;
	for (int i = 0; i < 4; i++)
		for (int variant = 0; variant < 4; variant++)
			check_gradients(dev, &small[i], variant);
	device_close(dev);
}

/* dx may be dy or x, dresidual may be dy; one and two threads give the same bits. */
static void backward_in_place(void **state)
{
	const struct shape *s = &shapes[4];
	size_t bytes = size_of(s) * sizeof(float);

	(void)state;
	for (int i = 0; i < 4 * 2; i++) {
		struct device *dev = device_open(2), *one = device_open(1);
		int variant = i / 2, over_x = i % 2;
		struct layer l;
		struct backward plain, again;

		layer_make(&l, s, variant);
		backward_make(&plain, &l), backward_make(&again, &l);
		layer_forward(dev, &l, l.y);
		layer_backward(one, &l, &plain);
		again.dresidual = l.with_residual ? l.dy : NULL;
		again.dx = l.with_residual || over_x ? l.x : l.dy;
		layer_backward(dev, &l, &again);
		check_same("dx", again.dx, plain.dx, bytes);
		if (l.with_residual)
			check_same("dresidual", again.dresidual, plain.dresidual, bytes);
		buffers_check();
		device_close(dev), device_close(one);
	}
}

/* A fault upstream must not vanish in the relu. */
static void nan_goes_through(void **state)
{
	const struct shape s = { 1, 2, 1 };
	struct device *dev = device_open(1);
	struct layer l;

	(void)state;
	layer_make(&l, &s, 1);
	l.x[1] = NAN;
	layer_forward(dev, &l, l.y);
	assert_true(isnan(l.y[0]) && isnan(l.y[1]));
	buffers_check();
	device_close(dev);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(forward_matches),
	cmocka_unit_test(forward_in_place),
	cmocka_unit_test(gradients_through_the_statistics),
	cmocka_unit_test(backward_in_place),
	cmocka_unit_test(nan_goes_through),
};
TEST_MAIN(cases)
