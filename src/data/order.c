/* order.c - who reads what when.
 * A lane's epoch is its shards in a random order, each walked in a random order.  Only the shard
 * that a lane stands in is laid out in memory: an epoch of any length costs one permutation a lane.
 */
#include "data/order.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"

/* The third counter word: which of the two permutations. */
enum { OF_SHARDS, OF_RECORDS };

struct lane {
	int number;
	uint32_t shards; /* its shards are number, number + lanes, ... */
	uint64_t images;
	int64_t epoch;    /* that walk and start are for; -1: none yet */
	uint32_t *walk;   /* the epoch's order of the shards, as k of number + k * lanes */
	uint64_t *start;  /* shards + 1: place in the lane's epoch where each shard of the walk
			     starts */
	int64_t standing; /* place in the walk of the shard that records is for; -1: none yet */
	uint32_t *records;
};

struct order {
	const struct dataset *d;
	int lanes, batch, share; /* share: images of a lane in a batch */
	uint64_t seed;
	int64_t steps; /* of an epoch */
	struct lane *lane;
};

static int shard_of(const struct order *o, const struct lane *l, uint32_t k)
{
	return l->number + (int)k * o->lanes;
}

static uint64_t images_of(const struct order *o, int shard)
{
	return o->d->first[shard + 1] - o->d->first[shard];
}

static void lane_init(struct order *o, int number)
{
	struct lane *l = &o->lane[number];
	uint64_t largest = 0;

	*l = (struct lane){ .number = number, .epoch = -1, .standing = -1 };
	for (int shard = number; shard < o->d->shard_count; shard += o->lanes) {
		uint64_t n = images_of(o, shard);

		largest = n > largest ? n : largest;
		l->images += n;
		l->shards++;
	}
	CHECK(l->images <= UINT32_MAX, "%llu images in lane %d: use more lanes",
		(unsigned long long)l->images, number);
	l->walk = xcalloc(l->shards, sizeof *l->walk);
	l->start = xcalloc((size_t)l->shards + 1, sizeof *l->start);
	l->records = xcalloc(largest, sizeof *l->records);
}

/* Length of an epoch: that of the shortest lane. */
static void set_steps(struct order *o)
{
	uint64_t shortest = o->lane[0].images;

	for (int i = 1; i < o->lanes; i++)
		if (o->lane[i].images < shortest)
			shortest = o->lane[i].images;
	o->steps = (int64_t)(shortest / (uint64_t)o->share);
}

static void warn_of_left_out(const struct order *o)
{
	uint64_t used = (uint64_t)o->steps * (uint64_t)o->batch, all = o->d->images;
	double share = (double)(all - used) / (double)all;

	if (share > 0.01)
		log_warn("%s: each epoch leaves out %llu of %llu images (%.1f %%), others each "
			 "time: %d lanes of "
			 "%d images a step do not divide them; fewer lanes or more, smaller shards "
			 "help",
			o->d->path, (unsigned long long)(all - used), (unsigned long long)all,
			100 * share, o->lanes, o->share);
}

static int check(const struct dataset *d, int lanes, int batch, char err[ERR_MAX])
{
	if (lanes < 1 || batch < lanes || batch % lanes != 0)
		return fail(err,
			"train.batch %d is not a multiple of data.lanes %d: each lane gives the "
			"same number of "
			"images to a step; change one of them",
			batch, lanes);
	if (d->shard_count < lanes)
		return fail(err,
			"%s: %d shards are too few for data.lanes %d: use fewer lanes, or pack "
			"into at least %d shards",
			d->path, d->shard_count, lanes, lanes);
	return 0;
}

struct order *order_open(
	const struct dataset *d, int lanes, int batch, uint64_t seed, char err[ERR_MAX])
{
	struct order *o;

	if (check(d, lanes, batch, err) != 0)
		return NULL;
	o = xcalloc(1, sizeof *o);
	*o = (struct order){
		.d = d, .lanes = lanes, .batch = batch, .share = batch / lanes, .seed = seed
	};
	o->lane = xcalloc((size_t)lanes, sizeof *o->lane);
	for (int i = 0; i < lanes; i++)
		lane_init(o, i);
	set_steps(o);
	if (o->steps > 0) {
		warn_of_left_out(o);
		return o;
	}
	fail(err,
		"%s: its %llu images in %d lanes do not fill one batch of %d: make train.batch "
		"smaller, or pack "
		"more images",
		d->path, (unsigned long long)d->images, lanes, batch);
	order_close(o);
	return NULL;
}

void order_close(struct order *o)
{
	if (!o)
		return;
	for (int i = 0; i < o->lanes; i++) {
		xfree(o->lane[i].walk);
		xfree(o->lane[i].start);
		xfree(o->lane[i].records);
	}
	xfree(o->lane);
	xfree(o);
}

int64_t order_steps_per_epoch(const struct order *o)
{
	return o->steps;
}

int order_reader(const struct order *o, int shard, int ranks)
{
	return shard % o->lanes / (o->lanes / ranks);
}

static void lane_start_epoch(const struct order *o, struct lane *l, int64_t epoch)
{
	struct rng r = rng_at(o->seed, RNG_ORDER, (uint32_t)epoch, (uint32_t)l->number, OF_SHARDS);

	rng_permutation(&r, l->walk, l->shards);
	for (uint32_t k = 0; k < l->shards; k++)
		l->start[k + 1] = l->start[k] + images_of(o, shard_of(o, l, l->walk[k]));
	l->epoch = epoch;
	l->standing = -1;
}

/* The last k with start[k] <= place. */
static uint32_t find(const uint64_t *start, uint32_t n, uint64_t place)
{
	uint32_t low = 0, high = n;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (place < start[middle])
			high = middle;
		else
			low = middle;
	}
	return low;
}

/* Image number place of a lane's epoch. */
static uint64_t lane_image(const struct order *o, struct lane *l, int64_t epoch, uint64_t place)
{
	uint32_t k;
	int shard;

	if (l->epoch != epoch)
		lane_start_epoch(o, l, epoch);
	k = find(l->start, l->shards, place);
	shard = shard_of(o, l, l->walk[k]);
	if (l->standing != (int64_t)k) {
		struct rng r =
			rng_at(o->seed, RNG_ORDER, (uint32_t)epoch, (uint32_t)shard, OF_RECORDS);

		rng_permutation(&r, l->records, (uint32_t)images_of(o, shard));
		l->standing = k;
	}
	return o->d->first[shard] + l->records[place - l->start[k]];
}

void order_step(struct order *o, uint64_t *images, int64_t step, int first, int count)
{
	int64_t epoch = step / o->steps;
	uint64_t before = (uint64_t)(step % o->steps) * (uint64_t)o->share;

	CHECK(step >= 0 && first >= 0 && count >= 0 && count <= o->batch - first,
		"step %lld, slots %d + %d of %d", (long long)step, first, count, o->batch);
	for (int slot = first; slot < first + count; slot++)
		*images++ = lane_image(
			o, &o->lane[slot / o->share], epoch, before + (uint64_t)(slot % o->share));
}

uint64_t order_replacement(
	const struct order *o, int64_t epoch, uint64_t bad_image, uint32_t attempt)
{
	struct rng r = rng_at(o->seed, RNG_REPLACE, (uint32_t)epoch, (uint32_t)bad_image, attempt);
	int shard = (int)find(o->d->first, (uint32_t)o->d->shard_count, bad_image) % o->lanes;
	uint64_t place = rng_below(&r, (uint32_t)o->lane[shard].images);

	while (place >= images_of(o, shard)) {
		place -= images_of(o, shard);
		shard += o->lanes;
	}
	return o->d->first[shard] + place;
}

static void source_images(void *arg, uint64_t *ids, int64_t step, int first, int count)
{
	order_step(arg, ids, step, first, count);
}

static uint64_t source_replacement(void *arg, int64_t step, uint64_t bad_image, uint32_t attempt)
{
	const struct order *o = arg;

	return order_replacement(o, step / o->steps, bad_image, attempt);
}

struct loader_source order_source(struct order *o)
{
	return (struct loader_source){
		.images = source_images, .replacement = source_replacement, .arg = o
	};
}
