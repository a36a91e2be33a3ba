/* Pooling and unit length on the CUDA back end: bfloat16 elements against double, and arrays that
 * are not aligned (no packs of 16 bytes). */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>

#include "cuda_arrays.h"
#include "kernel.h"

static double rounding_of(const struct device *dev)
{
	return dev->precision == PRECISION_BF16 ? 1.0 / 256 : 0;
}

/* Integers with many ties, so that all is exact: forward against the reference, backward against
 * each output's gradient put where its index says. */
static void check_max_pool(struct device *dev, const struct pool_shape *s, int shift)
{
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	int q = conv_out(s->w, s->left, s->right, s->r, s->stride);
	size_t in = (size_t)(s->n * s->h * s->w * s->c), out = (size_t)(s->n * p * q * s->c);
	float *x = buffer_integers(in, 1, 4), *dy = buffer_integers(out, 2, 9);
	double *want = doubles(out), *dx_want = doubles(in);
	uint8_t *index_want = buffer_bytes(out);
	void *y = put(dev, dy, out, shift), *dx = put(dev, x, in, shift);
	uint8_t *index = put_bytes(dev, index_want, out, shift);

	ref_max_pool(want, index_want, doubles_of(x, in), s);
	dev->be->max_pool(dev, y, index, put(dev, x, in, shift), s);
	check_close("y", get(dev, y, out), want, out, 0, NULL, 0);
	check_same("index", get_bytes(dev, index, out), index_want, out);
	for (size_t k = 0; k < out; k++) {
		int c = (int)k % s->c, j = (int)k / s->c % q, i = (int)k / s->c / q % p;
		int n = (int)k / s->c / q / p, h = i * s->stride - s->top + index_want[k] / s->r;
		int w = j * s->stride - s->left + index_want[k] % s->r;

		dx_want[((n * s->h + h) * s->w + w) * s->c + c] += dy[k];
	}
	dev->be->max_pool_backward(dev, dx, put(dev, dy, out, shift), index, s);
	check_close("dx", get(dev, dx, in), dx_want, in, 0, NULL, 0);
}

static void max_pools_on(struct device *dev)
{
	static const struct pool_shape shapes[] = {
		{ 2, 12, 10, 64, 3, 2, 1, 1, 1, 1 },
		{ 1, 9, 9, 24, 3, 2, 0, 0, 1, 1 },
		{ 1, 7, 5, 33, 3, 1, 1, 1, 1, 1 },
		{ 2, 9, 8, 16, 2, 3, 1, 0, 0, 1 },
		{ 1, 11, 11, 8, 5, 2, 2, 2, 2, 2 },
		{ 3, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
	};

	for (int i = 0; i < 2 * 6; i++) {
		check_max_pool(dev, &shapes[i / 2], i % 2);
		arrays_free(dev);
	}
}

static void max_pools(void **state)
{
	(void)state;
	on_both_elements(max_pools_on);
}

/* The first place within the image is taken, however far the window hangs over. */
static void nothing_but_minus_infinity(void **state)
{
	static const struct pool_shape s = { 1, 6, 6, 8, 5, 2, 3, 4, 2, 2 };
	enum { IN = 6 * 6 * 8, OUT = 4 * 4 * 8 };
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	float *x = buffer(IN);
	uint8_t *want = buffer_bytes(OUT), *index = put_bytes(dev, want, OUT, 0);

	(void)state;
	for (int i = 0; i < IN; i++)
		x[i] = -INFINITY;
	ref_max_pool(doubles(OUT), want, doubles_of(x, IN), &s);
	dev->be->max_pool(dev, put(dev, x, OUT, 0), index, put(dev, x, IN, 0), &s);
	check_same("index", get_bytes(dev, index, OUT), want, OUT);
	arrays_free(dev);
	dev->be->close(dev);
}

/* y: the sum is double, then rounded to a float and to an element; dx: the share and its product
 * are floats. */
static void check_mean_pool(struct device *dev, int n, int pixels, int c, int shift)
{
	size_t in = (size_t)(n * pixels * c), out = (size_t)(n * c);
	float *x = elements_random(dev, in, 1), *dy = elements_random(dev, out, 2);
	double *want = doubles(out), *back = doubles(in), u = rounding_of(dev);
	void *y = put(dev, dy, out, shift), *dx = put(dev, x, in, shift);

	ref_mean_pool(want, doubles_of(x, in), n, pixels, c);
	dev->be->mean_pool(dev, y, put(dev, x, in, shift), n, pixels, c);
	check_close("y", get(dev, y, out), want, out, u + EPS * (1 + u), NULL, 1e-15);
	dev->be->mean_pool_backward(dev, dx, put(dev, dy, out, shift), n, pixels, c);
	for (size_t k = 0; k < in; k++)
		back[k] = (double)dy[k / (size_t)(pixels * c) * (size_t)c + k % (size_t)c] / pixels;
	check_close("dx", get(dev, dx, in), back, in, u + 2.01 * EPS * (1 + u), NULL, 0);
}

static void mean_pools_on(struct device *dev)
{
	static const int shapes[][3] = { { 1, 1, 1 }, { 5, 49, 64 }, { 2, 9, 33 }, { 3, 16, 520 } };

	for (int i = 0; i < 2 * 4; i++) {
		const int *s = shapes[i / 2];

		check_mean_pool(dev, s[0], s[1], s[2], i % 2);
		arrays_free(dev);
	}
}

static void mean_pools(void **state)
{
	(void)state;
	on_both_elements(mean_pools_on);
}

/* o and length are doubles rounded to floats; du is one rounded to an element, but for along, which
 * is of o, whose d roundings count at most as their number's root. */
static void check_unit(struct device *dev, size_t rows, int d, int shift)
{
	size_t n = rows * (size_t)d;
	float *u = elements_random(dev, n, 1), *g = buffer_random(n, 2);
	double *want = doubles(n), *length_want = doubles(rows);
	float *o = put_floats(dev, g, n, shift), *length = put_floats(dev, g, rows, 0);
	void *du = put(dev, u, n, shift);
	float *back;

	ref_unit_length(want, length_want, doubles_of(u, n), rows, d);
	dev->be->unit_length(dev, o, length, put(dev, u, n, shift), rows, d);
	check_close("o", get_floats(dev, o, n), want, n, EPS, NULL, 1e-15);
	check_close("length", get_floats(dev, length, rows), length_want, rows, EPS, NULL, 1e-15);
	dev->be->unit_length_backward(dev, du, put_floats(dev, g, n, shift), o, length, rows, d);
	back = get(dev, du, n);
	for (size_t r = 0; r < rows; r++) {
		double along = 0;

		for (size_t i = r * (size_t)d; i < (r + 1) * (size_t)d; i++)
			along += want[i] * g[i];
		for (size_t i = r * (size_t)d; i < (r + 1) * (size_t)d; i++) {
			double du_want = (g[i] - along * want[i]) / length_want[r];
			double slack = 4 * EPS * sqrt(d) / length_want[r];

			assert_close(back[i], du_want,
				slack + rounding_of(dev) * (fabs(du_want) + slack));
		}
	}
}

static void units_on(struct device *dev)
{
	static const int shapes[][2] = { { 1, 1 }, { 70, 256 }, { 9, 33 }, { 3, 1000 }, { 17, 8 } };

	for (int i = 0; i < 2 * 5; i++) {
		check_unit(dev, (size_t)shapes[i / 2][0], shapes[i / 2][1], i % 2);
		arrays_free(dev);
	}
}

static void units(void **state)
{
	(void)state;
	on_both_elements(units_on);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(max_pools),
	cmocka_unit_test(nothing_but_minus_infinity),
	cmocka_unit_test(mean_pools),
	cmocka_unit_test(units),
};
TEST_MAIN(cases)

#else

#include <stdio.h>

int main(void)
{
	printf("1..0 # SKIP no CUDA back end here\n");
	return 0;
}

#endif
