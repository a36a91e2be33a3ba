/* The negatives: distinct, never the anchor, uniform, the same from any rank. */
#include "test.h"

#include <string.h>

#include "base/memory.h"
#include "objective/candidates.h"

enum { TOTAL = 33, NEGATIVES = 10 };

static void rows_are_distinct_others(void **state)
{
	int32_t rows[TOTAL][1 + NEGATIVES];
	uint8_t mark[TOTAL] = { 0 };

	(void)state;
	for (uint64_t key = 0; key < 100; key++) {
		candidates_draw(&rows[0][0], key, 0, TOTAL, TOTAL, NEGATIVES, mark);
		for (int i = 0; i < TOTAL; i++) {
			int seen[TOTAL] = { 0 };

			assert_int_equal(rows[i][0], i);
			for (int k = 0; k <= NEGATIVES; k++) {
				assert_in_range(rows[i][k], 0, TOTAL - 1);
				assert_int_equal(seen[rows[i][k]]++, 0);
			}
		}
	}
	for (int i = 0; i < TOTAL; i++)
		assert_int_equal(mark[i], 0);
}

static void uniform_over_the_others(void **state)
{
	long count[TOTAL] = { 0 };
	int32_t row[1 + NEGATIVES];
	uint8_t mark[TOTAL] = { 0 };
	enum { DRAWS = 32000, ANCHOR = 7 };
	double expected = DRAWS * (double)NEGATIVES / (TOTAL - 1), chi2 = 0;

	(void)state;
	for (uint64_t key = 0; key < DRAWS; key++) {
		candidates_draw(row, key, ANCHOR, 1, TOTAL, NEGATIVES, mark);
		for (int k = 1; k <= NEGATIVES; k++)
			count[row[k]]++;
	}
	for (int i = 0; i < TOTAL; i++)
		if (i != ANCHOR)
			chi2 += ((double)count[i] - expected) * ((double)count[i] - expected) /
				expected;
	assert_int_equal(count[ANCHOR], 0);
	assert_true(chi2 < 61.1); /* 31 degrees of freedom: exceeded once in a thousand */
}

static void ranks_draw_the_same(void **state)
{
	int32_t all[12][1 + NEGATIVES], part[4][1 + NEGATIVES];
	uint8_t mark[12] = { 0 };

	(void)state;
	candidates_draw(&all[0][0], 5, 0, 12, 12, NEGATIVES, mark);
	for (int first = 0; first < 12; first += 4) {
		candidates_draw(&part[0][0], 5, first, 4, 12, NEGATIVES, mark);
		assert_memory_equal(part, all[first], sizeof part);
	}
}

static void few_images_give_all_others(void **state)
{
	int32_t rows[3][3];
	uint8_t mark[3] = { 0 };

	(void)state;
	assert_int_equal(candidates_negatives(10, 3), 2);
	assert_int_equal(candidates_negatives(2, 4096), 2);
	candidates_draw(&rows[0][0], 1, 0, 3, 3, 2, mark);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rows[i][0] + rows[i][1] + rows[i][2], 3);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(rows_are_distinct_others),
	cmocka_unit_test(uniform_over_the_others),
	cmocka_unit_test(ranks_draw_the_same),
	cmocka_unit_test(few_images_give_all_others),
};
TEST_MAIN(cases)
