/* The loader: what it gives is what decoding one by one gives, for any number of threads and ranks.
 */
#include "autoconfig.h" /* memmem is GNU's */

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/decode.h"
#include "data/loader.h"
#include "data/order.h"
#include "data_fixture.h"

static const struct fixture set = { .shards = 12, .per_shard = 6, .masks = 1, .big = 1 };
enum { LANES = 12, BATCH = 24, STEPS = 8 };

struct world {
	const char *folder;
	struct dataset *d;
	struct order *o;
	struct loader_source source;
};

static struct world open_world(const char *folder)
{
	struct world w = { .folder = folder };
	char err[ERR_MAX] = "";

	w.d = dataset_open(folder, err);
	assert_string_equal(err, "");
	w.o = order_open(w.d, LANES, BATCH, 1, err);
	assert_non_null(w.o);
	w.source = order_source(w.o);
	return w;
}

static void close_world(struct world *w)
{
	order_close(w->o);
	dataset_close(w->d);
}

static void assert_same_image(const struct image *a, const struct image *b)
{
	assert_int_equal(a->width, b->width);
	assert_int_equal(a->height, b->height);
	assert_memory_equal(a->rgb, b->rgb, (size_t)(a->width * a->height * 3));
	assert_int_equal(!a->mask, !b->mask);
	if (a->mask)
		assert_memory_equal(a->mask, b->mask, (size_t)((a->width + 7) / 8 * a->height));
	assert_close(a->foreground, b->foreground, 0);
}

/* Every image of a batch against decoding it alone. */
static void check_batch(const struct world *w, const struct batch *batch, int masks)
{
	struct decoder c = { .d = w->d, .masks = masks };
	struct image image = { 0 };
	struct image_memory memory = { 0 };
	char err[ERR_MAX];

	for (int i = 0; i < batch->count; i++) {
		assert_int_equal(decoder_read(&c, &image, &memory, batch->ids[i], NULL, err), 0);
		assert_same_image(&batch->images[i], &image);
	}
	decoder_free(&c);
	image_memory_free(&image, &memory);
}

static void any_number_of_threads_gives_the_same(void **state)
{
	const char *folder = test_folder();
	uint64_t expected[BATCH];

	(void)state;
	fixture_dataset(folder, &set);
	for (int threads = 1; threads <= 4; threads++) {
		struct world w = open_world(folder), reference = open_world(folder);
		struct loader_options options = { .count = BATCH,
			.threads = threads,
			.prefetch = threads,
			.to = STEPS,
			.masks = threads % 2 };
		struct loader *l = loader_open(w.d, &w.source, &options);
		const struct batch *batch;
		double waited;
		int64_t step = 0;

		while ((batch = loader_next(l, &waited))) {
			assert_int_equal(batch->step, step);
			assert_int_equal(batch->count, BATCH);
			assert_int_equal(batch->replaced, 0);
			assert_true(waited >= 0);
			order_step(reference.o, expected, step++, 0, BATCH);
			assert_memory_equal(batch->ids, expected, sizeof expected);
			check_batch(&w, batch, options.masks);
		}
		assert_int_equal(step, STEPS);
		assert_null(loader_next(l, &waited));
		assert_int_equal(loader_bad_records(l), 0);
		loader_close(l);
		close_world(&w);
		close_world(&reference);
	}
}

/* Ids and first pixels of all steps, as ranks ranks load them together. */
static void load_as(
	const char *folder, int ranks, uint64_t ids[STEPS][BATCH], uint8_t pixels[STEPS][BATCH])
{
	for (int r = 0; r < ranks; r++) {
		struct world w = open_world(folder);
		int share = BATCH / ranks;
		struct loader_options options = {
			.first = r * share, .count = share, .threads = 2, .prefetch = 2, .to = STEPS
		};
		struct loader *l = loader_open(w.d, &w.source, &options);
		const struct batch *batch;
		double waited;

		while ((batch = loader_next(l, &waited)))
			for (int i = 0; i < share; i++) {
				ids[batch->step][r * share + i] = batch->ids[i];
				pixels[batch->step][r * share + i] = batch->images[i].rgb[0];
			}
		loader_close(l);
		close_world(&w);
	}
}

/* Damage n records: one byte in the middle of each. */
static void damage(const char *folder, const uint64_t *images, int n)
{
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/shard-%05d.h5", folder, (int)images[i] / set.per_shard);
		char err[ERR_MAX];
		struct shard *s = shard_open(path, err);
		uint8_t *bytes = NULL, *file;
		size_t capacity = 0, size;
		long k = shard_read(
			s, (uint32_t)(images[i] % (uint64_t)set.per_shard), &bytes, &capacity, err);

		assert_true(k > 0);
		assert_int_equal(file_read_all(path, 1 << 24, &file, &size, err), 0);
		fixture_flip(path, (uint8_t *)memmem(file, size, bytes, (size_t)k) - file + k / 2);
		shard_close(s);
		xfree(bytes);
		xfree(file);
		xfree(path);
	}
}

static void ranks_agree_on_batches_and_replacements(void **state)
{
	const char *folder = test_folder();
	const uint64_t bad[] = { 0, 7, 8, 9, 10, 11, 33, 71 };
	static uint64_t ids[5][STEPS][BATCH];
	static uint8_t pixels[5][STEPS][BATCH];

	(void)state;
	fixture_dataset(folder, &set);
	damage(folder, bad, 8);
	for (int ranks = 1; ranks <= 4; ranks++)
		load_as(folder, ranks, ids[ranks], pixels[ranks]);
	for (int ranks = 2; ranks <= 4; ranks++) {
		assert_memory_equal(ids[ranks], ids[1], sizeof ids[1]);
		assert_memory_equal(pixels[ranks], pixels[1], sizeof pixels[1]);
	}
	for (int i = 0; i < STEPS * BATCH; i++)
		for (int k = 0; k < 8; k++)
			assert_int_not_equal(ids[1][i / BATCH][i % BATCH], bad[k]);
}

static void bad_records_are_counted_once_and_replaced_each_time(void **state)
{
	const char *folder = test_folder();
	const uint64_t bad[] = { 3, 40 };
	struct loader_options options = { .count = BATCH, .threads = 3, .prefetch = 2, .to = 9 };
	struct world w;
	struct loader *l;
	const struct batch *batch;
	double waited;
	int replaced = 0;

	(void)state;
	fixture_dataset(folder, &set);
	damage(folder, bad, 2);
	w = open_world(folder);
	l = loader_open(w.d, &w.source, &options);
	while ((batch = loader_next(l, &waited))) {
		check_batch(&w, batch, 0);
		replaced += batch->replaced;
	}
	assert_int_equal(loader_bad_records(l), 2);
	assert_int_equal(
		replaced, 6); /* three epochs, and each takes every image: 72 in 3 steps of 24 */
	loader_close(l);
	close_world(&w);
}

static void buffers_grow_and_then_stay(void **state)
{
	const char *folder = test_folder();
	struct loader_options options = {
		.count = BATCH, .threads = 2, .prefetch = 2, .to = 60, .masks = 1
	};
	struct world w;
	struct loader *l;
	double waited;
	long before = 0;

	(void)state;
	fixture_dataset(folder, &set);
	w = open_world(folder);
	l = loader_open(w.d, &w.source, &options);
	for (int step = 0; step < 60; step++) {
		if (step == 0)
			before = xalloc_count();
		assert_non_null(loader_next(l, &waited));
	}
	/* 60 steps have 1440 images; a slot grows a few times, and there are 72 slots with two
	 * buffers each */
	assert_in_range(xalloc_count() - before, 0, 800);
	loader_close(l);
	close_world(&w);
}

static void closing_in_the_middle_ends_at_once(void **state)
{
	const char *folder = test_folder();
	struct world w;
	double waited;

	(void)state;
	fixture_dataset(folder, &set);
	w = open_world(folder);
	for (int taken = 0; taken < 12; taken++) {
		struct loader_options options = { .count = BATCH,
			.threads = 1 + taken % 4,
			.prefetch = 1 + taken % 3,
			.from = taken,
			.to = 1000 };
		struct loader *l = loader_open(w.d, &w.source, &options);

		for (int i = 0; i < taken; i++)
			assert_int_equal(loader_next(l, &waited)->step, taken + i);
		loader_close(l);
	}
	loader_close(NULL);
	close_world(&w);
}

static void no_steps_are_no_batches(void **state)
{
	const char *folder = test_folder();
	struct loader_options options = {
		.count = BATCH, .threads = 2, .prefetch = 1, .from = 5, .to = 5
	};
	struct world w;
	struct loader *l;
	double waited;

	(void)state;
	fixture_dataset(folder, &set);
	w = open_world(folder);
	l = loader_open(w.d, &w.source, &options);
	assert_null(loader_next(l, &waited));
	loader_close(l);
	close_world(&w);
}

static void a_set_without_a_sound_image_ends_the_job(void **state)
{
	const char *folder = test_folder();
	struct loader_options options = { .count = BATCH, .threads = 2, .prefetch = 1, .to = 5 };
	uint64_t all[72];
	int status;
	pid_t child;
	char err[ERR_MAX], *text;
	size_t n;

	(void)state;
	for (uint64_t i = 0; i < 72; i++)
		all[i] = i;
	fixture_dataset(folder, &set);
	damage(folder, all, 72);
	child = fork();
	if (child == 0) {
		struct world w = open_world(folder);
		double waited;

		if (!freopen(test_path(folder, "messages"), "w", stderr))
			_exit(1);
		loader_next(loader_open(w.d, &w.source, &options), &waited);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(file_read_all(test_path(folder, "messages"), 1 << 20,
				 (unsigned char **)&text, &n, err),
		0);
	assert_int_equal(WEXITSTATUS(status), 70);
	assert_says(text, "too many bad records");
	xfree(text);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(any_number_of_threads_gives_the_same),
	cmocka_unit_test(ranks_agree_on_batches_and_replacements),
	cmocka_unit_test(bad_records_are_counted_once_and_replaced_each_time),
	cmocka_unit_test(buffers_grow_and_then_stay),
	cmocka_unit_test(closing_in_the_middle_ends_at_once),
	cmocka_unit_test(no_steps_are_no_batches),
	cmocka_unit_test(a_set_without_a_sound_image_ends_the_job),
};
TEST_MAIN(cases)
