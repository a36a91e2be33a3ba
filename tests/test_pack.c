/* Packing from a folder, as a reader then finds it; calls that are refused. */
#include "test.h"

#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "pack_fixture.h"

static void a_folder_s_classes_are_its_first_level(void **state)
{
	struct pack_place p = fixture_place("tree");
	const char *const source = p.source;
	struct pack_options o = fixture_options(&source, &p);
	struct dataset *d;

	(void)state;
	fixture_put_image(p.source, "b/x.jpg", 1);
	fixture_put_image(p.source, "b-b/y.JPEG", 2);
	fixture_put_image(p.source, "a/deep/er/z.jpg", 3);
	fixture_put_image(p.source, "top.jpg", 4);
	fixture_put(p.source, "c/notes.txt", "no image", 8);
	fixture_put(p.source, ".hidden/x.jpg", "no image", 8);
	fixture_put(p.source, "b/._x.jpg", "no image", 8);
	d = fixture_pack(&o);
	assert_int_equal(d->images, 4);
	assert_int_equal(d->class_count, 4);
	assert_string_equal(shard_class(d->shards[0], 1), "b");
	assert_string_equal(shard_class(d->shards[0], 3), "c");
	assert_string_equal(fixture_labels(d, "a/deep/er/z.jpg"), "0");
	assert_string_equal(fixture_labels(d, "b/x.jpg"), "1");
	assert_string_equal(fixture_labels(d, "b-b/y.JPEG"), "2");
	assert_string_equal(fixture_labels(d, "top.jpg"), "");
	dataset_close(d);
}

static void images_go_round_the_shards(void **state)
{
	struct pack_place p = fixture_place("round");
	const char *const source = p.source;
	struct pack_options o = fixture_options(&source, &p);
	struct dataset *d;

	(void)state;
	o.shards = 3;
	for (int i = 0; i < 11; i++) {
		char name[32];

		snprintf(name, sizeof name, "k/%02d.jpg", i);
		fixture_put_image(p.source, name, i);
	}
	d = fixture_pack(&o);
	assert_int_equal(shard_count(d->shards[0]), 4);
	assert_int_equal(shard_count(d->shards[1]), 4);
	assert_int_equal(shard_count(d->shards[2]), 3);
	for (int i = 0; i < 11; i++) {
		char name[32], path[300], err[ERR_MAX];
		uint8_t *packed = NULL;
		unsigned char *file;
		size_t capacity = 0, n;

		snprintf(name, sizeof name, "k/%02d.jpg", i);
		snprintf(path, sizeof path, "%s/%s", p.source, name);
		assert_string_equal(shard_key(d->shards[i % 3], (uint32_t)i / 3), name);
		assert_int_equal(file_read_all(path, 1 << 20, &file, &n, err), 0);
		assert_int_equal(
			shard_read(d->shards[i % 3], (uint32_t)i / 3, &packed, &capacity, err), n);
		assert_memory_equal(packed, file, n);
		xfree(packed);
		xfree(file);
	}
	dataset_close(d);
}

static void wrong_calls_are_refused(void **state)
{
	struct pack_place p = fixture_place("wrong"), other = fixture_place("other");
	const char *source[2] = { p.source, p.source };
	struct pack_options o = fixture_options(source, &p);
	char inside[300], err[ERR_MAX];

	(void)state;
	fixture_pack_fails(&o, "not there");
	assert_int_equal(file_make_folder(p.source, err), 0);
	fixture_pack_fails(&o, "holds no file");
	fixture_put_image(p.source, "k/1.jpg", 1);
	fixture_pack_fails(&o, "too few for 2 shards");
	fixture_put_image(p.source, "k/2.jpg", 1);
	o.input.source_count = 2;
	fixture_pack_fails(&o, "several sources");
	o.input.source_count = 1;
	o.input.masks = other.masks;
	fixture_pack_fails(&o, "masks is not there");
	o.input.masks = NULL;
	snprintf(inside, sizeof inside, "%s/k", p.source);
	o.out = inside;
	fixture_pack_fails(&o, "inside the source");
	fixture_put(p.out, "thesis.txt", "x", 1);
	o.out = p.out;
	fixture_pack_fails(&o, "thesis.txt");
	source[0] = "picture.gif";
	fixture_pack_fails(&o, "not there");
}

static void the_default_of_shards_fits_few_images(void **state)
{
	struct pack_place p = fixture_place("few");
	const char *const source = p.source;
	struct pack_options o = fixture_options(&source, &p);
	struct dataset *d;

	(void)state;
	o.shards = 0;
	for (int i = 0; i < 5; i++) {
		char name[32];

		snprintf(name, sizeof name, "k/%02d.jpg", i);
		fixture_put_image(p.source, name, i);
	}
	fixture_put(p.source, "k/02.jpg", "garbage", 7);
	d = fixture_pack(&o);
	assert_int_equal(d->shard_count, 4);
	assert_int_equal(d->images, 4);
	dataset_close(d);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_folder_s_classes_are_its_first_level),
	cmocka_unit_test(images_go_round_the_shards),
	cmocka_unit_test(wrong_calls_are_refused),
	cmocka_unit_test(the_default_of_shards_fits_few_images),
};
TEST_MAIN(cases)
