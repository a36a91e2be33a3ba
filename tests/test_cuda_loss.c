/* The objective on the CUDA back end, with what tests/test_kernels_loss.c leaves out: wide
 * embeddings, more views and candidates than are worked on at a time, arrays anywhere in memory,
 * anchors in parts, both orders of threads; against the CPU's double arithmetic. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cuda_arrays.h"
#include "relic_batch.h"

static const struct trial {
	int large, small, negatives, n, d;
} trials[] = { { 2, 1, 3, 5, 7 }, { 4, 2, 10, 16, 64 }, { 3, 9, 5, 7, 36 }, { 9, 2, 4, 6, 33 },
	{ 2, 1, 69, 70, 8 }, { 2, 2, 3, 5, 1030 }, { 2, 1, 2, 300, 4 }, { 1, 3, 6, 9, 260 } };

enum { TRIALS = sizeof trials / sizeof *trials, MODES = 5 };

/* Trial i in a mode; the other options change with both. */
static struct relic_options options_of(const struct trial *t, int mode)
{
	return (struct relic_options){ .large = t->large,
		.small = t->small,
		.negatives = t->negatives,
		.temperature = 0.2,
		.contrast = 0.3,
		.invariance = 2,
		.small_mode = mode,
		.diagonal = t->large == 1 || (t->n + mode) % 3 > 0,
		.entropy_stop = (t->d + mode) % 2,
		.reverse = (t->n + t->d + mode) % 3 == 0 };
}

/* What a device makes of the part of the batch that a rank has: (first, n) of it. */
struct result {
	float *g, *g_small;
	double terms[2];
};

struct share {
	const struct relic_case *all;
	float *o;
	const int32_t *candidates;
	int first, n;
	size_t online, target, small, chosen; /* numbers */
};

static struct share share_of(const struct relic_case *all, int first, int n)
{
	const struct relic_options *options = &all->options;
	const int views = options->large + options->small, count = 1 + options->negatives;
	const size_t width = (size_t)all->d, row = (size_t)n * width;
	struct share s = { .all = all, .first = first, .n = n };

	s.online = (size_t)views * row;
	s.target = (size_t)(options->large * all->n) * width;
	s.small = (size_t)(options->small * all->n) * width;
	s.chosen = (size_t)(n * count);
	s.candidates = all->candidates + first * count;
	s.o = buffer(s.online);
	for (int v = 0; v < views; v++)
		memcpy(s.o + (size_t)v * row, all->o + (size_t)(v * all->n + first) * width,
			row * sizeof *s.o);
	return s;
}

static const float *all_small(const struct share *s)
{
	return s->all->o + (size_t)(s->all->options.large * s->all->n * s->all->d);
}

static struct result on_cpu(const struct share *s)
{
	const struct device_options options = { .threads = 1 };
	const int mode3 = s->all->options.small_mode == 3;
	char err[ERR_MAX] = "";
	struct device *cpu = backend_cpu.open(&options, err);
	struct result r = { buffer(s->online), buffer(s->small), { NAN, NAN } };
	const struct relic_batch batch = { s->o, s->all->t, mode3 ? all_small(s) : NULL,
		s->candidates, s->n, s->all->n, s->all->d, s->first };

	backend_cpu.relic_loss(
		cpu, r.g, mode3 ? r.g_small : NULL, r.terms, &batch, &s->all->options);
	backend_cpu.close(cpu);
	return r;
}

static struct result on_gpu(struct device *dev, const struct share *s, int shift)
{
	const int mode3 = s->all->options.small_mode == 3;
	struct result r = { buffer(s->online), buffer(s->small), { NAN, NAN } };
	float *g = put_floats(dev, r.g, s->online, shift);
	float *g_small = mode3 ? put_floats(dev, r.g_small, s->small, shift) : NULL;
	double *terms = put_bytes(dev, r.terms, sizeof r.terms, 0);
	const struct relic_batch batch = { put_floats(dev, s->o, s->online, shift),
		put_floats(dev, s->all->t, s->target, shift),
		mode3 ? put_floats(dev, all_small(s), s->small, shift) : NULL,
		put_bytes(dev, s->candidates, s->chosen * sizeof(int32_t), 0), s->n, s->all->n,
		s->all->d, s->first };

	dev->be->relic_loss(dev, g, g_small, terms, &batch, &s->all->options);
	r.g = get_floats(dev, g, s->online);
	if (mode3)
		r.g_small = get_floats(dev, g_small, s->small);
	memcpy(r.terms, get_bytes(dev, terms, sizeof r.terms), sizeof r.terms);
	return r;
}

/* Both compute in double and round once, so that they are neighbours at most; g_small is added up
 * in floats on the CPU, at most n terms of 2 k0 lambda. */
static void check_results(
	const struct share *s, const struct result *got, const struct result *want)
{
	const double slack = 4e-7 * s->n / s->all->n;

	for (int k = 0; k < 2; k++)
		assert_close(got->terms[k], want->terms[k], 1e-13 * (1 + fabs(want->terms[k])));
	for (size_t i = 0; i < s->online; i++)
		assert_close(got->g[i], want->g[i], 2 * EPS * fabs((double)want->g[i]) + 1e-14);
	for (size_t i = 0; s->all->options.small_mode == 3 && i < s->small; i++)
		assert_close(got->g_small[i], want->g_small[i],
			8 * EPS * fabs((double)want->g_small[i]) + slack);
}

static void check_same_result(
	const char *what, const struct share *s, const struct result *a, const struct result *b)
{
	check_same(what, a->g, b->g, s->online * sizeof(float));
	check_same(what, a->terms, b->terms, sizeof a->terms);
	if (s->all->options.small_mode == 3)
		check_same(what, a->g_small, b->g_small, s->small * sizeof(float));
}

/* Anchors first .. first + n - 1 of the trial. */
static void check_trial(struct device *dev, const struct trial *t, int mode, int first, int n)
{
	const struct relic_options options = options_of(t, mode);
	struct relic_case all;
	struct result got, want;
	struct share s;

	relic_make(&all, &options, t->n, t->d);
	s = share_of(&all, first, n);
	want = on_cpu(&s);
	got = on_gpu(dev, &s, 0);
	check_results(&s, &got, &want);
	if (turn_order()) {
		const struct result other = on_gpu(dev, &s, 0);

		turn_order();
		check_same_result("other order", &s, &other, &got);
	}
	got = on_gpu(dev, &s, 1);
	check_results(&s, &got, &want);
	arrays_free(dev);
}

static void as_the_cpu(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);

	(void)state;
	for (int i = 0; i < TRIALS * MODES; i++) {
		const struct trial *t = &trials[i / MODES];

		if (i % MODES == 4 && t->large == 1)
			continue; /* there is no other large view */
		check_trial(dev, t, i % MODES, 0, t->n);
		check_trial(dev, t, i % MODES, t->n / 3, (t->n + 1) / 2);
	}
	dev->be->close(dev);
}

/* With scratch memory for few anchors at a time: each is computed alone, and only the sums of mode
 * 3 are rounded between parts. */
static void parts_are_the_whole(void **state)
{
	(void)state;
	for (int mode = 2; mode < MODES; mode++) {
		const struct relic_options options = options_of(&trials[1], mode);
		struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
		struct relic_case all;
		struct result whole, parts;
		struct share s;
		relic_make(&all, &options, trials[1].n, trials[1].d);
		s = share_of(&all, 0, trials[1].n);
		whole = on_gpu(dev, &s, 0);
		assert_int_equal(dev->counts.launches, mode == 3 ? 3 : 2);
		dev->be->close(dev); /* the arrays live on: it is the same GPU */
		dev = cuda_test_open(PRECISION_FLOAT32, 13200); /* 3 anchors; in mode 3 two */
		parts = on_gpu(dev, &s, 0);
		assert_int_equal(dev->counts.launches, mode == 3 ? 2 * 8 + 1 : 6 + 1);
		if (mode == 3)
			check_results(&s, &parts, &whole);
		else
			check_same_result("parts", &s, &parts, &whole);
		arrays_free(dev);
		dev->be->close(dev);
	}
}

/* All the batch as candidates at a temperature at which likelihoods vanish: all stays finite. */
static void extreme(void **state)
{
	const struct trial t = { 2, 1, 39, 40, 20 };

	(void)state;
	for (int mode = 0; mode < MODES; mode++) {
		struct relic_options options = options_of(&t, mode);
		struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
		struct relic_case all;
		struct result r;
		struct share s;

		options.temperature = 1e-3;
		relic_make(&all, &options, t.n, t.d);
		s = share_of(&all, 0, t.n);
		r = on_gpu(dev, &s, 0);
		for (size_t i = 0; i < s.online; i++)
			assert_true(isfinite(r.g[i]));
		assert_true(isfinite(r.terms[0]) && isfinite(r.terms[1]));
		arrays_free(dev);
		dev->be->close(dev);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(as_the_cpu),
		cmocka_unit_test(parts_are_the_whole),
		cmocka_unit_test(extreme),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(cases, NULL, test_cleanup);
}

#else

#include <stdio.h>

int main(void)
{
	printf("1..0 # SKIP no CUDA back end here\n");
	return 0;
}

#endif
