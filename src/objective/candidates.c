#include "objective/candidates.h"

#include <stddef.h>

#include "base/rng.h"

int candidates_negatives(int asked, int total)
{
	return asked < total - 1 ? asked : total - 1;
}

/* k distinct numbers of 0..n-1 by Floyd's method: each set is equally likely. */
static void distinct(int32_t *out, int k, int n, struct rng *r, uint8_t *mark)
{
	for (int i = 0; i < k; i++) {
		int j = n - k + i, pick = (int)rng_below(r, (uint32_t)j + 1);

		out[i] = mark[pick] ? j : pick;
		mark[out[i]] = 1;
	}
	for (int i = 0; i < k; i++)
		mark[out[i]] = 0;
}

void candidates_draw(int32_t *candidates, uint64_t key, int first, int n, int total, int negatives,
	uint8_t *mark)
{
	for (int i = 0; i < n; i++) {
		int32_t *row = candidates + (size_t)i * (size_t)(1 + negatives);
		int anchor = first + i;
		struct rng r = rng_at(key, RNG_NEGATIVES, (uint32_t)anchor, 0, 0);

		row[0] = anchor;
		distinct(row + 1, negatives, total - 1, &r, mark);
		for (int k = 1; k <= negatives; k++)
			row[k] += row[k] >= anchor; /* numbers of the others: skip the anchor */
	}
}
