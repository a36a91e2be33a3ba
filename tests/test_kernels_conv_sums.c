/* Convolutions that make the sums of batch norm, and what they read before: the same bits as by one
 * operation after another, whatever is made in one pass.  The images are those of as many groups.
 */
#include "test.h"

#include "conv_fixture.h"

/* The same bits as by conv_forward and norm_sums, whatever is made in one pass. */
static void check_sums(struct device *dev, struct conv *conv, const struct conv_shape *s)
{
	const struct conv_sizes z = conv_sizes_of(s);
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
	const struct conv_sizes z = conv_sizes_of(s);
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
	const struct conv_sizes z = conv_sizes_of(s);
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
	const struct conv_sizes z = conv_sizes_of(s);
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

static void same_bits_on(struct device *dev)
{
	for (size_t i = 0; i < CONV_SHAPES; i++) {
		const struct conv_shape *s = &conv_shapes[i];
		struct conv *conv = dev->be->conv_open(dev, s);

		check_sums(dev, conv, s);
		for (int variant = 0; variant < VARIANTS; variant++) {
			check_data_sums(dev, conv, s, variant / 2, variant % 2);
			check_made(dev, conv, s, variant);
			check_data_made(dev, conv, s, variant);
		}
		dev->be->conv_close(dev, conv);
	}
	device_close(dev);
}

static void same_bits(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 3; threads++) {
		same_bits_on(device_open(threads));
		if (device_is_cpu())
			same_bits_on(device_open_direct(threads));
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(same_bits),
};
TEST_MAIN(cases)
