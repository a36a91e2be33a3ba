/* The order of images: each once an epoch, the same for every way to deal lanes to ranks, new in
 * each epoch. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "data/order.h"

/* An order needs only the numbers of images of the shards. */
static struct dataset made_up(const uint32_t *images, int shards)
{
	struct dataset d = { .path = "made up", .shard_count = shards };

	d.first = xcalloc((size_t)shards + 1, sizeof *d.first);
	for (int i = 0; i < shards; i++)
		d.first[i + 1] = d.first[i] + images[i];
	d.images = d.first[shards];
	return d;
}

static const uint32_t uneven[] = { 7, 12, 9, 10, 11, 8, 10, 13, 9 };
enum { SHARDS = sizeof uneven / sizeof *uneven, LANES = 4, BATCH = 12 };

static struct order *open_ok(const struct dataset *d, int lanes, int batch, uint64_t seed)
{
	char err[ERR_MAX] = "";
	struct order *o = order_open(d, lanes, batch, seed, err);

	assert_string_equal(err, "");
	assert_non_null(o);
	return o;
}

static int shard_of(const struct dataset *d, uint64_t image)
{
	int shard = 0;

	while (image >= d->first[shard + 1])
		shard++;
	return shard;
}

static int lane_of(const struct dataset *d, uint64_t image)
{
	return shard_of(d, image) % LANES;
}

static void each_image_comes_once_an_epoch_from_its_lane(void **state)
{
	struct dataset d = made_up(uneven, SHARDS);
	struct order *o = open_ok(&d, LANES, BATCH, 1);
	uint64_t batch[BATCH];

	(void)state;
	/* lane 0: 7 + 11 + 9, lane 1: 12 + 8, lane 2: 9 + 10, lane 3: 10 + 13; three a step */
	assert_int_equal(order_steps_per_epoch(o), 19 / 3);
	for (int epoch = 0; epoch < 3; epoch++) {
		int seen[100] = { 0 };

		for (int64_t step = 0; step < 6; step++) {
			order_step(o, batch, epoch * 6 + step, 0, BATCH);
			for (int i = 0; i < BATCH; i++) {
				assert_true(batch[i] < d.images);
				assert_int_equal(lane_of(&d, batch[i]), i / 3);
				assert_int_equal(seen[batch[i]]++, 0);
			}
		}
	}
	order_close(o);
	xfree(d.first);
}

static void any_number_of_ranks_gives_the_same_batch(void **state)
{
	static const uint32_t images[] = { 7, 12, 9, 10, 11, 8, 10, 13, 9, 20, 21, 22 };
	struct dataset d = made_up(images, 12);
	uint64_t whole[24], part[24];

	(void)state;
	for (int ranks = 1; ranks <= 4; ranks++) {
		struct order *all = open_ok(&d, 12, 24, 5), *each[4];
		int share = 24 / ranks;

		for (int r = 0; r < ranks; r++)
			each[r] = open_ok(&d, 12, 24, 5);
		for (int64_t step = 0; step < 3 * order_steps_per_epoch(all); step++) {
			order_step(all, whole, step, 0, 24);
			for (int r = 0; r < ranks; r++)
				order_step(each[r], part + r * share, step, r * share, share);
			assert_memory_equal(whole, part, sizeof whole);
		}
		for (int r = 0; r < ranks; r++)
			order_close(each[r]);
		order_close(all);
	}
	xfree(d.first);
}

/* Shards have one reader each, which needs no other's. */
static void a_rank_reads_only_its_own_shards(void **state)
{
	struct dataset d = made_up(uneven, SHARDS);
	struct order *o = open_ok(&d, LANES, BATCH, 1);
	uint64_t batch[BATCH];

	(void)state;
	for (int ranks = 1; ranks <= LANES; ranks *= 2)
		for (int64_t step = 0; step < 20; step++) {
			order_step(o, batch, step, 0, BATCH);
			for (int i = 0; i < BATCH; i++) {
				uint64_t other = order_replacement(o, 0, batch[i], (uint32_t)step);
				int reader = i / (BATCH / ranks);

				assert_int_equal(
					order_reader(o, shard_of(&d, batch[i]), ranks), reader);
				assert_int_equal(
					order_reader(o, shard_of(&d, other), ranks), reader);
			}
		}
	order_close(o);
	xfree(d.first);
}

static void a_step_can_be_asked_for_at_any_time(void **state)
{
	struct dataset d = made_up(uneven, SHARDS);
	struct order *forward = open_ok(&d, LANES, BATCH, 2),
		     *jumping = open_ok(&d, LANES, BATCH, 2);
	uint64_t a[20][BATCH], b[BATCH];

	(void)state;
	for (int64_t step = 0; step < 20; step++)
		order_step(forward, a[step], step, 0, BATCH);
	for (int k = 0; k < 20; k++) {
		order_step(jumping, b, k * 7 % 20, 0, BATCH);
		assert_memory_equal(a[k * 7 % 20], b, sizeof b);
	}
	order_close(forward);
	order_close(jumping);
	xfree(d.first);
}

static void epochs_and_seeds_differ(void **state)
{
	static const uint32_t images[] = { 500, 500 };
	struct dataset d = made_up(images, 2);
	struct order *o = open_ok(&d, 2, 200, 1), *other = open_ok(&d, 2, 200, 2);
	uint64_t a[200], b[200], c[200];
	int same_epoch = 0, same_seed = 0, in_order = 0;

	(void)state;
	order_step(o, a, 0, 0, 200);
	order_step(o, b, order_steps_per_epoch(o), 0, 200);
	order_step(other, c, 0, 0, 200);
	for (int i = 0; i < 200; i++) {
		same_epoch += a[i] == b[i];
		same_seed += a[i] == c[i];
		in_order += i > 0 && a[i] == a[i - 1] + 1;
	}
	/* 0.4 are expected of each; 8 happens once in 10^8 */
	assert_in_range(same_epoch, 0, 8);
	assert_in_range(same_seed, 0, 8);
	assert_in_range(in_order, 0, 8);
	order_close(o);
	order_close(other);
	xfree(d.first);
}

/* Shards are walked in a random order too: each of the five comes first about as often. */
static void shards_take_turns(void **state)
{
	static const uint32_t images[] = { 4, 4, 4, 4, 4 };
	struct dataset d = made_up(images, 5);
	struct order *o = open_ok(&d, 1, 4, 1);
	int first[5] = { 0 };
	uint64_t batch[4];

	(void)state;
	for (int64_t epoch = 0; epoch < 1000; epoch++) {
		order_step(o, batch, epoch * order_steps_per_epoch(o), 0, 4);
		for (int i = 1; i < 4; i++)
			assert_int_equal(batch[i] / 4, batch[0] / 4);
		first[batch[0] / 4]++;
	}
	for (int i = 0; i < 5; i++)
		assert_in_range(first[i], 140, 260); /* 200 expected, deviation 12.6 */
	order_close(o);
	xfree(d.first);
}

static void replacements_come_from_the_same_lane(void **state)
{
	struct dataset d = made_up(uneven, SHARDS);
	struct order *o = open_ok(&d, LANES, BATCH, 3);
	int seen[100] = { 0 }, different = 0;

	(void)state;
	for (uint32_t attempt = 0; attempt < 2000; attempt++) {
		uint64_t image = order_replacement(o, 4, 15, attempt); /* shard 1 */

		assert_int_equal(image, order_replacement(o, 4, 15, attempt));
		assert_true(image < d.images);
		assert_int_equal(lane_of(&d, image), 1);
		different += image != order_replacement(o, 5, 15, attempt);
		seen[image]++;
	}
	assert_in_range(different, 1800, 2000); /* of 20 images */
	for (uint64_t i = 0; i < d.images; i++)
		if (lane_of(&d, i) == 1)
			assert_in_range(seen[i], 50, 150); /* 100 expected */
	order_close(o);
	xfree(d.first);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct dataset d = made_up(uneven, SHARDS);
	char err[ERR_MAX];

	(void)state;
	assert_null(order_open(&d, 4, 30, 1, err));
	assert_says(err, "data.lanes 4");
	assert_null(order_open(&d, 0, 30, 1, err));
	assert_says(err, "data.lanes 0");
	assert_null(order_open(&d, 10, 30, 1, err));
	assert_says(err, "9 shards are too few for data.lanes 10");
	assert_null(order_open(&d, 4, 400, 1, err));
	assert_says(err, "do not fill one batch of 400");
	xfree(d.first);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(each_image_comes_once_an_epoch_from_its_lane),
	cmocka_unit_test(any_number_of_ranks_gives_the_same_batch),
	cmocka_unit_test(a_rank_reads_only_its_own_shards),
	cmocka_unit_test(a_step_can_be_asked_for_at_any_time),
	cmocka_unit_test(epochs_and_seeds_differ),
	cmocka_unit_test(shards_take_turns),
	cmocka_unit_test(replacements_come_from_the_same_lane),
	cmocka_unit_test(what_does_not_fit_is_refused),
};
TEST_MAIN(cases)
