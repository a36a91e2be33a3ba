/* The objective's golden test: the specification's numbers, from the reference to nine decimals and
 * from the kernel to float's. */
#include "test.h"

#include <math.h>

#include "relic_batch.h"

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

static void kernel_is_golden(void **state)
{
	struct device *dev = device_open(2);

	(void)state;
	for (int mode = 0; mode < 4; mode++) {
		struct golden g;
		struct relic_case b = { .options = golden_options, .n = GN, .d = GD };
		float *u = buffer(GU), *length = buffer(GV * GN), *du = buffer(GU);

		golden_make(&g);
		b.options.small_mode = mode;
		b.o = buffer(GU), b.t = buffer(GT), b.g = buffer(GU), b.candidates = g.candidates;
		for (int i = 0; i < GU; i++)
			u[i] = (float)g.u[i];
		for (int i = 0; i < GT; i++)
			b.t[i] = (float)g.t[i];
		dev->be->unit_length(dev, b.o, length, u, GV * GN, GD);
		relic_run(dev, &b, 1);
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

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(reference_is_golden),
	cmocka_unit_test(kernel_is_golden),
};
TEST_MAIN(cases)
