/* The objective: the golden test of the specification, every variant against differences of the
 * definition, and the batch split over ranks. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "kernel.h"

/* ---- golden test ---- */

enum {
	GL = 2,
	GS = 1,
	GN = 4,
	GD = 3,
	GV = GL + GS,
	GU = GV * GN * GD,
	GT = GL * GN * GD,
	GC = GN * 3
};

static const struct relic_options golden_options = { .large = GL,
	.small = GS,
	.negatives = 2,
	.temperature = 0.2,
	.contrast = 0.3,
	.invariance = 2,
	.small_mode = 1,
	.diagonal = 1 };

/* The golden numbers have nine decimals. */
#define NINE_DECIMALS 6e-10

static const double golden_total[] = { 5.576522376, 8.731619218, 9.453369602, 6.890254901 };
static const struct {
	int view, row;
	double du[GD];
} golden_du[] = {
	{ 0, 0, { 0.034888293, 0.020423127, -0.050085536 } },
	{ 1, 2, { -0.054316660, 0.016346029, 0.043534412 } },
	{ 2, 1, { -0.143251736, -0.009876303, 0.205435178 } },
};

struct golden {
	double u[GU], o[GU], t[GT];
	int32_t candidates[GC];
	struct ref_relic in;
	struct relic_options options;
};

static void golden_make(struct golden *g)
{
	double raw[GT], length[GV * GN];

	for (int i = 0; i < GU; i++)
		g->u[i] = sin(1 + 0.37 * i);
	for (int i = 0; i < GT; i++)
		raw[i] = cos(2 + 0.53 * i);
	for (int i = 0; i < GC; i++)
		g->candidates[i] = (i / 3 + i % 3) % GN;
	ref_unit_length(g->t, length, raw, GL * GN, GD);
	ref_unit_length(g->o, length, g->u, GV * GN, GD);
	g->in = (struct ref_relic){ g->o, g->t, g->candidates, GN, GD };
	g->options = golden_options;
}

static double golden_loss(const double *u, void *with)
{
	const struct golden *g = with;
	double o[GU], length[GV * GN], terms[2];

	ref_unit_length(o, length, u, GV * GN, GD);
	return ref_relic_loss(terms, o, &g->in, &g->options);
}

static void reference_is_golden(void **state)
{
	static const double p01[] = { 0.000054605, 0.000181112, 0.999764283 };
	static const double p20[] = { 0.855097637, 0.144863196, 0.000039166 };
	struct golden g;
	double terms[2], p[3], du[GU];

	(void)state;
	golden_make(&g);
	for (int mode = 0; mode < 4; mode++) {
		g.options.small_mode = mode;
		assert_close(ref_relic_loss(terms, g.o, &g.in, &g.options), golden_total[mode],
			NINE_DECIMALS);
	}
	g.options.small_mode = 1;
	ref_relic_loss(terms, g.o, &g.in, &g.options);
	assert_close(terms[0], 4.096812662, NINE_DECIMALS);
	assert_close(terms[1], 3.751287710, NINE_DECIMALS);
	ref_likelihood(p, g.o, g.t + GN * GD, 0, &g.in, &g.options);
	for (int k = 0; k < 3; k++)
		assert_close(p[k], p01[k], NINE_DECIMALS);
	ref_likelihood(p, g.o + 2 * GN * GD, g.t, 0, &g.in, &g.options);
	for (int k = 0; k < 3; k++)
		assert_close(p[k], p20[k], NINE_DECIMALS);
	ref_gradient(du, g.u, GU, 1e-3, golden_loss, &g);
	for (size_t i = 0; i < sizeof golden_du / sizeof *golden_du; i++)
		for (int x = 0; x < GD; x++)
			assert_close(du[(golden_du[i].view * GN + golden_du[i].row) * GD + x],
				golden_du[i].du[x], NINE_DECIMALS);
}

/* ---- the kernel ---- */

/* A batch in the device's memory, and what the kernel makes of it. */
struct kernel_batch {
	struct relic_options options;
	int n, d;
	float *o, *t, *g, *g_small;
	int32_t *candidates;
	double terms[2];
};

static size_t online_count(const struct kernel_batch *b)
{
	return (size_t)((b->options.large + b->options.small) * b->n * b->d);
}

/* Run ranks' shares one after another, and add them up as the ranks would. */
static void run_split(struct device *dev, struct kernel_batch *b, int ranks)
{
	const struct relic_options *options = &b->options;
	int views = options->large + options->small, count = 1 + options->negatives;
	size_t small = (size_t)(options->small * b->n * b->d), width = (size_t)b->d;
	double *sum = doubles(small);

	b->terms[0] = b->terms[1] = 0;
	for (int rank = 0; rank < ranks; rank++) {
		int first = b->n * rank / ranks, n = b->n * (rank + 1) / ranks - first;
		size_t row = (size_t)n * width;
		float *o = buffer((size_t)views * row), *g = buffer((size_t)views * row);
		float *g_small = options->small_mode == 3 ? buffer(small) : NULL;
		int32_t *candidates = buffer_bytes((size_t)(n * count) * sizeof *candidates);
		double terms[2] = { NAN, NAN };
		const struct relic_batch batch = { o, b->t,
			g_small ? b->o + (size_t)(options->large * b->n) * width : NULL, candidates,
			n, b->n, b->d, first };

		for (int v = 0; v < views; v++)
			memcpy(o + (size_t)v * row, b->o + (size_t)(v * b->n + first) * width,
				row * sizeof *o);
		memcpy(candidates, b->candidates + first * count,
			(size_t)(n * count) * sizeof *candidates);
		dev->be->relic_loss(dev, g, g_small, terms, &batch, options);
		for (int v = 0; v < views; v++)
			memcpy(b->g + (size_t)(v * b->n + first) * width, g + (size_t)v * row,
				row * sizeof *g);
		b->terms[0] += terms[0], b->terms[1] += terms[1];
		for (size_t i = 0; i < small && g_small; i++)
			sum[i] += g_small[i];
	}
	for (size_t i = 0; i < small; i++)
		b->g[(size_t)(options->large * b->n) * width + i] += (float)sum[i];
}

static void kernel_is_golden(void **state)
{
	struct device *dev = device_open(2);

	(void)state;
	for (int mode = 0; mode < 4; mode++) {
		struct golden g;
		struct kernel_batch b = { .options = golden_options, .n = GN, .d = GD };
		float *u = buffer(GU), *length = buffer(GV * GN), *du = buffer(GU);

		golden_make(&g);
		b.options.small_mode = mode;
		b.o = buffer(GU), b.t = buffer(GT), b.g = buffer(GU), b.candidates = g.candidates;
		for (int i = 0; i < GU; i++)
			u[i] = (float)g.u[i];
		for (int i = 0; i < GT; i++)
			b.t[i] = (float)g.t[i];
		dev->be->unit_length(dev, b.o, length, u, GV * GN, GD);
		run_split(dev, &b, 1);
		dev->be->unit_length_backward(dev, du, b.g, b.o, length, GV * GN, GD);
		/* embeddings are floats: a logit is off by 3 eps / tau at most, the loss by a few
		 * of those */
		assert_close(0.3 * b.terms[0] + 2 * b.terms[1], golden_total[mode], 1e-5);
		for (int i = 0; i < 3 && mode == 1; i++)
			for (int x = 0; x < GD; x++)
				assert_close(
					du[(golden_du[i].view * GN + golden_du[i].row) * GD + x],
					golden_du[i].du[x], 1e-6);
		buffers_check();
	}
	device_close(dev);
}

/* ---- every variant ---- */

static void batch_make(struct kernel_batch *b, const struct relic_options *options, int n, int d)
{
	int count = 1 + options->negatives;
	size_t online = (size_t)((options->large + options->small) * n);
	size_t target = (size_t)(options->large * n), width = (size_t)d;
	float *raw = buffer_random((online + target) * width, 5);
	double *unit = doubles((online + target) * width), *length = doubles(online + target);

	*b = (struct kernel_batch){ .options = *options, .n = n, .d = d };
	b->o = buffer(online * width), b->g = buffer(online * width), b->t = buffer(target * width);
	b->candidates = buffer_bytes((size_t)(n * count) * sizeof *b->candidates);
	ref_unit_length(
		unit, length, doubles_of(raw, (online + target) * width), online + target, d);
	for (size_t i = 0; i < online * width; i++)
		b->o[i] = (float)unit[i];
	for (size_t i = 0; i < target * width; i++)
		b->t[i] = (float)unit[online * width + i];
	for (int i = 0; i < n * count; i++)
		b->candidates[i] = (i / count + i % count * (i / count % 3 == 0 ? 1 : n - 1)) % n;
}

static double batch_loss(const double *o, void *with)
{
	struct {
		const struct ref_relic *in;
		const struct relic_options *options;
	} *w = with;
	double terms[2];

	return ref_relic_loss(terms, o, w->in, w->options);
}

/* The kernel computes in double: its results differ from the reference by the rounding of what it
 * returns to float, and by the error of the differences (1e-9). split: by how much more floats that
 * are added up may differ. */
static void check_batch(
	struct device *dev, const struct relic_options *options, int n, int d, int ranks)
{
	struct kernel_batch b;
	struct ref_relic in;
	struct {
		const struct ref_relic *in;
		const struct relic_options *options;
	} with = { &in, options };
	double *o, *want, terms[2];
	size_t count;

	batch_make(&b, options, n, d);
	count = online_count(&b);
	o = doubles_of(b.o, count), want = doubles(count);
	in = (struct ref_relic){ doubles_of(b.o, count),
		doubles_of(b.t, (size_t)(options->large * n * d)), b.candidates, n, d };
	ref_relic_loss(terms, o, &in, options);
	ref_gradient(want, o, count, 1e-3, batch_loss, &with);
	run_split(dev, &b, ranks);
	assert_close(b.terms[0], terms[0], 1e-12 * n);
	assert_close(b.terms[1], terms[1], 1e-12 * n);
	/* mode 3 adds up to n (1 + n_e) + 1 floats, none larger than k0 c + lambda in magnitude */
	check_close("g", b.g, want, count, 4 * EPS, NULL, options->small_mode == 3 ? 2e-7 : 2e-9);
	buffers_check();
}

static void every_variant_has_its_gradient(void **state)
{
	static const int views[][2] = { { 2, 1 }, { 3, 2 }, { 1, 2 }, { 2, 0 } };
	struct device *dev = device_open(2);

	(void)state;
	for (int variant = 0; variant < 4 * 5 * 8; variant++) {
		const int *v = views[variant / 40];
		const struct relic_options options = { .large = v[0],
			.small = v[1],
			.negatives = 3,
			.temperature = 0.25,
			.contrast = 0.3,
			.invariance = 2,
			.small_mode = variant % 40 / 8,
			.diagonal = variant & 1,
			.entropy_stop = variant >> 1 & 1,
			.reverse = variant >> 2 & 1 };

		if (options.small_mode == 4 && options.large == 1)
			continue; /* there is no other large view */
		check_batch(dev, &options, 5, 7, 1);
	}
	device_close(dev);
}

static void ranks_add_up(void **state)
{
	struct device *dev = device_open(2);

	(void)state;
	for (int mode = 0; mode < 5; mode++)
		for (int ranks = 1; ranks <= 4; ranks++) {
			const struct relic_options options = { .large = 2,
				.small = 2,
				.negatives = 5,
				.temperature = 0.2,
				.contrast = 0.3,
				.invariance = 2,
				.small_mode = mode,
				.diagonal = 1 };

			check_batch(dev, &options, 9, 17, ranks);
		}
	device_close(dev);
}

/* ReLIC v1 (spec 7): its gradient in closed form, with the divisor of two. */
static void first_version_is_a_configuration(void **state)
{
	enum { N = 6, D = 5, COUNT = 4 };
	const struct relic_options options = { .large = 2,
		.negatives = COUNT - 1,
		.temperature = 0.2,
		.contrast = 0.3,
		.invariance = 2 };
	struct device *dev = device_open(1);
	struct kernel_batch b;
	struct ref_relic in;
	double *o, *want;

	(void)state;
	batch_make(&b, &options, N, D);
	o = doubles_of(b.o, 2 * N * D), want = doubles(2 * N * D);
	in = (struct ref_relic){ o, doubles_of(b.t, 2 * N * D), b.candidates, N, D };
	for (int i = 0; i < 2 * N; i++) {
		int v = i / N, image = i % N;
		double p[COUNT], r[COUNT];

		ref_likelihood(p, o + i * D, in.t + (1 - v) * N * D, image, &in, &options);
		ref_likelihood(
			r, o + ((1 - v) * N + image) * D, in.t + v * N * D, image, &in, &options);
		for (int k = 0; k < COUNT; k++)
			for (int x = 0; x < D; x++)
				want[i * D + x] +=
					(0.3 * (p[k] - (k == 0)) + 2 * (p[k] - r[k])) /
					(2 * 0.2 * N) *
					in.t[((1 - v) * N + b.candidates[image * COUNT + k]) * D +
						x];
	}
	run_split(dev, &b, 1);
	check_close("g", b.g, want, 2 * N * D, 4 * EPS, NULL, 1e-12);
	buffers_check();
	device_close(dev);
}

/* As many candidates as are allowed, extreme temperatures: all stays finite, and bits do not depend
 * on threads. */
static void large_and_extreme(void **state)
{
	enum { N = 130, D = 33 };

	(void)state;
	for (int mode = 0; mode < 5; mode++) {
		const struct relic_options options = { .large = 2,
			.small = 1,
			.negatives = N - 1,
			.temperature = mode == 0 ? 1e-3 : 0.05,
			.contrast = 0.3,
			.invariance = 2,
			.small_mode = mode,
			.diagonal = 1 };
		float *g[3];
		double terms[3][2];

		for (int threads = 1; threads <= 3; threads++) {
			struct device *dev = device_open(threads);
			struct kernel_batch b;

			batch_make(&b, &options, N, D);
			for (int i = 0; i < N * N; i++)
				b.candidates[i] = (i / N + i % N) % N;
			run_split(dev, &b, 1);
			g[threads - 1] = b.g;
			memcpy(terms[threads - 1], b.terms, sizeof b.terms);
			for (size_t i = 0; i < online_count(&b); i++)
				assert_true(isfinite(b.g[i]));
			device_close(dev);
		}
		for (int k = 1; k < 3; k++) {
			check_same("g", g[0], g[k], 3 * N * D * sizeof(float));
			check_same("terms", terms[0], terms[k], sizeof terms[0]);
		}
		buffers_check();
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(reference_is_golden),
	cmocka_unit_test(kernel_is_golden),
	cmocka_unit_test(every_variant_has_its_gradient),
	cmocka_unit_test(ranks_add_up),
	cmocka_unit_test(first_version_is_a_configuration),
	cmocka_unit_test(large_and_extreme),
};
TEST_MAIN(cases)
