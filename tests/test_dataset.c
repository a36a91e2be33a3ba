/* Data sets: images are numbered through the shards; whatever is missing or does not fit is named.
 */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data_fixture.h"

static const struct fixture three = { .shards = 3, .per_shard = 5, .masks = 1 };

static void images_are_numbered_through_the_shards(void **state)
{
	const char *folder = test_folder();
	char err[ERR_MAX] = "";
	struct dataset *d;

	(void)state;
	fixture_dataset(folder, &three);
	d = dataset_open(folder, err);
	assert_string_equal(err, "");
	assert_non_null(d);
	assert_int_equal(d->images, 15);
	assert_int_equal(d->shard_count, 3);
	assert_int_equal(d->class_count, FIXTURE_CLASSES);
	for (uint32_t i = 0; i < 15; i++) {
		uint32_t record;
		const struct shard *s = dataset_find(d, i, &record);
		char key[64];

		assert_ptr_equal(s, d->shards[i / 5]);
		assert_int_equal(record, i % 5);
		snprintf(key, sizeof key, "class-%u/image-%u.jpg", i % FIXTURE_CLASSES, i);
		assert_string_equal(shard_key(s, record), key);
		assert_int_equal(dataset_label(d, i), i % 5 == 4 ? -1 : (int)(i % FIXTURE_CLASSES));
	}
	dataset_close(d);
}

static void refused(const char *folder, const char *file, const char *says)
{
	char err[ERR_MAX] = "";

	assert_null(dataset_open(folder, err));
	assert_says(err, file);
	assert_says(err, says);
}

static void what_is_missing_is_named(void **state)
{
	const char *folder = test_folder(), *shard = test_path(folder, "shard-00001.h5");

	(void)state;
	refused("/nowhere/set", "/nowhere/set", "no such folder");
	refused(folder, folder, "the pack was interrupted: run reliquary pack again");
	fixture_dataset(folder, &three);
	unlink(shard);
	refused(folder, shard, "missing");
	fixture_shard(shard, &(struct fixture){ .shards = 3, .per_shard = 4, .masks = 1 }, 1);
	refused(folder, shard, "in index.json");
	fixture_shard(shard, &three, 1);
	fixture_truncate(shard, 3000);
	refused(folder, shard, "3000 bytes, but");
}

/* Replace a piece of index.json by another and open the set. */
static void with_index(const char *folder, const char *old, const char *new, const char *says)
{
	const char *index = test_path(folder, "index.json");
	unsigned char *text;
	size_t n;
	char err[ERR_MAX], *at, *changed;

	assert_int_equal(file_read_all(index, 1 << 20, &text, &n, err), 0);
	at = strstr((char *)text, old);
	assert_non_null(at);
	changed = xasprintf(
		"%.*s%s%s", (int)(at - (char *)text), (char *)text, new, at + strlen(old));
	assert_int_equal(file_write_atomic(index, changed, strlen(changed), err), 0);
	refused(folder, index, says);
	assert_int_equal(file_write_atomic(index, text, n, err), 0);
	xfree(changed);
	xfree(text);
}

static void an_index_that_makes_no_sense_is_refused(void **state)
{
	const char *folder = test_folder();

	(void)state;
	fixture_dataset(folder, &three);
	with_index(folder, "\"format_version\": 1", "\"format_version\": 2", "format version 2");
	with_index(folder, "\"format_version\": 1", "\"format_version\": -1", "format_version");
	with_index(folder, "\"format_version\": 1,", "", "no number \"format_version\"");
	with_index(folder, "\"shards\": [", "\"shards\": 7, \"x\": [", "no list \"shards\"");
	with_index(folder, "\"classes\": [", "\"klasses\": [", "no list \"classes\"");
	with_index(folder, "\"images\": 15", "\"images\": 16", "not the sum");
	with_index(folder, "\"images\": 15", "\"images\": 99999999999999999999999", "not the sum");
	with_index(folder, "\"file\": \"shard-00002.h5\"", "\"file\": \"../shard-00002.h5\"",
		"proper \"file\"");
	with_index(folder, "\"file\": \"shard-00002.h5\", ", "", "proper \"file\"");
	with_index(folder, "}\n", "", "index.json");
	with_index(folder, "{", "", "index.json");
}

static void a_shard_of_another_set_is_refused(void **state)
{
	const char *folder = test_folder(), *index = test_path(folder, "index.json");
	unsigned char *text;
	size_t n;
	char err[ERR_MAX], *at;

	(void)state;
	fixture_dataset(folder, &three);
	assert_int_equal(file_read_all(index, 1 << 20, &text, &n, err), 0);
	at = strstr((char *)text, "\"ant\"");
	assert_non_null(at);
	at[1] = 'e';
	assert_int_equal(file_write_atomic(index, text, n, err), 0);
	refused(folder, test_path(folder, "shard-00000.h5"), "of another data set");
	xfree(text);
	with_index(folder, "\"shards\": [", "\"shards\": [], \"x\": [", "or 0");
}

/* Cut anywhere, the index is refused, never half believed. */
static void a_cut_index_is_refused(void **state)
{
	const char *folder = test_folder(), *index = test_path(folder, "index.json");
	char err[ERR_MAX];
	long n;

	(void)state;
	fixture_dataset(folder, &three);
	n = fixture_bytes(index) - 2; /* the last brace and the line's end */
	for (long size = n; size >= 0; size--) {
		struct dataset *d;

		fixture_truncate(index, size);
		d = dataset_open(folder, err);
		assert_null(d);
		assert_says(err, folder);
	}
}

static void an_index_needs_its_shards(void **state)
{
	const char *folder = test_folder();
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(dataset_write_index(folder, "n", "s", NULL, 0, 1, err), -1);
	assert_says(err, "shard-00000.h5");
	assert_false(file_exists(test_path(folder, "index.json")));
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(images_are_numbered_through_the_shards),
	cmocka_unit_test(what_is_missing_is_named),
	cmocka_unit_test(an_index_that_makes_no_sense_is_refused),
	cmocka_unit_test(a_shard_of_another_set_is_refused),
	cmocka_unit_test(a_cut_index_is_refused),
	cmocka_unit_test(an_index_needs_its_shards),
};
TEST_MAIN(cases)
