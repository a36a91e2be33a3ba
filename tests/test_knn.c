/* Nearest neighbours against a plain search.  Works under mpirun too, where every rank checks the
 * same. */
#include "test.h"

#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "comm/comm.h"
#include "eval/knn.h"

enum { WIDTH = 16, ROWS = 97, QUERIES = 13, CLASSES = 6 };

static struct comm *world;
static struct device *dev;

/* Plus or minus one half in four of six places: cosines are multiples of a quarter, exact in any
 * order of addition, and many are equal. */
static void exact_sample(float *x, int n, uint32_t which)
{
	struct rng r = rng_at(5, RNG_PROBE, which, 0, 0);
	uint32_t place[6];

	memset(x, 0, (size_t)n * WIDTH * sizeof *x);
	for (int i = 0; i < n; i++) {
		rng_permutation(&r, place, 6);
		for (int j = 0; j < 4; j++)
			x[i * WIDTH + (int)place[j]] = rng_below(&r, 2) ? 0.5f : -0.5f;
	}
}

static void smooth_sample(float *x, int n, uint32_t which)
{
	struct rng r = rng_at(6, RNG_PROBE, which, 0, 0);

	for (int i = 0; i < n * WIDTH; i++)
		x[i] = (float)rng_normal(&r) * 3;
}

static void some_labels(int32_t *labels, int n)
{
	for (int i = 0; i < n; i++)
		labels[i] = i % 10 == 3 ? -1 : i * 7 % CLASSES;
}

static double cosine(const float *a, const float *b)
{
	double ab = 0, aa = 0, bb = 0;

	for (int j = 0; j < WIDTH; j++) {
		ab += (double)a[j] * (double)b[j];
		aa += (double)a[j] * (double)a[j];
		bb += (double)b[j] * (double)b[j];
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* The k nearest by repeated search for the best that is left. */
static void plain_find(struct neighbour *found, const float *query, const float *x,
	const int32_t *labels, int n, int k)
{
	int *used = xcalloc((size_t)n, sizeof *used);

	for (int j = 0; j < k; j++) {
		int best = -1;

		for (int i = 0; i < n; i++)
			if (!used[i] && labels[i] >= 0 &&
				(best < 0 ||
					cosine(query, x + i * WIDTH) >
						cosine(query, x + best * WIDTH)))
				best = i;
		found[j] = (struct neighbour){ -INFINITY, -1, INT64_MAX };
		if (best >= 0) {
			used[best] = 1;
			found[j] = (struct neighbour){ (float)cosine(query, x + best * WIDTH),
				labels[best], best };
		}
	}
	xfree(used);
}

static struct knn *filled(const float *x, const int32_t *labels, int n, int k, int block)
{
	const struct knn_options o = { .width = WIDTH, .k = k, .block = block };
	struct knn *knn = knn_open(dev, world, &o);

	for (int i = 0; i < n; i += block)
		knn_add(knn, x + i * WIDTH, labels + i, n - i < block ? n - i : block);
	return knn;
}

/* Neighbours of all queries, asked for block at a time. */
static void find_all(struct neighbour *found, const float *x, const int32_t *labels,
	const float *queries, int k, int block)
{
	struct knn *knn = filled(x, labels, ROWS, k, block);

	for (int i = 0; i < QUERIES; i += block)
		knn_find(knn, found + i * k, queries + i * WIDTH,
			QUERIES - i < block ? QUERIES - i : block);
	knn_close(knn);
}

static void equals_come_in_order(void **state)
{
	static const int blocks[] = { 1, 5, 33, 97, 200 }, ks[] = { 1, 7, 40 };
	float x[ROWS * WIDTH], queries[QUERIES * WIDTH];
	int32_t labels[ROWS];
	struct neighbour found[QUERIES * 40], expect[40];
	int ties = 0;

	(void)state;
	exact_sample(x, ROWS, 0);
	exact_sample(queries, QUERIES, 1);
	some_labels(labels, ROWS);
	for (int b = 0; b < 5; b++)
		for (int j = 0; j < 3; j++) {
			int k = ks[j];

			find_all(found, x, labels, queries, k, blocks[b]);
			for (int i = 0; i < QUERIES; i++) {
				plain_find(expect, queries + i * WIDTH, x, labels, ROWS, k);
				assert_memory_equal(
					found + i * k, expect, (size_t)k * sizeof *expect);
				for (int a = 1; a < k; a++)
					ties += expect[a].similarity == expect[a - 1].similarity;
			}
		}
	assert_true(ties > 1000);
}

static void any_length_is_normalised(void **state)
{
	enum { K = 9 };
	float x[ROWS * WIDTH], queries[QUERIES * WIDTH];
	int32_t labels[ROWS];
	struct neighbour found[QUERIES * K], expect[K];

	(void)state;
	smooth_sample(x, ROWS, 0);
	smooth_sample(queries, QUERIES, 1);
	some_labels(labels, ROWS);
	find_all(found, x, labels, queries, K, 20);
	for (int i = 0; i < QUERIES; i++) {
		plain_find(expect, queries + i * WIDTH, x, labels, ROWS, K);
		for (int j = 0; j < K; j++) {
			assert_close((double)found[i * K + j].similarity,
				(double)expect[j].similarity, 1e-6);
			assert_int_equal(found[i * K + j].row, expect[j].row);
			assert_int_equal(found[i * K + j].label, expect[j].label);
		}
	}
}

static void zeros_are_at_cosine_zero(void **state)
{
	const float x[2 * WIDTH] = { [WIDTH] = -2 }, query[WIDTH] = { 4 };
	const int32_t labels[2] = { 1, 2 };
	struct knn *knn = filled(x, labels, 2, 2, 2);
	struct neighbour found[2];

	(void)state;
	knn_find(knn, found, query, 1);
	knn_close(knn);
	assert_true(found[0].similarity == 0 && found[0].row == 0);
	assert_true(found[1].similarity == -1 && found[1].row == 1);
}

static void fewer_rows_than_neighbours(void **state)
{
	float x[3 * WIDTH], query[WIDTH];
	const int32_t labels[3] = { 0, -1, 1 };
	struct neighbour found[8], expect[8];
	struct knn *knn;
	double votes[CLASSES], sum = 0;

	(void)state;
	exact_sample(x, 3, 2);
	exact_sample(query, 1, 3);
	knn = filled(x, labels, 3, 8, 2);
	knn_find(knn, found, query, 1);
	knn_close(knn);
	plain_find(expect, query, x, labels, 3, 8);
	assert_memory_equal(found, expect, sizeof found);
	assert_int_equal(found[2].label, -1);
	knn_vote(votes, CLASSES, found, 8, 0.07);
	for (int c = 0; c < CLASSES; c++)
		sum += votes[c];
	assert_close(sum,
		exp((found[0].similarity - 1.) / 0.07) + exp((found[1].similarity - 1.) / 0.07),
		1e-12);
}

static void votes_are_weighted(void **state)
{
	const struct neighbour found[4] = { { 0.9f, 2, 0 }, { 0.8f, 1, 1 }, { 0.8f, 1, 2 },
		{ 0.75f, 0, 3 } };
	double votes[CLASSES], far = exp(((double)0.8f - 1) / 0.5);

	(void)state;
	knn_vote(votes, CLASSES, found, 4, 0.5);
	assert_close(votes[0], exp((0.75 - 1) / 0.5), 1e-12);
	assert_close(votes[1], 2 * far, 1e-12);
	assert_close(votes[2], exp(((double)0.9f - 1) / 0.5), 1e-12);
	assert_true(votes[3] == 0 && votes[4] == 0 && votes[5] == 0);
	assert_int_equal(knn_place(votes, CLASSES, 1), 0);
	assert_int_equal(knn_place(votes, CLASSES, 0), 2);
	/* a low temperature lets the nearest win alone; so does one neighbour */
	knn_vote(votes, CLASSES, found, 4, 0.07);
	assert_int_equal(knn_place(votes, CLASSES, 2), 0);
	knn_vote(votes, CLASSES, found, 1, 0.5);
	assert_int_equal(knn_place(votes, CLASSES, 2), 0);
	assert_int_equal(knn_place(votes, CLASSES, 1), CLASSES);
}

static void equal_votes_go_by_number(void **state)
{
	const double votes[5] = { 0, 2, 3, 2, 0 };

	(void)state;
	assert_int_equal(knn_place(votes, 5, 2), 0);
	assert_int_equal(knn_place(votes, 5, 1), 1);
	assert_int_equal(knn_place(votes, 5, 3), 2);
	assert_int_equal(knn_place(votes, 5, 0), 5);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(equals_come_in_order),
		cmocka_unit_test(any_length_is_normalised),
		cmocka_unit_test(zeros_are_at_cosine_zero),
		cmocka_unit_test(fewer_rows_than_neighbours),
		cmocka_unit_test(votes_are_weighted),
		cmocka_unit_test(equal_votes_go_by_number),
	};
	char err[ERR_MAX];
	int failed;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	world = comm_open(NULL, err);
	dev = device_open_bare(1);
	failed = cmocka_run_group_tests(cases, NULL, test_cleanup);
	device_close(dev);
	comm_close(world);
	return failed;
}
