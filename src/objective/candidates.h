#ifndef OBJECTIVE_CANDIDATES_H
#define OBJECTIVE_CANDIDATES_H

#include <stdint.h>

/* The negatives of a step (spec 2.3): for each anchor i of the global batch, i itself and n_e
 * distinct others, uniform, shared by all pairs of views. */

/* How many candidates an anchor has besides itself: all others when fewer than asked for are there.
 */
int candidates_negatives(int asked, int total);

/* Rows of anchors first .. first + n - 1 into candidates (n, 1 + negatives): functions of (key,
 * anchor) alone, so every rank draws its own rows and all agree.  key comes with rank 0's plan;
 * mark is scratch of total bytes, zero before and after. */
void candidates_draw(int32_t *candidates, uint64_t key, int first, int n, int total, int negatives,
	uint8_t *mark);

#endif
