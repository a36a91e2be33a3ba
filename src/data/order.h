#ifndef DATA_ORDER_H
#define DATA_ORDER_H

#include <stdint.h>

#include "base/die.h"
#include "data/dataset.h"
#include "data/loader.h"

/* Who reads what when.  The shards of a data set are dealt to G lanes (shard s to lane s mod G). In
 * each epoch a lane walks its shards in a random order, and each shard's records in a random order,
 * both functions of (seed, epoch, lane, shard) alone.  Every step takes batch/G images of each
 * lane: slot j of the global batch belongs to lane j / (batch/G). Rank r of R owns lanes [r G/R,
 * (r+1) G/R) and so slots [r batch/R, (r+1) batch/R): the same global batch on any number of ranks
 * that divides G. */

struct order;

/* Refuses (err says what to change): lanes that do not divide batch, fewer shards than lanes, less
 * than one step an epoch. Warns when more than 1 % of the images are left out of an epoch because
 * lanes differ in length or batch/G does not divide them. */
struct order *order_open(
	const struct dataset *d, int lanes, int batch, uint64_t seed, char err[ERR_MAX]);
void order_close(struct order *o);

/* Whole batches of an epoch, at least 1. */
int64_t order_steps_per_epoch(const struct order *o);

/* Which of so many ranks (a divisor of the lanes) reads the records of a shard. */
int order_reader(const struct order *o, int shard, int ranks);

/* Global image numbers of slots [first, first + count) of the batch of step (counted from 0 through
 * all epochs). Not thread-safe: keeps the present epoch's permutations. */
void order_step(struct order *o, uint64_t *images, int64_t step, int first, int count);

/* The image that stands in for one that cannot be read: attempt 0, 1, ... of (seed, epoch, slot's
 * lane, the bad image), drawn from the shards of the same lane. */
uint64_t order_replacement(
	const struct order *o, int64_t epoch, uint64_t bad_image, uint32_t attempt);

/* The order as a loader's source; o stays the caller's. */
struct loader_source order_source(struct order *o);

#endif
