/* Shards: what is written is read back; every kind of damage is found and named, and none is
 * survived by luck. */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc.h"
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

/* From a copy the same is read, also when the original is gone; what is no copy is refused. */
static void a_shard_is_read_from_a_copy(void **state)
{
	const char *folder = test_folder();
	char path[512], copy[512], short_copy[512], err[ERR_MAX];
	struct shard *s;

	(void)state;
	snprintf(path, sizeof path, "%s/a.h5", folder);
	snprintf(copy, sizeof copy, "%s/b.h5", folder);
	snprintf(short_copy, sizeof short_copy, "%s/c.h5", folder);
	fixture_shard(path, &small, 0);
	fixture_copy(copy, path);
	fixture_copy(short_copy, path);
	fixture_truncate(short_copy, 100);
	s = open_sound(path);
	assert_int_equal(shard_move(s, short_copy, err), -1);
	assert_says(err, "c.h5: 100 bytes");
	assert_int_equal(shard_move(s, test_path(folder, "none.h5"), err), -1);
	assert_says(err, "none.h5");
	assert_string_equal(shard_path(s), path);
	check_record(s, &small, 0);
	assert_int_equal(shard_move(s, copy, err), 0);
	assert_string_equal(shard_path(s), copy);
	fixture_truncate(path, 0);
	for (uint32_t i = 0; i < shard_count(s); i++)
		check_record(s, &small, i);
	shard_close(s);
}

static void the_same_records_give_the_same_bytes(void **state)
{
	const char *folder = test_folder();
	unsigned char *a, *b;
	size_t an, bn;
	char err[ERR_MAX];

	(void)state;
	fixture_shard(test_path(folder, "a.h5"), &small, 0);
	sleep(1); /* a time of day in the file would differ now */
	fixture_shard(test_path(folder, "another name.h5"), &small, 0);
	assert_int_equal(file_read_all(test_path(folder, "a.h5"), 1 << 20, &a, &an, err), 0);
	assert_int_equal(
		file_read_all(test_path(folder, "another name.h5"), 1 << 20, &b, &bn, err), 0);
	assert_int_equal(an, bn);
	assert_memory_equal(a, b, an);
	xfree(a);
	xfree(b);
}

static void a_cut_file_is_named(void **state)
{
	const char *folder = test_folder(), *whole = test_path(folder, "a.h5"),
		   *cut = test_path(folder, "cut.h5");
	char err[ERR_MAX];
	long n;

	(void)state;
	fixture_shard(whole, &small, 0);
	n = fixture_bytes(whole);
	for (long size = 0; size < n; size += size + 97 < n ? 97 : 1) {
		fixture_copy(cut, whole);
		fixture_truncate(cut, size);
		assert_null(shard_open(cut, err));
		assert_says(err, cut);
		assert_says(err, "pack the data set again");
	}
}

/* All that a reader gets from a shard, as one checksum; 0 when a record cannot be read. */
static uint32_t content(const struct shard *s)
{
	uint8_t *bytes = NULL;
	size_t capacity = 0;
	uint32_t crc = crc32c(0, "x", (size_t)shard_has_masks(s));
	char err[ERR_MAX];

	for (uint32_t i = 0; i < shard_count(s); i++) {
		const int32_t *labels;
		int n = shard_labels(s, i, &labels), size[2];
		float foreground;
		long k = shard_read(s, i, &bytes, &capacity, err);

		crc = k < 0 ? 0 : crc32c(crc, bytes, (size_t)k);
		crc = crc32c(crc, labels, (size_t)n * sizeof *labels);
		shard_size(s, i, &size[0], &size[1]);
		crc = crc32c(crc, size, sizeof size);
		crc = crc32c(crc, shard_key(s, i), strlen(shard_key(s, i)) + 1);
		if (k >= 0)
			k = shard_read_mask(s, i, &bytes, &capacity, &foreground, err);
		if (k < 0) {
			assert_says(err, shard_path(s));
			assert_says(err, "record");
			crc = 0;
			break;
		}
		crc = crc32c(crc, bytes, (size_t)k);
		crc = crc32c(crc, &foreground, sizeof foreground);
	}
	xfree(bytes);
	return crc;
}

/* Whichever byte is damaged: the shard does not open, or a record does not read, or it was a byte
 * that matters not to any record (a name, padding). */
static void no_damaged_byte_gets_through(void **state)
{
	const char *path = test_path(test_folder(), "a.h5");
	struct shard *s;
	uint32_t sound;
	char err[ERR_MAX];
	long n, refused = 0, records = 0;

	(void)state;
	fixture_shard(path, &(struct fixture){ .shards = 1, .per_shard = 3, .masks = 1 }, 0);
	s = open_sound(path);
	sound = content(s);
	assert_int_not_equal(sound, 0);
	shard_close(s);
	n = fixture_bytes(path);
	for (long at = 0; at < n; at++) {
		fixture_flip(path, at);
		s = shard_open(path, err);
		if (s) {
			uint32_t found = content(s);

			if (found != 0)
				assert_int_equal(found, sound);
			records += found == 0;
		} else {
			assert_says(err, path);
			refused++;
		}
		shard_close(s);
		fixture_flip(path, at);
	}
	assert_true(records > 500); /* there are that many bytes of images and masks */
	assert_true(refused > 500);
}

static void what_is_no_shard_is_refused(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a.h5");
	char err[ERR_MAX], bytes[5000];

	(void)state;
	assert_null(shard_open(path, err));
	assert_says(err, "No such file");
	assert_null(shard_open(folder, err));
	assert_says(err, "not a regular file");
	memset(bytes, 'x', sizeof bytes);
	assert_int_equal(file_write_atomic(path, bytes, sizeof bytes, err), 0);
	assert_null(shard_open(path, err));
	assert_says(err, "not a whole HDF5 file");
	memcpy(bytes, "\x89HDF\r\n\x1a\n", 8);
	assert_int_equal(file_write_atomic(path, bytes, sizeof bytes, err), 0);
	assert_null(shard_open(path, err));
	assert_says(err, "not a whole HDF5 file");
}

/* One record of 40 bytes that are no JPEG: a shard asks not. */
static int plain_record(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX])
{
	static const uint8_t bytes[40] = { 1, 2, 3 };

	if (i == *(const uint32_t *)arg)
		return fail(err, "record %u is not to be had", i);
	*r = (struct shard_record){
		.jpeg = bytes, .bytes = sizeof bytes, .width = 3, .height = 2, .key = "k"
	};
	return 0;
}

static void classes_may_be_many_or_none(void **state)
{
	const char *path = test_path(test_folder(), "a.h5");
	enum { MANY = 20000 };
	char **names = xcalloc(MANY, sizeof *names), err[ERR_MAX] = "";
	uint32_t never = ~0u;
	struct shard *s;

	(void)state;
	for (int i = 0; i < MANY; i++)
		names[i] = xasprintf("class number %d", i);
	for (int count = 0; count <= MANY; count += MANY) {
		struct shard_meta meta = { "n", "s", (const char *const *)names, count, 0, 1, 0 };

		assert_int_equal(shard_write(path, &meta, 2, 80, 0, plain_record, &never, err), 0);
		s = open_sound(path);
		assert_int_equal(shard_class_count(s), count);
		assert_false(shard_has_masks(s));
		if (count > 0)
			assert_string_equal(shard_class(s, MANY - 1), "class number 19999");
		shard_close(s);
	}
	for (int i = 0; i < MANY; i++)
		xfree(names[i]);
	xfree(names);
}

static int entries(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void giving_up_leaves_nothing(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a.h5");
	const struct shard_meta meta = { "n", "s", NULL, 0, 0, 1, 0 };
	uint32_t last = 1;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(shard_write(path, &meta, 2, 80, 0, plain_record, &last, err), -1);
	assert_says(err, "record 1 is not to be had");
	assert_int_equal(entries(folder), 0);
	assert_int_equal(
		shard_write("/nowhere/a.h5", &meta, 2, 80, 0, plain_record, &last, err), -1);
	assert_says(err, "/nowhere/a.h5");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(what_is_written_is_read),
	cmocka_unit_test(a_shard_is_read_from_a_copy),
	cmocka_unit_test(the_same_records_give_the_same_bytes),
	cmocka_unit_test(a_cut_file_is_named),
	cmocka_unit_test(no_damaged_byte_gets_through),
	cmocka_unit_test(what_is_no_shard_is_refused),
	cmocka_unit_test(classes_may_be_many_or_none),
	cmocka_unit_test(giving_up_leaves_nothing),
};
TEST_MAIN(cases)
