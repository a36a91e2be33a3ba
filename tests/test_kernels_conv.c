/* Convolution and matrix product against the reference.
 * Tolerances: a sum of T products, in any order, with or without FMA, is within (T + 1) eps of the
 * sum of the products' magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "kernel.h"

static const struct conv_shape shapes[] = {
	/* n, h, w, c, k, r, stride, top, left, bottom, right */
	{ 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
	{ 2, 3, 5, 3, 1, 3, 1, 1, 1, 1, 1 },
	{ 1, 7, 7, 1, 5, 7, 1, 3, 3, 3, 3 },
	{ 2, 17, 17, 3, 16, 7, 2, 3, 3, 3, 3 }, /* stem */
	{ 2, 16, 16, 3, 16, 7, 2, 2, 2, 3, 3 }, /* stem, same */
	{ 2, 33, 31, 3, 17, 3, 1, 1, 1, 1, 1 }, /* small stem, odd widths */
	{ 3, 9, 9, 17, 33, 1, 1, 0, 0, 0, 0 },
	{ 3, 9, 9, 16, 32, 1, 2, 0, 0, 0, 0 }, /* projection shortcut */
	{ 2, 8, 8, 32, 32, 3, 2, 0, 0, 1, 1 }, /* same, stride 2 */
	{ 2, 9, 9, 32, 16, 3, 2, 1, 1, 1, 1 },
	{ 2, 6, 6, 33, 17, 3, 1, 1, 1, 1, 1 },
	{ 1, 5, 4, 64, 64, 3, 1, 1, 1, 1, 1 },
	{ 2, 3, 3, 128, 64, 1, 1, 0, 0, 0, 0 },
	{ 4, 2, 2, 64, 128, 1, 2, 0, 0, 0, 0 },
	{ 1, 33, 35, 17, 33, 1, 1, 0, 0, 0, 0 }, /* many pixels, few weights, odd widths */
	{ 2, 50, 51, 17, 33, 1, 1, 0, 0, 0, 0 }, /* more parts than threads */
	{ 1, 65, 63, 32, 16, 1, 2, 0, 0, 0, 0 },
	{ 2, 5, 5, 300, 260, 1, 1, 0, 0, 0, 0 },
	{ 1, 7, 6, 256, 257, 1, 2, 0, 0, 0, 0 },
	{ 1, 32, 32, 257, 256, 1, 1, 0, 0, 0, 0 },
	{ 1, 8, 8, 16, 16, 3, 2, 1, 0, 0, 1 }, /* padding on unlike sides */
	{ 2, 1, 1, 17, 33, 1, 1, 0, 0, 0, 0 }, /* fewer pixels than threads */
	/* many pixels of whole panels of channels, forward or backward or both */
	{ 1, 33, 35, 64, 128, 1, 1, 0, 0, 0, 0 },
	{ 1, 67, 63, 48, 64, 1, 2, 0, 0, 0, 0 },
	{ 3, 33, 31, 128, 16, 1, 1, 0, 0, 0, 0 },
	{ 2, 33, 31, 64, 64, 1, 1, 0, 0, 0, 0 },
	/* many weights in several blocks, and pixels in several parts */
	{ 1, 15, 13, 272, 528, 1, 1, 0, 0, 0, 0 },
	{ 1, 6, 43, 1040, 64, 1, 1, 0, 0, 0, 0 },
};

struct sizes {
	size_t x, w, y;
	int p, q;
};

static struct sizes sizes_of(const struct conv_shape *s)
{
	struct sizes z;

	z.p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	z.q = conv_out(s->w, s->left, s->right, s->r, s->stride);
	z.x = (size_t)(s->n * s->h * s->w * s->c);
	z.w = (size_t)(s->k * s->r * s->r * s->c);
	z.y = (size_t)(s->n * z.p * z.q * s->k);
	return z;
}

static void check_forward(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct sizes z = sizes_of(s);
	float *x = buffer_random(z.x, 1), *w = buffer_random(z.w, 2), *y = buffer(z.y);
	double *want = doubles(z.y), *scale = doubles(z.y);

	ref_conv(want, doubles_of(x, z.x), doubles_of(w, z.w), s);
	ref_conv(scale, magnitudes_of(x, z.x), magnitudes_of(w, z.w), s);
	dev->be->conv_forward(dev, conv, y, x, w);
	check_close("y", y, want, z.y, (s->r * s->r * s->c + 1) * EPS, scale, 0);
	buffers_check();
}

/* The same bits as by conv_forward and norm_sums, whatever is made in one pass. */
static void check_sums(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct sizes z = sizes_of(s);
	int groups = s->n;
	size_t length = (size_t)(groups * 2 * s->k) * sizeof(double);
	float *x = buffer_random(z.x, 1), *w = buffer_random(z.w, 2), *y[2];
	double *sums[2];

	for (int i = 0; i < 2; i++) {
		y[i] = buffer(z.y);
		sums[i] = buffer_bytes(length);
	}
	dev->be->conv_forward(dev, conv, y[0], x, w);
	dev->be->norm_sums(dev, sums[0], y[0], groups, (size_t)(z.p * z.q), s->k);
	dev->be->conv_forward_sums(dev, conv, y[1], x, w, sums[1], groups, NULL);
	check_same("y", y[1], y[0], z.y * sizeof **y);
	check_same("sums", sums[1], sums[0], length);
	buffers_check();
}

enum { ADDED = 1, IN_PLACE = 2, VARIANTS = 4 };

/* The same bits as by norm_apply and then conv_forward_sums. */
static void check_made(
	struct device *dev, struct conv *conv, const struct conv_shape *s, int variant)
{
	const struct sizes z = sizes_of(s);
	size_t stats = (size_t)(s->n * s->c), length = (size_t)(s->n * 2 * s->k) * sizeof(double);
	float *from = buffer_random(z.x, 1), *w = buffer_random(z.w, 2), *x[2], *y[2];
	struct norm_output before = { .residual = variant & ADDED ? buffer_random(z.x, 3) : NULL,
		.mean = buffer_random(stats, 4),
		.rstd = buffer_random(stats, 5),
		.gamma = buffer_random((size_t)s->c, 6),
		.beta = buffer_random((size_t)s->c, 7),
		.relu = 1,
		.groups = s->n,
		.channels = s->c,
		.rows = (size_t)(s->h * s->w) };
	double *sums[2];

	for (int i = 0; i < 2; i++) {
		x[i] = variant & IN_PLACE ? buffer_copy(from, z.x) : buffer(z.x);
		y[i] = buffer(z.y);
		sums[i] = buffer_bytes(length);
		before.y = x[i];
		before.x = variant & IN_PLACE ? x[i] : from;
		if (i == 0)
			dev->be->norm_apply(dev, &before);
		dev->be->conv_forward_sums(
			dev, conv, y[i], x[i], w, sums[i], s->n, i == 0 ? NULL : &before);
	}
	check_same("x that is made", x[1], x[0], z.x * sizeof **x);
	check_same("y of it", y[1], y[0], z.y * sizeof **y);
	check_same("sums of it", sums[1], sums[0], length);
	buffers_check();
}

static void check_data_sums(
	struct device *dev, struct conv *conv, const struct conv_shape *s, int add, int masked)
{
	const struct sizes z = sizes_of(s);
	size_t n = (size_t)(s->n * s->c), length = 2 * n * sizeof(double);
	float *dy = buffer_random(z.y, 3), *w = buffer_random(z.w, 2), *dx[2];
	float *before = buffer_random(z.x, 5), *y = masked ? buffer_random(z.x, 6) : NULL;
	struct norm_gradient of = { .y = y,
		.x = buffer_random(z.x, 7),
		.mean = buffer_random(n, 8),
		.rstd = buffer_random(n, 9),
		.groups = s->n };
	double *sums[2];

	for (int i = 0; i < 2; i++) {
		dx[i] = buffer_copy(before, z.x);
		sums[i] = buffer_bytes(length);
	}
	dev->be->conv_backward_data(dev, conv, dx[0], dy, w, add);
	dev->be->norm_backward_sums(dev, sums[0], dx[0], y, of.x, of.mean, of.rstd, of.groups,
		(size_t)(s->h * s->w), s->c);
	of.sums = sums[1];
	dev->be->conv_backward_data_sums(dev, conv, dx[1], dy, w, add, &of, NULL);
	check_same("dx", dx[1], dx[0], z.x * sizeof **dx);
	check_same("sums of gradients", sums[1], sums[0], length);
	buffers_check();
}

/* The same bits as by norm_backward and then conv_backward_data_sums, in place as the network has
 * it: what is made over x, what the relu let through over the gradient, and sums over sums. */
static void check_data_made(
	struct device *dev, struct conv *conv, const struct conv_shape *s, int variant)
{
	const struct sizes z = sizes_of(s);
	size_t in = (size_t)(s->n * s->c), out = (size_t)(s->n * s->k);
	size_t most = 2 * (in > out ? in : out);
	float *w = buffer_random(z.w, 2), *from = buffer_random(z.y, 3), *e = buffer_random(z.y, 4);
	float *y = variant & ADDED ? buffer_random(z.y, 5) : NULL,
	      *sums_of = buffer_random(most, 6);
	float *mean = buffer_random(in, 7), *rstd = buffer_random(in, 8),
	      *x = buffer_random(z.x, 9);
	float *dz[2], *dy[2], *dx[2];
	double *sums[2];

	for (int i = 0; i < 2; i++) {
		struct norm_gradient of = {
			.y = x, .x = x, .mean = mean, .rstd = rstd, .groups = s->n
		};
		struct norm_input_gradient before = { .y = y,
			.mean = buffer_random(out, 10),
			.rstd = buffer_random(out, 11),
			.gamma = buffer_random((size_t)s->k, 12),
			.count = z.p * z.q,
			.groups = s->n,
			.channels = s->k,
			.rows = (size_t)(z.p * z.q) };

		before.dx = dz[i] = buffer_copy(from, z.y);
		before.dy = dy[i] = buffer_copy(e, z.y);
		before.x = dz[i];
		before.dresidual = variant & ADDED ? dy[i] : NULL;
		dx[i] = buffer_copy(x, z.x);
		of.sums = sums[i] = buffer_bytes(most * sizeof(double));
		before.sums = sums[i];
		for (size_t k = 0; k < most; k++)
			sums[i][k] = (double)sums_of[k];
		if (i == 0)
			dev->be->norm_backward(dev, &before);
		dev->be->conv_backward_data_sums(dev, conv, dx[i], dz[i], w, variant / IN_PLACE,
			&of, i == 0 ? NULL : &before);
	}
	check_same("gradient that is made", dz[1], dz[0], z.y * sizeof **dz);
	check_same("what is let through", dy[1], dy[0], z.y * sizeof **dy);
	check_same("dx of it", dx[1], dx[0], z.x * sizeof **dx);
	check_same("sums of it", sums[1], sums[0], 2 * in * sizeof(double));
	buffers_check();
}

static void check_data(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct sizes z = sizes_of(s);
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
	const struct sizes z = sizes_of(s);
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
	const struct sizes z = sizes_of(s);
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
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct conv *conv = dev->be->conv_open(dev, &shapes[i]);

		/* Twice: what is prepared by the first call serves the second. */
		for (int twice = 0; twice < 2; twice++) {
			check_weights(dev, conv, &shapes[i]);
			check_forward(dev, conv, &shapes[i]);
			check_sums(dev, conv, &shapes[i]);
			for (int variant = 0; variant < VARIANTS; variant++) {
				check_made(dev, conv, &shapes[i], variant);
				check_data_made(dev, conv, &shapes[i], variant);
			}
			check_data_sums(dev, conv, &shapes[i], twice, i % 2 == 0);
			check_data(dev, conv, &shapes[i]);
			check_data_added(dev, conv, &shapes[i]);
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
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		const struct conv_shape *s = &shapes[i];
		const struct sizes z = sizes_of(s);
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
	const struct sizes z = sizes_of(&s);
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
	size_t n = sizes_of(p->s).y;

	assert_true(n <= 256);
	ref_conv(y, p->by_weights ? p->other : v, p->by_weights ? v : p->other, p->s);
	for (size_t i = 0; i < n; i++)
		sum += p->dy[i] * y[i];
	return sum;
}

static void reference_gradients_are_right(void **state)
{
	static const struct conv_shape s = { 2, 5, 4, 3, 2, 3, 2, 0, 1, 1, 1 };
	const struct sizes z = sizes_of(&s);
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
