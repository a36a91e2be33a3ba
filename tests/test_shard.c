/* Shards: what is written is read back; every kind of damage is found and named, and none is
 * survived by luck. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/shard.h"
#include "data_fixture.h"

static const struct fixture small = { .shards = 1, .per_shard = 7, .masks = 1 };

static struct shard *open_sound(const char *path)
{
	char err[ERR_MAX] = "";
	struct shard *s = shard_open(path, err);

	if (!s)
		print_error("%s\n", err);
	assert_non_null(s);
	return s;
}

static void check_record(const struct shard *s, const struct fixture *f, uint32_t i)
{
	int w, h, fw, fh;
	struct image image, decoded = { 0 };
	size_t n, capacity = 0, got_capacity = 0;
	uint8_t *expected, *got = NULL;
	char err[ERR_MAX], key[64];
	const int32_t *labels;

	fixture_size(f, i, &fw, &fh);
	shard_size(s, i, &w, &h);
	assert_int_equal(w, fw);
	assert_int_equal(h, fh);
	image = fixture_image(i, w, h);
	assert_int_equal(jpeg_encode(&expected, &n, &image, 90, err), 0);
	assert_int_equal(shard_read(s, i, &got, &got_capacity, err), (long)n);
	assert_memory_equal(got, expected, n);
	assert_int_equal(jpeg_decode(&decoded, &capacity, got, n, err), 0);
	assert_int_equal(shard_labels(s, i, &labels), i % 5 != 4);
	if (i % 5 != 4)
		assert_int_equal(labels[0], i % FIXTURE_CLASSES);
	snprintf(key, sizeof key, "class-%u/image-%u.jpg", i % FIXTURE_CLASSES, i);
	assert_string_equal(shard_key(s, i), key);
	image_free(&image);
	image_free(&decoded);
	xfree(expected);
	xfree(got);
}

static void check_mask(const struct shard *s, uint32_t i)
{
	uint8_t *mask = NULL;
	size_t capacity = 0;
	float foreground;
	char err[ERR_MAX];
	int w, h;
	long n;

	shard_size(s, i, &w, &h);
	n = shard_read_mask(s, i, &mask, &capacity, &foreground, err);
	assert_int_equal(n, i % 3 == 2 ? 0 : (w + 7) / 8 * h);
	for (long k = 0; k < n; k++)
		assert_int_equal(mask[k], i & 255);
	assert_close(foreground, i % 3 == 2 ? 0 : (i % 11) / 11.0, 1e-6);
	xfree(mask);
}

static void what_is_written_is_read(void **state)
{
	const char *path = test_path(test_folder(), "a.h5");
	struct shard *s;

	(void)state;
	fixture_shard(path, &small, 0);
	s = open_sound(path);
	assert_int_equal(shard_count(s), 7);
	assert_int_equal(shard_class_count(s), FIXTURE_CLASSES);
	assert_string_equal(shard_class(s, 2), "caf\xc3\xa9");
	assert_true(shard_has_masks(s));
	for (uint32_t i = 0; i < 7; i++) {
		check_record(s, &small, i);
		check_mask(s, i);
	}
	shard_close(s);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(what_is_written_is_read),
};
TEST_MAIN(cases)
