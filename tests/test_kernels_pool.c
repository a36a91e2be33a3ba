/* Pooling and unit length. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "kernel.h"

static const struct pool_shape shapes[] = {
	/* n, h, w, c, r, stride, top, left, bottom, right */
	{ 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 }, { 2, 5, 3, 3, 3, 2, 1, 1, 1, 1 },
	{ 1, 17, 17, 33, 3, 2, 1, 1, 1, 1 }, /* stem */
	{ 2, 16, 16, 17, 3, 2, 0, 0, 1, 1 }, /* stem, same */
	{ 3, 7, 9, 16, 3, 1, 1, 1, 1, 1 }, { 2, 33, 31, 1, 7, 2, 3, 3, 3, 3 },
	{ 1, 9, 8, 64, 2, 3, 1, 0, 0, 1 }, /* gaps between windows */
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static size_t inputs(const struct pool_shape *s)
{
	return (size_t)(s->n * s->h * s->w * s->c);
}

static size_t outputs(const struct pool_shape *s)
{
	return (size_t)(s->n * s->c * conv_out(s->h, s->top, s->bottom, s->r, s->stride) *
		conv_out(s->w, s->left, s->right, s->r, s->stride));
}

/* Values are integers with many ties: the first of equals is taken, and its value is exact. */
static void maxima_match(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 2; threads++)
		for (int i = 0; i < SHAPES; i++) {
			const struct pool_shape *s = &shapes[i];
			struct device *dev = device_open(threads);
			float *x = buffer_integers(inputs(s), 1, 4), *y = buffer(outputs(s));
			uint8_t *index = buffer_bytes(outputs(s)),
				*index_want = buffer_bytes(outputs(s));
			double *want = doubles(outputs(s));

			ref_max_pool(want, index_want, doubles_of(x, inputs(s)), s);
			dev->be->max_pool(dev, y, index, x, s);
			check_close("y", y, want, outputs(s), 0, NULL, 0);
			check_same("index", index, index_want, outputs(s));
			buffers_check();
			device_close(dev);
		}
}

struct pool_case {
	const struct pool_shape *s;
	const float *dy;
};

static double pool_value(const double *x, void *with)
{
	const struct pool_case *p = with;
	size_t n = outputs(p->s);
	double y[4096], sum = 0;
	uint8_t index[4096];

	assert_true(n <= 4096);
	ref_max_pool(y, index, x, p->s);
	for (size_t i = 0; i < n; i++)
		sum += (double)p->dy[i] * y[i];
	return sum;
}

/* dy are small integers, so a pixel's sum is exact; the differences are of a piecewise linear
 * function, right to rounding. */
static void gradients_match(void **state)
{
	struct device *dev = device_open(2);

	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		const struct pool_shape *s = &shapes[i];
		float *x = buffer_random(inputs(s), 1), *y = buffer(outputs(s)),
		      *dx = buffer(inputs(s));
		float *dy = buffer_integers(outputs(s), 2, 9);
		uint8_t *index = buffer_bytes(outputs(s));
		double *want = doubles(inputs(s));
		struct pool_case with = { s, dy };

		dev->be->max_pool(dev, y, index, x, s);
		dev->be->max_pool_backward(dev, dx, dy, index, s);
		ref_gradient(want, doubles_of(x, inputs(s)), inputs(s), 1e-9, pool_value, &with);
		for (size_t k = 0; k < inputs(s); k++) {
			assert_close(dx[k], want[k], 1e-2);
			assert_true(dx[k] == rintf(dx[k]));
		}
		buffers_check();
	}
	device_close(dev);
}

static void nan_and_infinity(void **state)
{
	const struct pool_shape s = { 1, 1, 3, 1, 3, 1, 1, 1, 1, 1 };
	struct device *dev = device_open(1);
	float *x = buffer(3), *y = buffer(3);
	uint8_t *index = buffer_bytes(3);

	(void)state;
	x[0] = -INFINITY, x[1] = -INFINITY, x[2] = NAN;
	dev->be->max_pool(dev, y, index, x, &s);
	assert_true(y[0] == -INFINITY && isnan(y[1]) && isnan(y[2]));
	/* middle row of the window; the first column is padding in the first window */
	assert_int_equal(index[0], 4);
	assert_int_equal(index[1], 5);
	assert_int_equal(index[2], 4);
	buffers_check();
	device_close(dev);
}

static void means(void **state)
{
	static const int sizes[][3] = { { 1, 1, 1 }, { 3, 17, 33 }, { 2, 49, 257 }, { 5, 3, 64 },
		{ 40, 16, 128 } };

	(void)state;
	for (int i = 0; i < 5; i++) {
		int n = sizes[i][0], pixels = sizes[i][1], c = sizes[i][2];
		size_t in = (size_t)(n * pixels * c), out = (size_t)(n * c);
		struct device *dev = device_open(2);
		float *x = buffer_random(in, 1), *y = buffer(out), *dx = buffer(in);
		double *want = doubles(out), *back = doubles(in);

		ref_mean_pool(want, doubles_of(x, in), n, pixels, c);
		dev->be->mean_pool(dev, y, x, n, pixels, c);
		check_close("y", y, want, out, EPS, NULL, 1e-15);
		dev->be->mean_pool_backward(dev, dx, y, n, pixels, c);
		for (size_t k = 0; k < in; k++)
			back[k] = (double)y[k / (size_t)(pixels * c) * (size_t)c + k % (size_t)c] /
				pixels;
		check_close("dx", dx, back, in, 2.01 * EPS, NULL, 0);
		buffers_check();
		device_close(dev);
	}
}

/* ---- unit length ---- */

struct unit_case {
	const float *g;
	size_t rows;
	int d;
};

static double unit_value(const double *u, void *with)
{
	const struct unit_case *c = with;
	double o[4096], length[512], sum = 0;

	ref_unit_length(o, length, u, c->rows, c->d);
	for (size_t i = 0; i < c->rows * (size_t)c->d; i++)
		sum += (double)c->g[i] * o[i];
	return sum;
}

static void unit_lengths(void **state)
{
	static const struct unit_case sizes[] = { { NULL, 1, 1 }, { NULL, 3, 17 }, { NULL, 33, 3 },
		{ NULL, 2, 256 } };

	(void)state;
	for (int i = 0; i < 4; i++) {
		size_t rows = sizes[i].rows, n = rows * (size_t)sizes[i].d;
		struct unit_case with = { buffer_random(n, 2), rows, sizes[i].d };
		struct device *dev = device_open(2);
		float *u = buffer_random(n, 1), *o = buffer(n), *length = buffer(rows);
		float *du = buffer_copy(with.g, n);
		double *want = doubles(n), *want_length = doubles(rows), *back = doubles(n),
		       *scale = doubles(n);

		ref_unit_length(want, want_length, doubles_of(u, n), rows, with.d);
		dev->be->unit_length(dev, o, length, u, rows, with.d);
		check_close("o", o, want, n, EPS, NULL, 1e-15);
		check_close("length", length, want_length, rows, EPS, NULL, 1e-15);
		ref_gradient(back, doubles_of(u, n), n, 1e-3, unit_value, &with);
		/* o and length are rounded, <g, o> is of d such terms: of g's size all together,
		 * over the length */
		for (size_t k = 0; k < n; k++)
			scale[k] = sqrt(with.d) / want_length[k / (size_t)with.d];
		dev->be->unit_length_backward(dev, du, du, o, length, rows, with.d);
		check_close("du", du, back, n, 6 * EPS, scale, 1e-6 * (with.d == 1) + 2e-9);
		buffers_check();
		device_close(dev);
	}
}

static void nothing_has_a_length_too(void **state)
{
	struct device *dev = device_open(1);
	float *u = buffer_integers(3, 0, 0), *o = buffer(3), *length = buffer(1);

	(void)state;
	dev->be->unit_length(dev, o, length, u, 1, 3);
	assert_close(length[0], 1e-6, 1e-6 * EPS);
	for (int i = 0; i < 3; i++)
		assert_true(o[i] == 0);
	u[1] = NAN;
	dev->be->unit_length(dev, o, length, u, 1, 3);
	assert_true(isnan(length[0]) && isnan(o[0]));
	buffers_check();
	device_close(dev);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(maxima_match),
	cmocka_unit_test(gradients_match),
	cmocka_unit_test(nan_and_infinity),
	cmocka_unit_test(means),
	cmocka_unit_test(unit_lengths),
	cmocka_unit_test(nothing_has_a_length_too),
};
TEST_MAIN(cases)
