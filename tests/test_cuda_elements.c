/* Elements of the CUDA back end: conversions, arrays and biases with bfloat16 against exact
 * arithmetic, and the same where arrays are not aligned. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>
#include <string.h>

#include "bf16_math.h"
#include "cuda_arrays.h"
#include "kernel.h"

static const size_t sizes[] = { 0, 1, 3, 7, 8, 9, 17, 33, 300000 };

enum { SIZES = sizeof sizes / sizeof *sizes };

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
	float *a = elements_random(dev, n, 2), *sum = buffer(n);
	float *y = put_floats(dev, x, n, shift);

	for (size_t i = 0; i < n; i++)
		sum[i] = x[i] + 0.25f * a[i];
	dev->be->axpy(dev, y, 0.25f, put_floats(dev, a, n, shift), n);
	check_same("axpy", get_floats(dev, y, n), sum, n * sizeof *x);
}

static void arrays_on(struct device *dev)
{
	for (int i = 0; i < 2 * SIZES; i++) {
		size_t n = sizes[i / 2];
		float *x = buffer_random(n, 1);

		check_conversions(dev, x, n, i % 2);
		check_sums(dev, x, n, i % 2);
		arrays_free(dev);
	}
}

static void arrays(void **state)
{
	(void)state;
	on_both_elements(arrays_on);
}

/* Integers, whose sums bfloat16 holds. */
static void biases_on(struct device *dev)
{
	static const int shapes[][2] = { { 1, 1 }, { 70, 64 }, { 5, 33 }, { 700, 8 }, { 9, 520 } };

	for (int i = 0; i < 2 * 5; i++) {
		size_t rows = (size_t)shapes[i / 2][0], channels = (size_t)shapes[i / 2][1];
		float *x = buffer_integers(rows * channels, 1, 99);
		float *bias = buffer_integers(channels, 2, 99);
		void *y = put(dev, x, rows * channels, i % 2);

		dev->be->bias_add(dev, y, put_floats(dev, bias, channels, 0), rows, (int)channels);
		for (size_t k = 0; k < rows * channels; k++)
			x[k] += bias[k % channels];
		check_same("y", get(dev, y, rows * channels), x, rows * channels * sizeof *x);
		arrays_free(dev);
	}
}

static void biases(void **state)
{
	(void)state;
	on_both_elements(biases_on);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(bf16_is_nearest_even),
	cmocka_unit_test(arrays),
	cmocka_unit_test(biases),
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
