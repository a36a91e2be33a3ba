/* Convolution and matrix product against the reference.
 * Tolerances: a sum of T products, in any order, with or without FMA, is within (T + 1) eps of the
 * sum of the products' magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "conv_fixture.h"

static void check_forward(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct conv_sizes z = conv_sizes_of(s);
	float *x = buffer_random(z.x, 1), *w = buffer_random(z.w, 2), *y = buffer(z.y);
	double *want = doubles(z.y), *scale = doubles(z.y);

	ref_conv(want, doubles_of(x, z.x), doubles_of(w, z.w), s);
	ref_conv(scale, magnitudes_of(x, z.x), magnitudes_of(w, z.w), s);
	dev->be->conv_forward(dev, conv, y, x, w);
	check_close("y", y, want, z.y, (s->r * s->r * s->c + 1) * EPS, scale, 0);
	buffers_check();
}

static void check_data(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct conv_sizes z = conv_sizes_of(s);
	float *dy = buffer_random(z.y, 3), *w = buffer_random(z.w, 2), *dx = buffer(z.x);
	double *want = doubles(z.x), *scale = doubles(z.x);

	ref_conv_data(want, doubles_of(dy, z.y), doubles_of(w, z.w), s);
	ref_conv_data(scale, magnitudes_of(dy, z.y), magnitudes_of(w, z.w), s);
	dev->be->conv_backward_data(dev, conv, dx, dy, w, 0);
	check_close("dx", dx, want, z.x, (s->r * s->r * s->k + 1) * EPS, scale, 0);
	buffers_check();
}

/* One more term, what was there; where a stride leaves pixels out, nothing else. */
static void check_data_added(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct conv_sizes z = conv_sizes_of(s);
	float *dy = buffer_random(z.y, 3), *w = buffer_random(z.w, 2), *dx = buffer_random(z.x, 5);
	float *before = buffer_copy(dx, z.x);
	double *want = doubles(z.x), *scale = doubles(z.x);

	ref_conv_data(want, doubles_of(dy, z.y), doubles_of(w, z.w), s);
	ref_conv_data(scale, magnitudes_of(dy, z.y), magnitudes_of(w, z.w), s);
	dev->be->conv_backward_data(dev, conv, dx, dy, w, 1);
	for (size_t i = 0; i < z.x; i++) {
		if (s->r == 1 && scale[i] == 0)
			check_same("dx left alone", &dx[i], &before[i], sizeof *dx);
		want[i] += before[i];
		scale[i] += before[i] < 0 ? -before[i] : before[i];
	}
	check_close("dx +", dx, want, z.x, (s->r * s->r * s->k + 2) * EPS, scale, 0);
	buffers_check();
}

/* dw is added to: one more term, what was there. */
static void check_weights(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct conv_sizes z = conv_sizes_of(s);
	float *dy = buffer_random(z.y, 3), *x = buffer_random(z.x, 1), *dw = buffer_random(z.w, 4);
	double *before = doubles_of(dw, z.w), *want = doubles(z.w), *scale = doubles(z.w);

	ref_conv_weights(want, doubles_of(dy, z.y), doubles_of(x, z.x), s);
	ref_conv_weights(scale, magnitudes_of(dy, z.y), magnitudes_of(x, z.x), s);
	for (size_t i = 0; i < z.w; i++) {
		want[i] += before[i];
		scale[i] += before[i] < 0 ? -before[i] : before[i];
	}
	dev->be->conv_backward_weights(dev, conv, dw, dy, x);
	check_close("dw", dw, want, z.w, (s->n * z.p * z.q + 2) * EPS, scale, 0);
	buffers_check();
}

static void convolutions_on(struct device *dev)
{
	for (size_t i = 0; i < CONV_SHAPES; i++) {
		struct conv *conv = dev->be->conv_open(dev, &conv_shapes[i]);

		/* Twice: what is prepared by the first call serves the second. */
		for (int twice = 0; twice < 2; twice++) {
			check_weights(dev, conv, &conv_shapes[i]);
			check_forward(dev, conv, &conv_shapes[i]);
			check_data(dev, conv, &conv_shapes[i]);
			check_data_added(dev, conv, &conv_shapes[i]);
		}
		dev->be->conv_close(dev, conv);
	}
	dev->be->conv_close(dev, NULL);
	device_close(dev);
}

static void convolutions_match(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 3; threads++) {
		convolutions_on(device_open(threads));
		if (device_is_cpu())
			convolutions_on(device_open_direct(threads));
	}
}

/* Small integers have exact sums, whatever the order. */
static void integers_are_exact(void **state)
{
	struct device *dev = device_open(2);

	(void)state;
	for (size_t i = 0; i < CONV_SHAPES; i++) {
		const struct conv_shape *s = &conv_shapes[i];
		const struct conv_sizes z = conv_sizes_of(s);
		struct conv *conv = dev->be->conv_open(dev, s);
		float *x = buffer_integers(z.x, 1, 8), *w = buffer_integers(z.w, 2, 8);
		float *dy = buffer_integers(z.y, 3, 8), *y = buffer(z.y), *dx = buffer(z.x);
		float *dw = buffer_integers(z.w, 4, 0);
		double *want = doubles(z.x + z.w + z.y), *xd = doubles_of(x, z.x);
		double *wd = doubles_of(w, z.w), *dyd = doubles_of(dy, z.y);

		dev->be->conv_forward(dev, conv, y, x, w);
		ref_conv(want, xd, wd, s);
		check_close("y", y, want, z.y, 0, NULL, 0);
		dev->be->conv_backward_data(dev, conv, dx, dy, w, 0);
		ref_conv_data(want, dyd, wd, s);
		check_close("dx", dx, want, z.x, 0, NULL, 0);
		dev->be->conv_backward_data(dev, conv, dx, dy, w, 1);
		for (size_t k = 0; k < z.x; k++)
			want[k] *= 2;
		check_close("dx +", dx, want, z.x, 0, NULL, 0);
		dev->be->conv_backward_weights(dev, conv, dw, dy, x);
		ref_conv_weights(want, dyd, xd, s);
		check_close("dw", dw, want, z.w, 0, NULL, 0);
		dev->be->conv_close(dev, conv);
		buffers_check();
	}
	device_close(dev);
}

static void same_bits_again(void **state)
{
	static const struct conv_shape s = { 8, 14, 14, 64, 64, 3, 1, 1, 1, 1, 1 };
	const struct conv_sizes z = conv_sizes_of(&s);
	float *x = buffer_random(z.x, 1), *w = buffer_random(z.w, 2), *dy = buffer_random(z.y, 3);
	float *y[2], *dx[2], *dw[2], *product[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct device *dev = device_open(2);
		struct conv *conv = dev->be->conv_open(dev, &s);

		y[i] = buffer(z.y), dx[i] = buffer(z.x), dw[i] = buffer_integers(z.w, 0, 0);
		dev->be->conv_forward(dev, conv, y[i], x, w);
		dev->be->conv_backward_data(dev, conv, dx[i], dy, w, 0);
		dev->be->conv_backward_weights(dev, conv, dw[i], dy, x);
		dev->be->conv_close(dev, conv);
		/* few rows and a long sum, which a library likes to cut among threads */
		product[i] = buffer(64 * 64);
		dev->be->gemm(dev, product[i], x, y[0], 64, 64, (int)(z.x / 64), 1, 0, 0);
		device_close(dev);
	}
	check_same("product", product[0], product[1], 64 * 64 * sizeof(float));
	check_same("y", y[0], y[1], z.y * sizeof(float));
	check_same("dx", dx[0], dx[1], z.x * sizeof(float));
	check_same("dw", dw[0], dw[1], z.w * sizeof(float));
	buffers_check();
}

/* The reference's own gradients: <dy, conv(x, w)> by central differences, which are exact for a
 * linear function but for rounding (1e-16 / h). */
struct product {
	const double *dy, *other;
	const struct conv_shape *s;
	int by_weights;
};

static double product_value(const double *v, void *with)
{
	const struct product *p = with;
	double y[256], sum = 0;
	size_t n = conv_sizes_of(p->s).y;

	assert_true(n <= 256);
	ref_conv(y, p->by_weights ? p->other : v, p->by_weights ? v : p->other, p->s);
	for (size_t i = 0; i < n; i++)
		sum += p->dy[i] * y[i];
	return sum;
}

static void reference_gradients_are_right(void **state)
{
	static const struct conv_shape s = { 2, 5, 4, 3, 2, 3, 2, 0, 1, 1, 1 };
	const struct conv_sizes z = conv_sizes_of(&s);
	double *x = doubles_of(buffer_random(z.x, 1), z.x),
	       *w = doubles_of(buffer_random(z.w, 2), z.w);
	double *dy = doubles_of(buffer_random(z.y, 3), z.y);
	double *got = doubles(z.x + z.w), *want = doubles(z.x + z.w);
	struct product product = { dy, w, &s, 0 };

	(void)state;
	ref_conv_data(want, dy, w, &s);
	ref_gradient(got, x, z.x, 1e-3, product_value, &product);
	for (size_t i = 0; i < z.x; i++)
		assert_close(got[i], want[i], 1e-11);
	product.other = x, product.by_weights = 1;
	ref_conv_weights(want, dy, x, &s);
	ref_gradient(got, w, z.w, 1e-3, product_value, &product);
	for (size_t i = 0; i < z.w; i++)
		assert_close(got[i], want[i], 1e-11);
	buffers_check();
}

static void gemm_once(struct device *dev, int m, int n, int k, int flags, float beta)
{
	int ta = flags & 1, tb = flags >> 1 & 1;
	size_t mk = (size_t)(m * k), kn = (size_t)(k * n), mn = (size_t)(m * n);
	float *a = buffer_random(mk, 1), *b = buffer_random(kn, 2);
	float *c = beta != 0 ? buffer_random(mn, 3) : buffer(mn); /* NaN there must not count */
	double *want = doubles_of(c, mn), *scale = magnitudes_of(c, mn);

	ref_gemm(want, doubles_of(a, mk), doubles_of(b, kn), m, n, k, ta, tb, beta);
	ref_gemm(scale, magnitudes_of(a, mk), magnitudes_of(b, kn), m, n, k, ta, tb, beta);
	dev->be->gemm(dev, c, a, b, m, n, k, ta, tb, beta);
	check_close("gemm", c, want, mn, (k + 2) * EPS, scale, 0);
	buffers_check();
}

static void products_match(void **state)
{
	static const int sizes[][3] = { { 1, 1, 1 }, { 1, 3, 17 }, { 3, 1, 33 }, { 17, 33, 3 },
		{ 33, 17, 1 }, { 32, 64, 128 }, { 64, 256, 33 }, { 129, 65, 257 } };

	(void)state;
	for (int threads = 1; threads <= 2; threads++) {
		struct device *dev = device_open(threads);

		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			for (int flags = 0; flags < 4; flags++)
				for (int beta = 0; beta < 2; beta++)
					gemm_once(dev, sizes[i][0], sizes[i][1], sizes[i][2], flags,
						(float)beta);
		device_close(dev);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(convolutions_match),
	cmocka_unit_test(integers_are_exact),
	cmocka_unit_test(same_bits_again),
	cmocka_unit_test(reference_gradients_are_right),
	cmocka_unit_test(products_match),
};
TEST_MAIN(cases)
