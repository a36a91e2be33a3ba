/* The demo data: what is in them, and what they depend on. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "demo_fixture.h"

static struct image read_jpeg(const char *path)
{
	struct image image = { 0 };
	char err[ERR_MAX] = "";
	uint8_t *bytes;
	size_t n, capacity = 0;

	assert_int_equal(file_read_all(path, 1 << 20, &bytes, &n, err), 0);
	assert_int_equal(jpeg_decode(&image, &capacity, bytes, n, err), 0);
	xfree(bytes);
	return image;
}

/* Mean colour where the mask and all 24 neighbours are value. */
static void mean_colour(double mean[3], const struct image *image, const uint8_t *mask, int value)
{
	double sum[3] = { 0 };
	int count = 0;

	for (int i = 0; i < SIZE * SIZE; i++) {
		int x = i % SIZE, y = i / SIZE,
		    inside = x > 1 && y > 1 && x < SIZE - 2 && y < SIZE - 2;

		for (int k = 0; inside && k < 25; k++)
			inside = mask[(y + k / 5 - 2) * SIZE + x + k % 5 - 2] == value;
		for (int c = 0; inside && c < 3; c++)
			sum[c] += image->rgb[i * 3 + c];
		count += inside;
	}
	assert_true(count > 20);
	for (int c = 0; c < 3; c++)
		mean[c] = sum[c] / count;
}

static double distance(const double mean[3], const uint8_t colour[3])
{
	double d = 0;

	for (int c = 0; c < 3; c++)
		d += fabs(mean[c] - colour[c]);
	return d;
}

/* Which object and background is that image made of? */
static void recognise(int *class, int *object, int *background, const struct demo_options *o,
	int split, long index)
{
	char *jpeg = demo_image_path(o, split, index), *png = demo_mask_path(o, split, index),
	     err[ERR_MAX];
	struct image image = read_jpeg(jpeg);
	double mean[3], best = 9;
	int width, height;
	uint8_t *mask, rgb[3];

	assert_int_equal(png_read(&mask, &width, &height, 1, png, err), 0);
	assert_true(width == SIZE && height == SIZE && image.width == SIZE && image.height == SIZE);
	*class = *object = *background = -1;
	mean_colour(mean, &image, mask, 255);
	for (int i = 0; i < CLASSES * OBJECTS; i++) {
		demo_object_colour(rgb, i / OBJECTS, i % OBJECTS);
		if (distance(mean, rgb) < best)
			best = distance(mean, rgb), *class = i / OBJECTS, *object = i % OBJECTS;
	}
	best = 20;
	mean_colour(mean, &image, mask, 0);
	for (int i = 0; i < BACKGROUNDS; i++) {
		demo_background_colour(rgb, i);
		if (distance(mean, rgb) < best)
			best = distance(mean, rgb), *background = i;
	}
	assert_true(*object >= 0 && *background >= 0);
	image_free(&image);
	xfree(mask);
	xfree(jpeg);
	xfree(png);
}

static void splits_hold_what_they_should(void **state)
{
	struct demo_options o = demo_photographs();
	int seen[DEMO_SPLITS][CLASSES][OBJECTS] = { 0 }, behind[DEMO_SPLITS][BACKGROUNDS] = { 0 };

	(void)state;
	o.threads = 2;
	demo_make_here(&o);
	for (int split = 0; split < DEMO_SPLITS; split++)
		for (long i = 0; i < o.count[split]; i++) {
			int class, object, background;

			recognise(&class, &object, &background, &o, split, i);
			assert_int_equal(class, demo_class_of(i));
			assert_int_equal(demo_held_out(object), split == DEMO_TEST_OBJECTS);
			assert_int_equal(demo_held_out(background), split != DEMO_TRAIN);
			seen[split][class][object]++;
			behind[split][background]++;
		}
	/* every object in its turn; every background sooner or later */
	for (int class = 0; class < CLASSES; class ++)
		for (int i = 0; i < OBJECTS; i++)
			if (!demo_held_out(i))
				assert_in_range(seen[DEMO_TRAIN][class][i], 3,
					4); /* 15 images of 4 objects */
	for (int i = 0; i < BACKGROUNDS; i++)
		assert_true(
			demo_held_out(i) ? behind[DEMO_TEST][i] > 0 : behind[DEMO_TRAIN][i] > 0);
	demo_forget(&o);
}

static void classes_are_equally_frequent(void **state)
{
	struct demo_options o = demo_photographs();

	(void)state;
	o.count[DEMO_TRAIN] = 10;
	demo_make_here(&o);
	for (int i = 0; i < CLASSES; i++) {
		char *images = xasprintf("%s/train/%s", o.out, demo_class_names[i]);
		char *masks = xasprintf("%s/masks/train/%s", o.out, demo_class_names[i]);

		assert_int_equal(demo_count_files(images), i == 0 ? 4 : 3);
		assert_int_equal(demo_count_files(masks), i == 0 ? 4 : 3);
		xfree(images);
		xfree(masks);
	}
	demo_forget(&o);
}

static int same_file(const char *a, const char *b)
{
	unsigned char *x, *y;
	char err[ERR_MAX];
	size_t n, m;
	int same;

	assert_int_equal(file_read_all(a, 1 << 20, &x, &n, err), 0);
	assert_int_equal(file_read_all(b, 1 << 20, &y, &m, err), 0);
	same = n == m && memcmp(x, y, n) == 0;
	xfree(x);
	xfree(y);
	return same;
}

/* How many of the first images of all splits are the same in both sets; masks must agree where
 * images do. */
static int count_same(const struct demo_options *a, const struct demo_options *b, int first)
{
	int same = 0;

	for (int split = 0; split < DEMO_SPLITS; split++)
		for (long i = 0; i < first; i++) {
			char *x = demo_image_path(a, split, i), *y = demo_image_path(b, split, i);
			char *p = demo_mask_path(a, split, i), *q = demo_mask_path(b, split, i);

			if (same_file(x, y)) {
				assert_true(same_file(p, q));
				same++;
			}
			xfree(x);
			xfree(y);
			xfree(p);
			xfree(q);
		}
	return same;
}

static void seed_alone_decides(void **state)
{
	struct demo_options a = demo_photographs(), b = a, c = a, d = a;

	(void)state;
	b.out = test_path(a.stamps, "threads");
	b.threads = 3;
	c.out = test_path(a.stamps, "more");
	c.count[DEMO_TRAIN] = 60;
	d.out = test_path(a.stamps, "seed");
	d.look.seed = 2;
	demo_make_here(&a);
	demo_make_here(&b);
	demo_make_here(&c);
	demo_make_here(&d);
	assert_int_equal(count_same(&a, &b, 12), 36);
	assert_int_equal(count_same(&a, &c, 12), 36); /* nor does the number of images */
	assert_int_equal(count_same(&a, &d, 12), 0);
	demo_forget(&a);
}

/* White on black: the picture is alpha itself. */
static void mask_is_where_alpha_is_over_half(void **state)
{
	uint8_t rgba[STAMP * STAMP * 4], black[64 * 64 * 3] = { 0 }, rgb[SIZE * SIZE * 3],
							 mask[SIZE * SIZE];
	struct cutout cutout = { STAMP, STAMP, rgba };
	struct image photo = { .width = 64, .height = 64, .rgb = black };
	struct demo_library lib = { .cutouts = { &cutout }, .photos = { &photo } };
	struct demo_scene scene = { .crop = { 2, 3, 50, 50 }, .pose = { 25, 22, 1.1, 0.4, 0 } };
	int soft = 0, covered = 0;

	(void)state;
	for (int i = 0; i < STAMP * STAMP; i++) {
		memset(rgba + i * 4, 255, 3);
		rgba[i * 4 + 3] = (uint8_t)(i % STAMP * 255 / (STAMP - 1));
	}
	demo_scene_paint(rgb, mask, &lib, &scene, DEMO_TRAIN, SIZE);
	for (int i = 0; i < SIZE * SIZE; i++) {
		/* alpha of exactly one half is 127.5, rounded up to 128 */
		assert_true(mask[i] == 255 ? rgb[i * 3] >= 128 : mask[i] == 0 && rgb[i * 3] <= 128);
		soft += rgb[i * 3] > 20 && rgb[i * 3] < 235;
		covered += mask[i] == 255;
	}
	assert_true(soft > 200);
	assert_in_range(covered, 600, 1000); /* about half of 44 x 44, less what is outside */
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(splits_hold_what_they_should),
	cmocka_unit_test(classes_are_equally_frequent),
	cmocka_unit_test(seed_alone_decides),
	cmocka_unit_test(mask_is_where_alpha_is_over_half),
};
TEST_MAIN(cases)
