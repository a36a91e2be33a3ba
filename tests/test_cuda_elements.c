/* Elements of the CUDA back end: conversions, arrays, biases, pooling, unit length with bfloat16
 * against double, and the same bits where arrays are not aligned. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>
#include <string.h>

#include "bf16_math.h"
#include "cuda_arrays.h"
#include "kernel.h"

static const enum precision precisions[] = { PRECISION_FLOAT32, PRECISION_BF16 };
static const size_t sizes[] = { 0, 1, 3, 7, 8, 9, 17, 33, 300000 };

enum { SIZES = sizeof sizes / sizeof *sizes };

static double rounding_of(const struct device *dev)
{
	return dev->precision == PRECISION_BF16 ? 1.0 / 256 : 0;
}

static float float_of(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

/* Every bfloat16 stays as it is; between two neighbours the nearer one is taken, and the even one
 * from the middle. */
static void bf16_is_nearest_even(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 0x10000; i++) {
		uint32_t low = i << 16, up = i + 1, even = i % 2 == 0 ? i : up;
		float f = float_of(low);

		if ((i & 0x7fff) > 0x7f80) { /* NaN */
			assert_true(isnan(bf16_float((struct bf16){ (uint16_t)i })));
			assert_int_equal(bf16_of(f).bits, 0x7fff);
			assert_int_equal(bf16_of(float_of(low | 0xffff)).bits, 0x7fff);
			continue;
		}
		assert_int_equal(bf16_of(f).bits, i);
		assert_true(bf16_float((struct bf16){ (uint16_t)i }) == f);
		if ((i & 0x7fff) == 0x7f80)
			continue;
		assert_int_equal(bf16_of(float_of(low | 0x7fff)).bits, i);
		assert_int_equal(bf16_of(float_of(low | 0x8000)).bits, even);
		assert_int_equal(bf16_of(float_of(low | 0x8001)).bits, up);
	}
	/* hidden among the lower bits */
	assert_int_equal(bf16_of(float_of(0x7f800001)).bits, 0x7fff);
	assert_int_equal(bf16_of(float_of(0xff800001)).bits, 0x7fff);
}

/* What to_float and from_float make of x. */
static void check_conversions(struct device *dev, const float *x, size_t n, int shift)
{
	float *rounded = buffer_copy(x, n), *nothing = buffer(n);
	void *y = put(dev, nothing, n, shift);
	float *back = put_floats(dev, nothing, n, shift);

	round_to_elements(dev, rounded, n);
	dev->be->from_float(dev, y, put_floats(dev, x, n, shift), n);
	check_same("from_float", get(dev, y, n), rounded, n * sizeof *x);
	dev->be->to_float(dev, back, y, n);
	check_same("to_float", get_floats(dev, back, n), rounded, n * sizeof *x);
}

static void check_sums(struct device *dev, const float *x, size_t n, int shift)
{
	float *a = elements_random(dev, n, 2), *b = elements_random(dev, n, 3);
	float *sum = buffer(n), *times = buffer(n);
	void *y = put(dev, a, n, shift);
	float *z = put_floats(dev, x, n, shift);

	for (size_t i = 0; i < n; i++) {
		sum[i] = a[i] + b[i];
		times[i] = x[i] + 0.25f * b[i];
	}
	round_to_elements(dev, sum, n);
	dev->be->add(dev, y, put(dev, b, n, shift), n);
	check_same("add", get(dev, y, n), sum, n * sizeof *x);
	dev->be->axpy(dev, z, 0.25f, put_floats(dev, b, n, shift), n);
	check_same("axpy", get_floats(dev, z, n), times, n * sizeof *x);
}

static void arrays(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * 2 * SIZES; i++) {
		struct device *dev = arrays_open(precisions[i / 2 / SIZES]);
		size_t n = sizes[i / 2 % SIZES];
		float *x = buffer_random(n, 1);

		check_conversions(dev, x, n, i % 2);
		check_sums(dev, x, n, i % 2);
		arrays_close(dev);
	}
}

/* Integers, whose sums bfloat16 holds. */
static void biases(void **state)
{
	static const int shapes[][2] = { { 1, 1 }, { 70, 64 }, { 5, 33 }, { 700, 8 }, { 9, 520 } };

	(void)state;
	for (int i = 0; i < 2 * 2 * 5; i++) {
		size_t rows = (size_t)shapes[i / 2 % 5][0], channels = (size_t)shapes[i / 2 % 5][1];
		struct device *dev = arrays_open(precisions[i / 10]);
		float *x = buffer_integers(rows * channels, 1, 99);
		float *bias = buffer_integers(channels, 2, 99);
		void *y = put(dev, x, rows * channels, i % 2);

		dev->be->bias_add(dev, y, put_floats(dev, bias, channels, 0), rows, (int)channels);
		for (size_t k = 0; k < rows * channels; k++)
			x[k] += bias[k % channels];
		check_same("y", get(dev, y, rows * channels), x, rows * channels * sizeof *x);
		arrays_close(dev);
	}
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

static void max_pools(void **state)
{
	static const struct pool_shape shapes[] = {
		{ 2, 12, 10, 64, 3, 2, 1, 1, 1, 1 },
		{ 1, 9, 9, 24, 3, 2, 0, 0, 1, 1 },
		{ 1, 7, 5, 33, 3, 1, 1, 1, 1, 1 },
		{ 2, 9, 8, 16, 2, 3, 1, 0, 0, 1 },
		{ 1, 11, 11, 8, 5, 2, 2, 2, 2, 2 },
		{ 3, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
	};

	(void)state;
	for (int i = 0; i < 2 * 2 * 6; i++) {
		struct device *dev = arrays_open(precisions[i / 12]);

		check_max_pool(dev, &shapes[i / 2 % 6], i % 2);
		arrays_close(dev);
	}
}

/* The first place within the image is taken, however far the window hangs over. */
static void nothing_but_minus_infinity(void **state)
{
	static const struct pool_shape s = { 1, 6, 6, 8, 5, 2, 3, 4, 2, 2 };
	enum { IN = 6 * 6 * 8, OUT = 4 * 4 * 8 };
	struct device *dev = arrays_open(PRECISION_FLOAT32);
	float *x = buffer(IN);
	uint8_t *want = buffer_bytes(OUT), *index = put_bytes(dev, want, OUT, 0);

	(void)state;
	for (int i = 0; i < IN; i++)
		x[i] = -INFINITY;
	ref_max_pool(doubles(OUT), want, doubles_of(x, IN), &s);
	dev->be->max_pool(dev, put(dev, x, OUT, 0), index, put(dev, x, IN, 0), &s);
	check_same("index", get_bytes(dev, index, OUT), want, OUT);
	arrays_close(dev);
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

static void mean_pools(void **state)
{
	static const int shapes[][3] = { { 1, 1, 1 }, { 5, 49, 64 }, { 2, 9, 33 }, { 3, 16, 520 } };

	(void)state;
	for (int i = 0; i < 2 * 2 * 4; i++) {
		const int *s = shapes[i / 2 % 4];
		struct device *dev = arrays_open(precisions[i / 8]);

		check_mean_pool(dev, s[0], s[1], s[2], i % 2);
		arrays_close(dev);
	}
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

static void units(void **state)
{
	static const int shapes[][2] = { { 1, 1 }, { 70, 256 }, { 9, 33 }, { 3, 1000 }, { 17, 8 } };

	(void)state;
	for (int i = 0; i < 2 * 2 * 5; i++) {
		struct device *dev = arrays_open(precisions[i / 10]);

		check_unit(dev, (size_t)shapes[i / 2 % 5][0], shapes[i / 2 % 5][1], i % 2);
		arrays_close(dev);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(bf16_is_nearest_even),
	cmocka_unit_test(arrays),
	cmocka_unit_test(biases),
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
