/* The optimiser over the flat table, and the plain operations on memory. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernel.h"

/* Spans of many sizes with gaps between; the gaps stay as they are. */
static const struct param_span spans[] = { { 0, 1, 0 }, { 16, 17, 1 }, { 48, 4096, 0 },
	{ 4144, 33, 0 }, { 4192, 100000, 0 }, { 104192, 64, 1 }, { 104256, 32, 0 } };

enum { SPANS = sizeof spans / sizeof *spans, LENGTH = 104288, ZERO_SPAN = 6 };

static const struct lars_step step = {
	.lr = 0.25f, .momentum = 0.9f, .eta = 1e-3f, .weight_decay = 0.01f
};

static int in_a_span(size_t i)
{
	for (int s = 0; s < SPANS; s++)
		if (i >= spans[s].offset && i < spans[s].offset + spans[s].count)
			return 1;
	return 0;
}

static void norms_match(void **state)
{
	float *p = buffer_random(LENGTH, 1), *g = buffer_random(LENGTH, 2);
	double *first = NULL;

	(void)state;
	for (int threads = 1; threads <= 3; threads++) {
		struct device *dev = device_open(threads);
		double *norms = buffer_bytes(SPANS * 3 * sizeof(double));

		dev->be->param_norms(dev, norms, p, g, spans, SPANS, step.weight_decay);
		for (int s = 0; s < SPANS; s++) {
			double want[3] = { 0 };

			for (size_t i = spans[s].offset; i < spans[s].offset + spans[s].count;
				i++) {
				double decayed = g[i] +
					(spans[s].plain ? 0 : (double)step.weight_decay * p[i]);

				want[0] += (double)p[i] * p[i];
				want[1] += decayed * decayed;
				want[2] += (double)g[i] * g[i];
			}
			/* g + wd p is rounded to float: its square is within 4 eps */
			for (int k = 0; k < 3; k++)
				assert_close(norms[3 * s + k], want[k],
					4 * EPS * want[k] * (k == 1) + 1e-12 * want[k]);
		}
		first = first ? first : norms;
		check_same("norms", norms, first, SPANS * 3 * sizeof(double));
		device_close(dev);
	}
	buffers_check();
}

/* Ten steps: each adds a few roundings of p and of m, whose decay keeps their sum below 10
 * roundings. */
static void lars_follows_the_reference(void **state)
{
	struct device *dev = device_open(2);
	float *p = buffer_random(LENGTH, 1), *m = buffer_integers(LENGTH, 0, 0);
	float *start = buffer_copy(p, LENGTH);
	double *norms = buffer_bytes(SPANS * 3 * sizeof(double)), *pd, *md;

	(void)state;
	memset(p + spans[ZERO_SPAN].offset, 0, spans[ZERO_SPAN].count * sizeof *p);
	pd = doubles_of(p, LENGTH), md = doubles(LENGTH);
	for (uint32_t k = 0; k < 10; k++) {
		float *g = buffer_random(LENGTH, 10 + k);
		const struct lars_step s = { .lr = step.lr,
			.momentum = step.momentum,
			.eta = step.eta,
			.weight_decay = step.weight_decay };

		dev->be->param_norms(dev, norms, p, g, spans, SPANS, s.weight_decay);
		dev->be->lars(dev, p, m, g, norms, spans, SPANS, &s);
		ref_lars(pd, md, doubles_of(g, LENGTH), spans, SPANS, &s);
	}
	for (size_t i = 0; i < LENGTH; i++) {
		if (!in_a_span(i)) {
			assert_true(p[i] == start[i] && m[i] == 0);
			continue;
		}
		assert_close(m[i], md[i], 40 * EPS * 10);
		assert_close(p[i], pd[i],
			10 * EPS * (fabs(pd[i]) + 1) + 10 * (double)step.lr * 40 * EPS * 10);
	}
	buffers_check();
	device_close(dev);
}

/* One step by hand: |p| = 5, g' = g + 0.5 p = (3, 4), |g'| = 5, r = 0.1; plain: r = 1 and no decay;
 * no p, or no g': r = 1. */
static void lars_by_hand(void **state)
{
	static const struct param_span four[] = { { 0, 2, 0 }, { 2, 2, 1 }, { 4, 1, 0 },
		{ 5, 1, 0 } };
	const struct lars_step s = { .lr = 2, .momentum = 0.5f, .eta = 0.1f, .weight_decay = 0.5f };
	struct device *dev = device_open(1);
	float p[] = { 3, 4, 3, 4, 0, 4 }, m[] = { 8, 8, 8, 8, 8, 8 },
	      g[] = { 1.5f, 2, 1.5f, 2, 1, -2 };
	const double p_want[] = { 3 - 8.6, 4 - 8.8, 3 - 11, 4 - 12, -10, 4 - 8 };
	double norms[12];

	(void)state;
	dev->be->param_norms(dev, norms, p, g, four, 4, s.weight_decay);
	dev->be->lars(dev, p, m, g, norms, four, 4, &s);
	for (int i = 0; i < 6; i++)
		assert_close(p[i], p_want[i], 16 * 4 * EPS);
	device_close(dev);
}

static void ema_matches(void **state)
{
	static const size_t sizes[] = { 1, 3, 17, 33, 100000 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct device *dev = device_open(2);
		float *target = buffer_random(sizes[i], 1), *p = buffer_random(sizes[i], 2);
		float *same = buffer_copy(target, sizes[i]);
		double *want = doubles(sizes[i]);

		for (size_t k = 0; k < sizes[i]; k++)
			want[k] = (double)0.99f * target[k] + (1 - (double)0.99f) * p[k];
		dev->be->ema(dev, target, p, 0.99f, sizes[i]);
		check_close("ema", target, want, sizes[i], 0, NULL, 3 * EPS);
		dev->be->ema(dev, same, p, 0, sizes[i]);
		check_same("ema of 0", same, p, sizes[i] * sizeof *p);
		buffers_check();
		device_close(dev);
	}
}

static void axpy_matches(void **state)
{
	static const size_t sizes[] = { 0, 1, 3, 17, 33, 100001 };

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct device *dev = device_open(2);
		float *y = buffer_random(sizes[i], 1), *x = buffer_random(sizes[i], 2);
		double *want = doubles_of(y, sizes[i]);

		for (size_t k = 0; k < sizes[i]; k++)
			want[k] += -1.5 * (double)x[k];
		dev->be->axpy(dev, y, -1.5f, x, sizes[i]);
		check_close("axpy", y, want, sizes[i], 0, NULL, 2.5 * 2 * EPS);
		buffers_check();
		device_close(dev);
	}
}

static void memory(void **state)
{
	struct device *dev = device_open(1);
	char text[] = "seventeen letters", back[sizeof text] = "";
	char *p = dev->be->alloc(dev, sizeof text, "test"), *q = dev->be->alloc(dev, 4096, "test");

	(void)state;
	assert_int_equal((uintptr_t)p % 64, 0);
	dev->be->download(dev, back, p, sizeof back);
	for (size_t i = 0; i < sizeof back; i++)
		assert_int_equal(back[i], 0);
	dev->be->upload(dev, p, text, sizeof text);
	dev->be->copy(dev, q, p, sizeof text);
	dev->be->zero(dev, p, 4);
	dev->be->wait(dev);
	dev->be->download(dev, back, q, sizeof back);
	assert_string_equal(back, text);
	dev->be->download(dev, back, p, sizeof back);
	assert_memory_equal(back, "\0\0\0\0nteen letters", sizeof back);
	dev->be->free(dev, p), dev->be->free(dev, q), dev->be->free(dev, NULL);
	device_close(dev);
}

static void back_ends_by_name(void **state)
{
	const struct device_options none = { .threads = 0 };
	char err[ERR_MAX] = "";

	(void)state;
	assert_ptr_equal(backend_find("cpu", err), &backend_cpu);
	assert_null(backend_find("abacus", err));
	assert_says(err, "abacus");
	assert_says(err, "cpu");
	assert_null(backend_cpu.open(&none, err));
	assert_says(err, "threads");
}

/* No operation allocates after its first call. */
static void second_calls_allocate_nothing(void **state)
{
	static const struct conv_shape s = { 2, 9, 9, 16, 16, 3, 1, 1, 1, 1, 1 };
	enum { N = 2 * 9 * 9 * 16, W = 16 * 3 * 3 * 16 };
	struct device *dev = device_open(2);
	struct conv *conv = dev->be->conv_open(dev, &s);
	float *x = buffer_random(N, 1), *w = buffer_random(W, 2), *y = buffer(N),
	      *dw = buffer_integers(W, 0, 0);
	double *sums = buffer_bytes(2 * 16 * sizeof(double));
	long count = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			count = xalloc_count();
		dev->be->conv_forward(dev, conv, y, x, w);
		dev->be->conv_backward_weights(dev, conv, dw, y, x);
		dev->be->conv_backward_data(dev, conv, x, y, w, 1);
		dev->be->norm_sums(dev, sums, y, 1, N / 16, 16);
	}
	assert_int_equal(xalloc_count(), count);
	dev->be->conv_close(dev, conv);
	buffers_check();
	device_close(dev);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(norms_match),
	cmocka_unit_test(lars_follows_the_reference),
	cmocka_unit_test(lars_by_hand),
	cmocka_unit_test(ema_matches),
	cmocka_unit_test(axpy_matches),
	cmocka_unit_test(memory),
	cmocka_unit_test(back_ends_by_name),
	cmocka_unit_test(second_calls_allocate_nothing),
};
TEST_MAIN(cases)
