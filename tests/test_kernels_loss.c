/* The objective: every variant against differences of its definition, the batch split over ranks,
 * extremes. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "relic_batch.h"

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
	struct relic_case b;
	struct ref_relic in;
	struct {
		const struct ref_relic *in;
		const struct relic_options *options;
	} with = { &in, options };
	double *o, *want, terms[2];
	size_t count;

	relic_make(&b, options, n, d);
	count = relic_online(&b);
	o = doubles_of(b.o, count), want = doubles(count);
	in = (struct ref_relic){ doubles_of(b.o, count),
		doubles_of(b.t, (size_t)(options->large * n * d)), b.candidates, n, d };
	ref_relic_loss(terms, o, &in, options);
	ref_gradient(want, o, count, 1e-3, batch_loss, &with);
	relic_run(dev, &b, ranks);
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
	struct relic_case b;
	struct ref_relic in;
	double *o, *want;

	(void)state;
	relic_make(&b, &options, N, D);
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
				want[i * D + x] += (0.3 * (p[k] - (k == 0)) + 2 * (p[k] - r[k])) /
					(2 * 0.2 * N) *
					in.t[((1 - v) * N + b.candidates[image * COUNT + k]) * D +
						x];
	}
	relic_run(dev, &b, 1);
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
			struct relic_case b;

			relic_make(&b, &options, N, D);
			for (int i = 0; i < N * N; i++)
				b.candidates[i] = (i / N + i % N) % N;
			relic_run(dev, &b, 1);
			g[threads - 1] = b.g;
			memcpy(terms[threads - 1], b.terms, sizeof b.terms);
			for (size_t i = 0; i < relic_online(&b); i++)
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
	cmocka_unit_test(every_variant_has_its_gradient),
	cmocka_unit_test(ranks_add_up),
	cmocka_unit_test(first_version_is_a_configuration),
	cmocka_unit_test(large_and_extreme),
};
TEST_MAIN(cases)
