/* Linear classifiers against closed forms, finite differences and a plain trainer, all in double
 * precision. */
#include "test.h"

#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "eval/linear.h"
#include "optim/schedule.h"

enum { WIDTH = 7, CLASSES = 5, ROWS = 11, COLUMNS = WIDTH + 1, FLOATS = CLASSES * COLUMNS };

static struct device *device(void)
{
	static struct device *dev;

	if (!dev)
		dev = device_open_bare(1);
	return dev;
}

static struct linear *classifiers(int rates, const double *lr)
{
	const struct linear_options o = { .width = WIDTH,
		.classes = CLASSES,
		.rates = rates,
		.lr = lr,
		.batch = ROWS,
		.seed = 3 };

	return linear_open(device(), &o);
}

static void sample(float *x, int32_t *labels, int n, uint32_t which)
{
	struct rng r = rng_at(1, RNG_PROBE, which, 0, 0);

	for (int i = 0; i < n * WIDTH; i++)
		x[i] = (float)rng_normal(&r);
	for (int i = 0; i < n; i++)
		labels[i] = (int32_t)rng_below(&r, CLASSES);
}

/* Scores of one row, w (CLASSES, COLUMNS). */
static void plain_scores(double *s, const double *w, const float *x)
{
	for (int c = 0; c < CLASSES; c++) {
		s[c] = w[c * COLUMNS + WIDTH];
		for (int j = 0; j < WIDTH; j++)
			s[c] += w[c * COLUMNS + j] * (double)x[j];
	}
}

static double plain_loss(const double *w, const float *x, const int32_t *labels, int n)
{
	double s[CLASSES], loss = 0;

	for (int i = 0; i < n; i++) {
		double sum = 0;

		plain_scores(s, w, x + i * WIDTH);
		for (int c = 0; c < CLASSES; c++)
			sum += exp(s[c]);
		loss += (log(sum) - s[labels[i]]) / n;
	}
	return loss;
}

/* Central differences: error about h^2, rounding about 1e-16 / h. */
static void plain_gradient(double *g, const double *w, const float *x, const int32_t *labels, int n)
{
	const double h = 1e-5;
	double moved[FLOATS];

	memcpy(moved, w, sizeof moved);
	for (int i = 0; i < FLOATS; i++) {
		double up, down;

		moved[i] = w[i] + h;
		up = plain_loss(moved, x, labels, n);
		moved[i] = w[i] - h;
		down = plain_loss(moved, x, labels, n);
		moved[i] = w[i];
		g[i] = (up - down) / (2 * h);
	}
}

static void to_double(double *to, const float *from)
{
	for (int i = 0; i < FLOATS; i++)
		to[i] = (double)from[i];
}

static void initial_weights(void **state)
{
	const double lr[2] = { 0.1, 1 };
	float a[FLOATS], b[FLOATS];
	struct linear *l = classifiers(2, lr);
	int zeros = 0;

	(void)state;
	linear_get(l, 0, a);
	linear_get(l, 1, b);
	linear_close(l);
	assert_memory_equal(a, b, sizeof a);
	for (int i = 0; i < FLOATS; i++) {
		assert_true(fabs((double)a[i]) <= 2 / sqrt(WIDTH));
		if (i % COLUMNS == WIDTH)
			assert_true(a[i] == 0);
		else
			zeros += a[i] == 0;
	}
	assert_int_equal(zeros, 0);
}

static void scores_match(void **state)
{
	const double lr[3] = { 0.1, 1, 2 };
	float x[ROWS * WIDTH], scores[ROWS * 3 * CLASSES], w[FLOATS];
	double wd[FLOATS], s[CLASSES];
	int32_t labels[ROWS];
	struct linear *l = classifiers(3, lr);

	(void)state;
	sample(x, labels, ROWS, 0);
	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < FLOATS; i++)
			w[i] = (float)(i % 9 - 4) * 0.25f + (float)k;
		linear_set(l, k, w);
	}
	linear_scores(l, scores, x, ROWS);
	for (int k = 0; k < 3; k++) {
		linear_get(l, k, w);
		to_double(wd, w);
		for (int i = 0; i < ROWS; i++) {
			plain_scores(s, wd, x + i * WIDTH);
			for (int c = 0; c < CLASSES; c++)
				assert_close((double)scores[(i * 3 + k) * CLASSES + c], s[c], 1e-5);
		}
	}
	linear_close(l);
}

/* All classes alike: the loss is log(CLASSES), and the gradient of the biases is 1 / CLASSES less
 * each class's share. */
static void closed_form_at_zero(void **state)
{
	const double lr = 1;
	float x[ROWS * WIDTH], w[FLOATS] = { 0 };
	int32_t labels[ROWS];
	double loss;
	struct linear *l = classifiers(1, &lr);

	(void)state;
	sample(x, labels, ROWS, 1);
	linear_set(l, 0, w);
	linear_step(l, &loss, x, labels, ROWS, 1);
	linear_get(l, 0, w);
	assert_close(loss, log(CLASSES), 1e-6);
	for (int c = 0; c < CLASSES; c++) {
		double share = 0;

		for (int i = 0; i < ROWS; i++)
			share += labels[i] == c ? 1.0 / ROWS : 0;
		assert_close((double)w[c * COLUMNS + WIDTH], -1.9 * (1.0 / CLASSES - share), 1e-6);
	}
	linear_close(l);
}

/* From momentum 0 the first step is -lr 1.9 g. */
static void gradient_is_that_of_the_loss(void **state)
{
	const double lr = 1 / 1.9;
	float x[ROWS * WIDTH], before[FLOATS], after[FLOATS];
	double w[FLOATS], g[FLOATS], loss;
	int32_t labels[ROWS];

	(void)state;
	for (int n = 1; n <= ROWS; n += 5) {
		struct linear *l = classifiers(1, &lr);

		sample(x, labels, n, 2);
		linear_get(l, 0, before);
		linear_step(l, &loss, x, labels, n, 1);
		linear_get(l, 0, after);
		to_double(w, before);
		plain_gradient(g, w, x, labels, n);
		assert_close(loss, plain_loss(w, x, labels, n), 1e-6);
		for (int i = 0; i < FLOATS; i++)
			assert_close((double)before[i] - (double)after[i], g[i], 1e-6);
		linear_close(l);
	}
}

/* optax's formula, step by step, with a rate that falls; two classifiers that share nothing but the
 * features. */
static void nesterov_sequence(void **state)
{
	enum { STEPS = 6 };
	const double lr[2] = { 0.3, 2 };
	float x[ROWS * WIDTH], w[FLOATS];
	double expect[2][FLOATS], m[2][FLOATS] = { { 0 } }, g[FLOATS], loss[2];
	int32_t labels[ROWS];
	struct linear *l = classifiers(2, lr);

	(void)state;
	linear_get(l, 0, w);
	to_double(expect[0], w);
	to_double(expect[1], w);
	for (int step = 0; step < STEPS; step++) {
		double share = 1 - step / (double)STEPS;

		sample(x, labels, ROWS, (uint32_t)step);
		linear_step(l, loss, x, labels, ROWS, share);
		for (int k = 0; k < 2; k++) {
			assert_close(loss[k], plain_loss(expect[k], x, labels, ROWS), 2e-6);
			plain_gradient(g, expect[k], x, labels, ROWS);
			for (int i = 0; i < FLOATS; i++) {
				m[k][i] = 0.9 * m[k][i] + g[i];
				expect[k][i] -= lr[k] * share * (g[i] + 0.9 * m[k][i]);
			}
			linear_get(l, k, w);
			for (int i = 0; i < FLOATS; i++)
				assert_close((double)w[i], expect[k][i], 5e-6);
		}
	}
	linear_close(l);
}

/* Clusters that a line separates are told apart, and the surer the longer it trains. */
static void separable_data_are_learnt(void **state)
{
	const double lr[2] = { 0.03, 1 };
	const struct schedule cosine = { .peak = 1, .steps = 200 };
	float x[ROWS * WIDTH], scores[ROWS * 2 * CLASSES];
	int32_t labels[ROWS];
	double loss[2], first = 0;
	struct linear *l = classifiers(2, lr);

	(void)state;
	for (int step = 0; step < 200; step++) {
		sample(x, labels, ROWS, (uint32_t)step);
		for (int i = 0; i < ROWS; i++)
			x[i * WIDTH + labels[i]] += 8;
		linear_step(l, loss, x, labels, ROWS, schedule_lr(&cosine, step));
		if (step == 0)
			first = loss[1];
	}
	assert_true(loss[1] < 0.01 && loss[1] < first / 100);
	assert_true(loss[1] < loss[0]);
	linear_scores(l, scores, x, ROWS);
	for (int i = 0; i < ROWS; i++)
		assert_int_equal(
			linear_place(scores + (i * 2 + 1) * CLASSES, CLASSES, labels[i]), 0);
	linear_close(l);
}

static void huge_scores_stay_finite(void **state)
{
	const double lr = 0.1;
	float x[WIDTH] = { 1e4f }, w[FLOATS] = { 0 };
	const int32_t label = 1;
	double loss;
	struct linear *l = classifiers(1, &lr);

	(void)state;
	w[0] = 1, w[COLUMNS] = -1;
	linear_set(l, 0, w);
	linear_step(l, &loss, x, &label, 1, 1);
	linear_get(l, 0, w);
	linear_close(l);
	assert_close(loss, 2e4, 1e-2);
	assert_close((double)w[WIDTH], -0.19, 1e-6);
	assert_close((double)w[COLUMNS + WIDTH], 0.19, 1e-6);
}

static void the_rate_falls_by_a_cosine(void **state)
{
	const struct schedule cosine = { .peak = 1, .steps = 8 };

	(void)state;
	for (int step = 0; step < 8; step++)
		assert_close(
			schedule_lr(&cosine, step), 0.5 * (1 + cos(acos(-1.0) * step / 8)), 1e-12);
}

static void places(void **state)
{
	const float scores[5] = { 0.5f, 2, 0.5f, -1, 0.5f }, broken[3] = { 1, NAN, 2 };

	(void)state;
	assert_int_equal(linear_place(scores, 5, 1), 0);
	assert_int_equal(linear_place(scores, 5, 0), 1);
	assert_int_equal(linear_place(scores, 5, 2), 2);
	assert_int_equal(linear_place(scores, 5, 4), 3);
	assert_int_equal(linear_place(scores, 5, 3), 4);
	assert_int_equal(linear_place(broken, 3, 1), 2);
	assert_int_equal(linear_place(broken, 3, 2), 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(initial_weights),
	cmocka_unit_test(scores_match),
	cmocka_unit_test(closed_form_at_zero),
	cmocka_unit_test(gradient_is_that_of_the_loss),
	cmocka_unit_test(nesterov_sequence),
	cmocka_unit_test(separable_data_are_learnt),
	cmocka_unit_test(huge_scores_stay_finite),
	cmocka_unit_test(the_rate_falls_by_a_cosine),
	cmocka_unit_test(places),
};
TEST_MAIN(cases)
