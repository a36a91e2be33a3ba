/* Linear layers and the matrix product of the CUDA back end, in all precisions, against plain loops
 * in double. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>

#include "cuda_fixture.h"
#include "kernel.h"

static const enum precision precisions[] = { PRECISION_FLOAT32, PRECISION_TF32, PRECISION_BF16 };

enum { PRECISIONS = sizeof precisions / sizeof *precisions };

/* rows, in, out */
static const int sizes[][3] = { { 1, 1, 1 }, { 3, 17, 33 }, { 33, 3, 1 }, { 1, 64, 17 },
	{ 64, 128, 32 }, { 5, 257, 3 } };

enum { SIZES = sizeof sizes / sizeof *sizes };

static size_t area(int a, int b)
{
	return (size_t)a * (size_t)b;
}

static float *elements(struct device *dev, size_t n, uint32_t seed)
{
	float *x = buffer_random(n, seed);

	round_to_elements(dev, x, n);
	return x;
}

/* got = before + op(a) op(b), as ref_gemm counts; rounded: the result is elements. */
static void check(struct device *dev, const char *what, const float *got, const float *before,
	const float *a, const float *b, const int shape[3], int ta, int tb, int rounded)
{
	int m = shape[0], n = shape[1], k = shape[2];
	double *want = doubles(area(m, n)), *scale = doubles(area(m, n)), relative, rounding;

	tolerance_of(dev, k + 1, &relative, &rounding);
	ref_gemm(want, doubles_of(a, area(m, k)), doubles_of(b, area(k, n)), m, n, k, ta, tb, 0);
	ref_gemm(scale, magnitudes_of(a, area(m, k)), magnitudes_of(b, area(k, n)), m, n, k, ta, tb,
		0);
	for (size_t i = 0; i < area(m, n); i++) {
		double old = before ? before[i] : 0, exact = want[i] + old;
		double allowed = relative * (scale[i] + fabs(old));

		if (rounded)
			allowed += rounding * (fabs(want[i]) + allowed);
		check_close(what, &got[i], &exact, 1, 0, NULL, allowed);
	}
}

static void layer(struct device *dev, int rows, int in, int out)
{
	float *x = elements(dev, area(rows, in), 1), *w = elements(dev, area(out, in), 2);
	float *dy = elements(dev, area(rows, out), 3), *before = buffer_random(area(out, in), 4);
	void *x_dev = elements_to_device(dev, x, area(rows, in));
	void *w_dev = elements_to_device(dev, w, area(out, in));
	void *dy_dev = elements_to_device(dev, dy, area(rows, out));
	float *dw_dev = floats_to_device(dev, before, area(out, in));
	void *y_dev = dev->be->alloc(dev, area(rows, out) * dev->element, "test");
	void *dx_dev = dev->be->alloc(dev, area(rows, in) * dev->element, "test");
	float *y = buffer(area(rows, out)), *dx = buffer(area(rows, in));
	float *dw = buffer(area(out, in));
	void *all[] = { x_dev, w_dev, dy_dev, dw_dev, y_dev, dx_dev };

	dev->be->linear_forward(dev, y_dev, x_dev, w_dev, rows, in, out);
	dev->be->linear_backward_data(dev, dx_dev, dy_dev, w_dev, rows, in, out);
	dev->be->linear_backward_weights(dev, dw_dev, dy_dev, x_dev, rows, in, out);
	elements_from_device(dev, y, y_dev, area(rows, out));
	elements_from_device(dev, dx, dx_dev, area(rows, in));
	dev->be->download(dev, dw, dw_dev, area(out, in) * sizeof *dw);
	check(dev, "y", y, NULL, x, w, (const int[]){ rows, out, in }, 0, 1, 1);
	check(dev, "dx", dx, NULL, dy, w, (const int[]){ rows, in, out }, 0, 0, 1);
	check(dev, "dw", dw, before, dy, x, (const int[]){ out, in, rows }, 1, 0, 0);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		dev->be->free(dev, all[i]);
	buffers_check();
}

static void layers_match(void **state)
{
	(void)state;
	for (int i = 0; i < PRECISIONS; i++) {
		struct device *dev = cuda_test_open(precisions[i], 0);

		for (int k = 0; k < SIZES; k++)
			layer(dev, sizes[k][0], sizes[k][1], sizes[k][2]);
		dev->be->linear_forward(dev, NULL, NULL, NULL, 0, 3, 5);
		dev->be->close(dev);
	}
}

/* The product of floats has floats as factors on a device of bfloat16 too. */
static void product(struct device *dev, const int size[3], int ta, int tb, int beta)
{
	int m = size[0], n = size[1], k = size[2];
	float *a = buffer_random(area(m, k), 1), *b = buffer_random(area(k, n), 2);
	float *before = buffer_random(area(m, n), 3), *c = buffer(area(m, n));
	float *a_dev = floats_to_device(dev, a, area(m, k));
	float *b_dev = floats_to_device(dev, b, area(k, n));
	float *c_dev = floats_to_device(dev, before, area(m, n));

	dev->be->gemm(dev, c_dev, a_dev, b_dev, m, n, k, ta, tb, (float)beta);
	dev->be->download(dev, c, c_dev, area(m, n) * sizeof *c);
	check(dev, "c", c, beta ? before : NULL, a, b, size, ta, tb, 0);
	dev->be->free(dev, a_dev);
	dev->be->free(dev, b_dev);
	dev->be->free(dev, c_dev);
	buffers_check();
}

static void products_match(void **state)
{
	(void)state;
	for (int i = 0; i < PRECISIONS; i++) {
		struct device *dev = cuda_test_open(precisions[i], 0);

		for (int k = 0; k < SIZES; k++)
			for (int flags = 0; flags < 8; flags++)
				product(dev, sizes[k], flags & 1, flags >> 1 & 1, flags >> 2);
		dev->be->close(dev);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(layers_match),
		cmocka_unit_test(products_match),
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
