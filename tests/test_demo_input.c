/* The demo data: what is there already, what is missing, and what cannot be used. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "demo_fixture.h"

static void finished_set_is_left_alone(void **state)
{
	struct demo_options o = demo_photographs();
	char *path = demo_image_path(&o, DEMO_TRAIN, 3);

	(void)state;
	demo_make_here(&o);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(test_path(o.stamps, "background-0.jpg")),
		0); /* nor are the photographs needed */
	demo_make_here(&o);
	assert_false(file_exists(path));
	o.look.seed = 9;
	demo_refuse(&o, "other options");
	demo_refuse(&o, o.out);
	xfree(path);
	demo_forget(&o);
}

static int is_jpeg(const char *path)
{
	char err[ERR_MAX];
	uint8_t *bytes;
	size_t n;
	int rc;

	assert_int_equal(file_read_all(path, 1 << 20, &bytes, &n, err), 0);
	rc = image_kind(bytes, n) == IMAGE_JPEG;
	xfree(bytes);
	return rc;
}

static void unfinished_set_is_made_again(void **state)
{
	struct demo_options o = demo_photographs();
	char *path = demo_image_path(&o, DEMO_TRAIN, 3), *leftover = xasprintf("%s.tmp-1", path);
	const char *stamp = test_path(o.out, "demo.json"),
		   *marker = test_path(o.out, "demo.json.unfinished");

	(void)state;
	demo_make_here(&o);
	assert_false(file_exists(marker));
	assert_int_equal(rename(stamp, marker), 0); /* as a run that was killed leaves it */
	demo_write_text(path, "half");
	demo_write_text(leftover, "half");
	demo_make_here(&o);
	assert_false(file_exists(leftover));
	assert_false(file_exists(marker));
	assert_true(file_exists(stamp));
	assert_true(is_jpeg(path));
	xfree(path);
	xfree(leftover);
	demo_forget(&o);
}

static void other_folders_are_not_touched(void **state)
{
	struct demo_options o = demo_photographs();
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(file_make_folder(o.out, err), 0);
	demo_write_text(test_path(o.out, "letter.txt"), "dear reader");
	demo_refuse(&o, o.out);
	assert_int_equal(demo_count_files(o.out), 1);
	demo_forget(&o);
}

/* ---- bad input ---- */

static void missing_photographs_are_named(void **state)
{
	struct demo_options o = demo_photographs();

	(void)state;
	unlink(test_path(o.stamps, "background-2.jpg")); /* no package brings it */
	demo_refuse(&o, "background-2.jpg");
	unlink(test_path(o.stamps, "background-3.jpg"));
	demo_refuse(&o, "apt-get install some-package");
	unlink(test_path(o.stamps, "bee-1.png"));
	demo_refuse(&o, "tuxpaint-stamps-default");
	demo_refuse(&o, "some-package");
	assert_false(file_exists(o.out));
	demo_forget(&o);
}

static void unusable_photographs_are_named(void **state)
{
	struct demo_options o = demo_photographs();
	uint8_t clear[16 * 16 * 4] = { 0 };
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(png_write(test_path(o.stamps, "cat-2.png"), clear, 16, 16, 4, err), 0);
	demo_refuse(&o, "cat-2.png: wholly transparent");
	demo_write_text(test_path(o.stamps, "cat-2.png"), "not a picture");
	demo_refuse(&o, "cat-2.png");
	assert_false(file_exists(o.out));
	demo_forget(&o);
	o = demo_photographs();
	demo_write_text(test_path(o.stamps, "background-5.jpg"), "not a picture");
	demo_refuse(&o, "background-5.jpg: neither a JPEG nor a PNG");
	demo_forget(&o);
}

static void bad_lists_are_refused(void **state)
{
	static const struct {
		const char *objects, *backgrounds, *word;
	} v[] = {
		{ "ant ant-0.png\n", NULL, "line 1: expected a class, one tab" },
		{ "# nothing\n\n", NULL, "lists no file" },
		{ "../ant\tant-0.png\n", NULL, "class '../ant'" },
		{ "ant\tant-0.png\nant\tant-1.png\n# again\nant\tant-0.png\n", NULL,
			"line 4: ant-0.png is listed twice (line 1)" },
		{ "ant\tant-0.png\nant\tant-1.png\nant\tant-2.png\n", NULL,
			"class ant has 3 objects" },
		{ NULL, "background-0.jpg\nbackground-1.jpg\n", "2 backgrounds; at least 4" },
		{ NULL, "background-0.jpg\nbackground-0.jpg\tx\n", "listed twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct demo_options o = demo_photographs();

		if (v[i].objects)
			demo_write_text(o.objects, v[i].objects);
		else
			demo_write_text(o.backgrounds, v[i].backgrounds);
		demo_refuse(&o, v[i].word);
		demo_refuse(&o, v[i].objects ? o.objects : o.backgrounds);
		demo_forget(&o);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(finished_set_is_left_alone),
	cmocka_unit_test(unfinished_set_is_made_again),
	cmocka_unit_test(other_folders_are_not_touched),
	cmocka_unit_test(missing_photographs_are_named),
	cmocka_unit_test(unusable_photographs_are_named),
	cmocka_unit_test(bad_lists_are_refused),
};
TEST_MAIN(cases)
