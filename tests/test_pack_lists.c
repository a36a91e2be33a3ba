/* Packing by lists: a manifest, a file of labels, and the list of what was rejected. */
#include "test.h"

#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/png.h"
#include "pack_fixture.h"

static void a_manifest_gives_labels_and_masks(void **state)
{
	static const char list[] = "p/1.jpg\tcat,dog\tm/1.png\np/2.jpg\tdog\np/3.jpg\np/4.jpg\t\tm/"
				   "none.png\np/1.jpg\tcat\n"
				   "p/lost.jpg\tcat\n";
	struct pack_place p = fixture_place("manifest");
	char path[300];
	const char *const source = path;
	struct pack_options o = fixture_options(&source, &p);
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
		fixture_put_image(p.source, path, i); /* 21, 22, 23, 24 wide */
	}
	mask = fixture_parents(p.source, "m/1.png");
	assert_int_equal(png_write(mask, grey, 21, 16, 1, err), 0);
	xfree(mask);
	fixture_put(p.source, "list.tsv", list, sizeof list - 1);
	snprintf(path, sizeof path, "%s/list.tsv", p.source);
	d = fixture_pack(&o);
	assert_int_equal(d->images, 3);
	assert_string_equal(fixture_labels(d, "p/1.jpg"), "0,1");
	assert_string_equal(fixture_labels(d, "p/2.jpg"), "1");
	assert_string_equal(fixture_labels(d, "p/3.jpg"), "");
	s = dataset_find(d, (uint64_t)fixture_find(d, "p/1.jpg"), &r);
	assert_int_equal(shard_read_mask(s, r, &bits, &capacity, &foreground, err), 3 * 16);
	assert_close(foreground, 1.0 / 16, 1e-7);
	for (int i = 0; i < 3 * 16; i++)
		assert_int_equal(bits[i], i / 3 != 5 ? 0 : i % 3 < 2 ? 0xff : 0xf8);
	s = dataset_find(d, (uint64_t)fixture_find(d, "p/2.jpg"), &r);
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
	struct pack_place p = fixture_place("labels");
	const char *const source = p.source;
	struct pack_options o = fixture_options(&source, &p);
	char path[300], err[ERR_MAX];
	unsigned char *rejected;
	struct dataset *d;
	size_t n;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		snprintf(path, sizeof path, "f/%d.jpg", i);
		fixture_put_image(p.source, path, i);
	}
	fixture_put(p.masks, "labels.txt", labels, sizeof labels - 1);
	snprintf(path, sizeof path, "%s/labels.txt", p.masks);
	o.input.labels = path;
	d = fixture_pack(&o);
	assert_int_equal(d->class_count, 8);
	assert_string_equal(fixture_labels(d, "f/1.jpg"), "7");
	assert_string_equal(fixture_labels(d, "f/2.jpg"), "2,7");
	assert_string_equal(fixture_labels(d, "f/3.jpg"), "");
	dataset_close(d);
	snprintf(path, sizeof path, "%s/rejected.tsv", p.out);
	assert_int_equal(file_read_all(path, 1 << 20, &rejected, &n, err), 0);
	assert_string_equal(
		(char *)rejected, "f/gone.jpg\tnamed in the label file, but not in the source\n");
	xfree(rejected);
}

static void too_many_rejected_fails_and_goes_on_when_mended(void **state)
{
	struct pack_place p = fixture_place("rejected");
	const char *const source = p.source;
	struct pack_options o = fixture_options(&source, &p);
	struct pack_outcome outcome;
	char err[ERR_MAX] = "", path[300];

	(void)state;
	o.max_rejected = 0.01;
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof path, "k/%02d.jpg", i);
		fixture_put_image(p.source, path, i);
	}
	fixture_put(p.source, "k/30.jpg", "", 0);
	fixture_pack_fails(&o, "1 of 60 images were rejected, 1.67 %");
	snprintf(path, sizeof path, "%s/rejected.tsv", p.out);
	assert_true(file_exists(path));
	fixture_put_image(
		p.source, "k/30.jpg", 30); /* mended: only it and what follows are packed again */
	assert_int_equal(pack_run(&o, &outcome, err), 0);
	assert_int_equal(outcome.images, 60);
	assert_int_equal(outcome.rejected, 0);
	assert_int_equal(pack_run(&o, &outcome, err), 0);
	assert_true(outcome.was_there);
	o.max_side = 10;
	assert_int_equal(pack_run(&o, &outcome, err), -1);
	assert_says(err, "finished data set");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_manifest_gives_labels_and_masks),
	cmocka_unit_test(a_label_file_replaces_the_folders),
	cmocka_unit_test(too_many_rejected_fails_and_goes_on_when_mended),
};
TEST_MAIN(cases)
