/* Packing from a folder and from a manifest, as a reader then finds it. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data_fixture.h"
#include "pack.h"

/* A folder of its own for each case. */
struct place {
	char source[256], out[256], masks[256];
};

static struct place make_place(const char *name)
{
	struct place p;

	snprintf(p.source, sizeof p.source, "%s/%s-in", test_folder(), name);
	snprintf(p.out, sizeof p.out, "%s/%s-out", test_folder(), name);
	snprintf(p.masks, sizeof p.masks, "%s/%s-masks", test_folder(), name);
	return p;
}

static char *make_parents(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name), *slash, err[ERR_MAX];

	for (slash = path + strlen(folder); (slash = strchr(slash + 1, '/'));) {
		*slash = 0;
		assert_int_equal(file_make_folder(path, err), 0);
		*slash = '/';
	}
	assert_int_equal(file_make_folder(folder, err), 0);
	return path;
}

static void put_file(const char *folder, const char *name, const void *bytes, size_t n)
{
	char *path = make_parents(folder, name), err[ERR_MAX];

	assert_int_equal(file_write_atomic(path, bytes, n, err), 0);
	xfree(path);
}

static void put_image(const char *folder, const char *name, int number)
{
	struct image m = fixture_image((uint32_t)number, 20 + number % 5, 16);
	uint8_t *bytes;
	char err[ERR_MAX];
	size_t n;

	assert_int_equal(jpeg_encode(&bytes, &n, &m, 90, err), 0);
	put_file(folder, name, bytes, n);
	xfree(bytes);
	image_free(&m);
}

static struct pack_options options_of(const char *const *source, const struct place *p)
{
	return (struct pack_options){ .input = { .sources = source, .source_count = 1 },
		.out = p->out,
		.name = "unit",
		.split = "train",
		.shards = 2,
		.threads = 2,
		.max_rejected = 0.5 };
}

static struct dataset *pack_and_open(const struct pack_options *o)
{
	struct pack_outcome outcome;
	char err[ERR_MAX] = "";
	struct dataset *d;

	if (pack_run(o, &outcome, err) != 0)
		print_error("%s\n", err);
	d = dataset_open(o->out, err);
	assert_non_null(d);
	assert_int_equal(outcome.images, d->images);
	return d;
}

static void assert_fails(const struct pack_options *o, const char *word)
{
	struct pack_outcome outcome;
	char err[ERR_MAX] = "", index[300];

	assert_int_equal(pack_run(o, &outcome, err), -1);
	assert_says(err, word);
	snprintf(index, sizeof index, "%s/index.json", o->out);
	assert_false(file_exists(index));
}

/* Number of the image with this key, or -1. */
static int64_t find(const struct dataset *d, const char *key)
{
	for (uint64_t i = 0; i < d->images; i++) {
		uint32_t r;
		const struct shard *s = dataset_find(d, i, &r);

		if (strcmp(shard_key(s, r), key) == 0)
			return (int64_t)i;
	}
	return -1;
}

/* All labels of the image with this key, as "1,2". */
static const char *labels_of(const struct dataset *d, const char *key)
{
	static char text[64];
	uint32_t r;
	int64_t i = find(d, key);
	const struct shard *s;
	const int32_t *labels;
	int n;

	assert_true(i >= 0);
	text[0] = 0;
	s = dataset_find(d, (uint64_t)i, &r);
	n = shard_labels(s, r, &labels);
	for (int k = 0; k < n; k++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", k ? "," : "",
			labels[k]);
	return text;
}

static void a_folder_s_classes_are_its_first_level(void **state)
{
	struct place p = make_place("tree");
	const char *const source = p.source;
	struct pack_options o = options_of(&source, &p);
	struct dataset *d;

	(void)state;
	put_image(p.source, "b/x.jpg", 1);
	put_image(p.source, "b-b/y.JPEG", 2);
	put_image(p.source, "a/deep/er/z.jpg", 3);
	put_image(p.source, "top.jpg", 4);
	put_file(p.source, "c/notes.txt", "no image", 8);
	put_file(p.source, ".hidden/x.jpg", "no image", 8);
	put_file(p.source, "b/._x.jpg", "no image", 8);
	d = pack_and_open(&o);
	assert_int_equal(d->images, 4);
	assert_int_equal(d->class_count, 4);
	assert_string_equal(shard_class(d->shards[0], 1), "b");
	assert_string_equal(shard_class(d->shards[0], 3), "c");
	assert_string_equal(labels_of(d, "a/deep/er/z.jpg"), "0");
	assert_string_equal(labels_of(d, "b/x.jpg"), "1");
	assert_string_equal(labels_of(d, "b-b/y.JPEG"), "2");
	assert_string_equal(labels_of(d, "top.jpg"), "");
	dataset_close(d);
}

static void images_go_round_the_shards(void **state)
{
	struct place p = make_place("round");
	const char *const source = p.source;
	struct pack_options o = options_of(&source, &p);
	struct dataset *d;

	(void)state;
	o.shards = 3;
	for (int i = 0; i < 11; i++) {
		char name[32];

		snprintf(name, sizeof name, "k/%02d.jpg", i);
		put_image(p.source, name, i);
	}
	d = pack_and_open(&o);
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

static void a_manifest_gives_labels_and_masks(void **state)
{
	static const char list[] = "p/1.jpg\tcat,dog\tm/1.png\np/2.jpg\tdog\np/3.jpg\np/4.jpg\t\tm/"
				   "none.png\np/1.jpg\tcat\n"
				   "p/lost.jpg\tcat\n";
	struct place p = make_place("manifest");
	char path[300];
	const char *const source = path;
	struct pack_options o = options_of(&source, &p);
	uint8_t grey[16 * 21] = { 0 }, *bits = NULL;
	struct dataset *d;
	unsigned char *rejected;
	char err[ERR_MAX], *mask;
	size_t capacity = 0, n;
	uint32_t r;
	const struct shard *s;
	float foreground;

	(void)state;
	for (int i = 0; i < 21; i++)
		grey[21 * 5 + i] = 200; /* one row of 16 */
	for (int i = 1; i <= 4; i++) {
		snprintf(path, sizeof path, "p/%d.jpg", i);
		put_image(p.source, path, i); /* 21, 22, 23, 24 wide */
	}
	mask = make_parents(p.source, "m/1.png");
	assert_int_equal(png_write(mask, grey, 21, 16, 1, err), 0);
	xfree(mask);
	put_file(p.source, "list.tsv", list, sizeof list - 1);
	snprintf(path, sizeof path, "%s/list.tsv", p.source);
	d = pack_and_open(&o);
	assert_int_equal(d->images, 3);
	assert_string_equal(labels_of(d, "p/1.jpg"), "0,1");
	assert_string_equal(labels_of(d, "p/2.jpg"), "1");
	assert_string_equal(labels_of(d, "p/3.jpg"), "");
	s = dataset_find(d, (uint64_t)find(d, "p/1.jpg"), &r);
	assert_int_equal(shard_read_mask(s, r, &bits, &capacity, &foreground, err), 3 * 16);
	assert_close(foreground, 1.0 / 16, 1e-7);
	for (int i = 0; i < 3 * 16; i++)
		assert_int_equal(bits[i], i / 3 != 5 ? 0 : i % 3 < 2 ? 0xff : 0xf8);
	s = dataset_find(d, (uint64_t)find(d, "p/2.jpg"), &r);
	assert_int_equal(shard_read_mask(s, r, &bits, &capacity, &foreground, err), 0);
	xfree(bits);
	dataset_close(d);
	snprintf(path, sizeof path, "%s/rejected.tsv", p.out);
	assert_int_equal(file_read_all(path, 1 << 20, &rejected, &n, err), 0);
	assert_says((char *)rejected, "p/4.jpg\tmask");
	assert_says((char *)rejected, "p/1.jpg\tthe source has this key twice");
	assert_says((char *)rejected, "p/lost.jpg\t");
	assert_says((char *)rejected, "No such file");
	xfree(rejected);
}

static void a_label_file_replaces_the_folders(void **state)
{
	static const char labels[] = "f/1.jpg\t7\nf/2.jpg\t2,7\nf/gone.jpg\t1\n";
	struct place p = make_place("labels");
	const char *const source = p.source;
	struct pack_options o = options_of(&source, &p);
	char path[300], err[ERR_MAX];
	unsigned char *rejected;
	struct dataset *d;
	size_t n;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		snprintf(path, sizeof path, "f/%d.jpg", i);
		put_image(p.source, path, i);
	}
	put_file(p.masks, "labels.txt", labels, sizeof labels - 1);
	snprintf(path, sizeof path, "%s/labels.txt", p.masks);
	o.input.labels = path;
	d = pack_and_open(&o);
	assert_int_equal(d->class_count, 8);
	assert_string_equal(labels_of(d, "f/1.jpg"), "7");
	assert_string_equal(labels_of(d, "f/2.jpg"), "2,7");
	assert_string_equal(labels_of(d, "f/3.jpg"), "");
	dataset_close(d);
	snprintf(path, sizeof path, "%s/rejected.tsv", p.out);
	assert_int_equal(file_read_all(path, 1 << 20, &rejected, &n, err), 0);
	assert_string_equal(
		(char *)rejected, "f/gone.jpg\tnamed in the label file, but not in the source\n");
	xfree(rejected);
}

static void too_many_rejected_fails_and_goes_on_when_mended(void **state)
{
	struct place p = make_place("rejected");
	const char *const source = p.source;
	struct pack_options o = options_of(&source, &p);
	struct pack_outcome outcome;
	char err[ERR_MAX] = "", path[300];

	(void)state;
	o.max_rejected = 0.01;
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof path, "k/%02d.jpg", i);
		put_image(p.source, path, i);
	}
	put_file(p.source, "k/30.jpg", "", 0);
	assert_fails(&o, "1 of 60 images were rejected, 1.67 %");
	snprintf(path, sizeof path, "%s/rejected.tsv", p.out);
	assert_true(file_exists(path));
	put_image(p.source, "k/30.jpg", 30); /* mended: only it and what follows are packed again */
	assert_int_equal(pack_run(&o, &outcome, err), 0);
	assert_int_equal(outcome.images, 60);
	assert_int_equal(outcome.rejected, 0);
	assert_int_equal(pack_run(&o, &outcome, err), 0);
	assert_true(outcome.was_there);
	o.max_side = 10;
	assert_int_equal(pack_run(&o, &outcome, err), -1);
	assert_says(err, "finished data set");
}

static void wrong_calls_are_refused(void **state)
{
	struct place p = make_place("wrong"), other = make_place("other");
	const char *source[2] = { p.source, p.source };
	struct pack_options o = options_of(source, &p);
	char inside[300], err[ERR_MAX];

	(void)state;
	assert_fails(&o, "not there");
	assert_int_equal(file_make_folder(p.source, err), 0);
	assert_fails(&o, "holds no file");
	put_image(p.source, "k/1.jpg", 1);
	assert_fails(&o, "too few for 2 shards");
	put_image(p.source, "k/2.jpg", 1);
	o.input.source_count = 2;
	assert_fails(&o, "several sources");
	o.input.source_count = 1;
	o.input.masks = other.masks;
	assert_fails(&o, "masks is not there");
	o.input.masks = NULL;
	snprintf(inside, sizeof inside, "%s/k", p.source);
	o.out = inside;
	assert_fails(&o, "inside the source");
	put_file(p.out, "thesis.txt", "x", 1);
	o.out = p.out;
	assert_fails(&o, "thesis.txt");
	source[0] = "picture.gif";
	assert_fails(&o, "not there");
}

static void the_default_of_shards_fits_few_images(void **state)
{
	struct place p = make_place("few");
	const char *const source = p.source;
	struct pack_options o = options_of(&source, &p);
	struct dataset *d;

	(void)state;
	o.shards = 0;
	for (int i = 0; i < 5; i++) {
		char name[32];

		snprintf(name, sizeof name, "k/%02d.jpg", i);
		put_image(p.source, name, i);
	}
	put_file(p.source, "k/02.jpg", "garbage", 7);
	d = pack_and_open(&o);
	assert_int_equal(d->shard_count, 4);
	assert_int_equal(d->images, 4);
	dataset_close(d);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_folder_s_classes_are_its_first_level),
	cmocka_unit_test(images_go_round_the_shards),
	cmocka_unit_test(a_manifest_gives_labels_and_masks),
	cmocka_unit_test(a_label_file_replaces_the_folders),
	cmocka_unit_test(too_many_rejected_fails_and_goes_on_when_mended),
	cmocka_unit_test(wrong_calls_are_refused),
	cmocka_unit_test(the_default_of_shards_fits_few_images),
};
TEST_MAIN(cases)
