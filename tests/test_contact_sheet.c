/* The contact sheet's pixels against the views themselves, and what it says of bad input. */
#include "test.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "contact_record.h"
#include "data/dataset.h"
#include "nn/backend.h"
#include "sheet_fixture.h"

static const struct fixture masked = { .shards = 2, .per_shard = 6, .masks = 1, .big = 1 };

/* View v of an image as the back end makes it, straight from the contract: epoch, seed, number of
 * the image. */
static void make_view(float *out, const struct config *c, const struct image *image, int64_t epoch,
	uint64_t id, int v)
{
	char err[ERR_MAX];
	const struct device_options options = { .threads = 1 };
	struct device *dev = backend_cpu.open(&options, err);
	struct view_params p;
	struct recipe r;

	assert_non_null(dev);
	recipe_init(&r, c);
	view_draw(&p, &r.view[v], (uint64_t)c->train.seed, epoch, id, v, image->width,
		image->height, image->foreground);
	backend_cpu.images(dev, 0, image, 1);
	backend_cpu.views(dev, out, 0, &p, 1, 0);
	backend_cpu.close(dev);
}

static void check_view(const struct sheet_picture *p, const struct contact_sheet_layout *l, int row,
	int column, const float *view, int size)
{
	static const double mean[3] = { 0.485, 0.456, 0.406 },
			    deviation[3] = { 0.229, 0.224, 0.225 };

	for (int i = 0; i < size * size * l->zoom * l->zoom; i++) {
		int x = i % (size * l->zoom), y = i / (size * l->zoom);
		const uint8_t *shown =
			sheet_pixel(p, l->x[column] + x, l->top + row * l->pitch + y);
		const float *fed = view + (y / l->zoom * size + x / l->zoom) * 3;

		for (int c = 0; c < 3; c++) /* half a step of rounding */
			assert_close(shown[c], 255 * (fed[c] * deviation[c] + mean[c]), 0.5 + 1e-3);
	}
}

static void views_are_those_the_network_gets(void **state)
{
	struct contact_sheet_options o = sheet_options(&masked);
	struct config c = sheet_config();
	struct sheet_picture p = sheet_draw(&o, &c);
	float *view = xaligned(33 * 33 * 3 * sizeof *view);
	struct contact_sheet_layout l;
	char err[ERR_MAX];
	struct dataset *d = dataset_open(o.data, err);

	(void)state;
	contact_sheet_lay_out(&l, &c, 1, 4);
	assert_int_equal(l.columns, 7);
	assert_int_equal(p.width, l.width);
	assert_int_equal(p.height, l.height);
	for (int row = 0; row < 4; row++) {
		struct image image = { 0 };
		uint32_t record;
		const struct shard *s = dataset_find(d, (uint64_t)row + 2, &record);

		assert_int_equal(contact_record_read(&image, s, record, err), 0);
		for (int v = 0; v < 5; v++) {
			make_view(view, &c, &image, 3, (uint64_t)row + 2, v);
			check_view(&p, &l, row, 2 + v, view, v < 3 ? 33 : 17);
		}
		image_free(&image);
	}
	dataset_close(d);
	xfree(view);
	xfree(p.rgb);
	config_free(&c);
}

/* Mean of a tile over the part that shows the picture. */
static double tile_mean(const struct sheet_picture *p, const struct contact_sheet_layout *l,
	int row, int column, int channel, int width, int height)
{
	int longest = width > height ? width : height, w = width * l->tile / longest,
	    h = height * l->tile / longest;
	double sum = 0;

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			sum += sheet_pixel(p, l->x[column] + (l->tile - w) / 2 + x,
				l->top + row * l->pitch + (l->tile - h) / 2 + y)[channel];
	return sum / w / h;
}

static void image_and_mask_are_shown_whole(void **state)
{
	struct contact_sheet_options o = sheet_options(&masked);
	struct config c = sheet_config();
	struct contact_sheet_layout l;
	struct sheet_picture p;
	char err[ERR_MAX];
	struct dataset *d = dataset_open(o.data, err);

	(void)state;
	o.first = 0;
	o.images = 12;
	p = sheet_draw(&o, &c);
	contact_sheet_lay_out(&l, &c, 1, 12);
	for (int row = 0; row < 12; row++) {
		struct image image = { 0 };
		uint32_t record;
		const struct shard *s = dataset_find(d, (uint64_t)row, &record);
		double sum = 0, on = 0;

		assert_int_equal(contact_record_read(&image, s, record, err), 0);
		for (int i = 0; i < image.width * image.height; i++) {
			sum += image.rgb[i * 3];
			on += image.mask ? image.mask[i / image.width * ((image.width + 7) / 8) +
						   i % image.width / 8] >>
						(7 - i % image.width % 8) &
					1
					 : 0;
		}
		assert_close(tile_mean(&p, &l, row, 0, 0, image.width, image.height),
			sum / image.width / image.height, 2);
		/* a mask's pixels are enlarged; clipping at black and white keeps the mean of on
		 * and off near */
		if (image.mask)
			assert_close(tile_mean(&p, &l, row, 1, 1, image.width, image.height),
				255 * on / image.width / image.height, 8);
		image_free(&image);
	}
	dataset_close(d);
	xfree(p.rgb);
	config_free(&c);
}

static void margins_are_empty(void **state)
{
	struct contact_sheet_options o = sheet_options(&masked);
	struct config c = sheet_config();
	struct sheet_picture p = sheet_draw(&o, &c);
	struct contact_sheet_layout l;

	(void)state;
	contact_sheet_lay_out(&l, &c, 1, 4);
	for (int y = l.top; y < p.height; y++) {
		assert_int_equal(sheet_pixel(&p, 0, y)[0], sheet_pixel(&p, 0, 0)[0]);
		assert_int_equal(sheet_pixel(&p, l.x[3] - 1, l.top)[1], sheet_pixel(&p, 0, 0)[0]);
		assert_int_equal(sheet_pixel(&p, p.width - 1, y)[2], sheet_pixel(&p, 0, 0)[0]);
	}
	for (int i = 1; i < l.columns; i++)
		assert_true(l.x[i] > l.x[i - 1] + l.column_width[i - 1]);
	assert_true(l.pitch > l.tile && l.x[6] + l.column_width[6] < l.width);
	xfree(p.rgb);
	config_free(&c);
}

static int same(const struct sheet_picture *a, const struct sheet_picture *b)
{
	return a->width == b->width && a->height == b->height &&
		memcmp(a->rgb, b->rgb, (size_t)a->width * (size_t)a->height * 3) == 0;
}

static void epoch_and_seed_decide(void **state)
{
	struct contact_sheet_options o = sheet_options(&masked);
	struct config c = sheet_config();
	struct sheet_picture a = sheet_draw(&o, &c), again = sheet_draw(&o, &c), epoch, seed;

	(void)state;
	o.epoch = 4;
	epoch = sheet_draw(&o, &c);
	o.epoch = 3;
	c.train.seed = 6;
	seed = sheet_draw(&o, &c);
	assert_true(same(&a, &again));
	assert_false(same(&a, &epoch));
	assert_false(same(&a, &seed));
	xfree(a.rgb);
	xfree(again.rgb);
	xfree(epoch.rgb);
	xfree(seed.rgb);
	config_free(&c);
}

/* Without masks there is no column for them; without -1 rows stop at the last image. */
static void rows_and_columns_follow_the_data(void **state)
{
	static const struct fixture plain = { .shards = 1, .per_shard = 5 };
	struct contact_sheet_options o = sheet_options(&plain);
	struct config c = sheet_config();
	struct contact_sheet_layout l;
	struct sheet_picture p;

	(void)state;
	o.images = 100;
	p = sheet_draw(&o, &c);
	contact_sheet_lay_out(&l, &c, 0, 3);
	assert_int_equal(l.columns, 6);
	assert_int_equal(p.width, l.width);
	assert_int_equal(p.height, l.height);
	xfree(p.rgb);
	o.first = -1;
	p = sheet_draw(&o, &c);
	contact_sheet_lay_out(&l, &c, 0, 5);
	assert_int_equal(p.height, l.height);
	xfree(p.rgb);
	config_free(&c);
}

/* Flip a byte in the middle of a record's JPEG. */
static void spoil(const char *path, uint32_t record)
{
	char err[ERR_MAX];
	struct shard *s = shard_open(path, err);
	uint8_t *file, *jpeg = NULL, *found;
	size_t n, capacity = 0;
	long bytes = shard_read(s, record, &jpeg, &capacity, err);

	assert_true(bytes > 0);
	assert_int_equal(file_read_all(path, 1 << 24, &file, &n, err), 0);
	found = memmem(file, n, jpeg, (size_t)bytes);
	assert_non_null(found);
	fixture_flip(path, found - file + bytes / 2);
	shard_close(s);
	xfree(file);
	xfree(jpeg);
}

static void unreadable_image_leaves_its_row_empty(void **state)
{
	struct contact_sheet_options o = sheet_options(&masked);
	struct config c = sheet_config();
	struct sheet_picture before = sheet_draw(&o, &c), after;
	struct contact_sheet_layout l;
	int changed[4] = { 0 };

	(void)state;
	contact_sheet_lay_out(&l, &c, 1, 4);
	spoil(test_path(o.data, "shard-00000.h5"), 3);
	after = sheet_draw(&o, &c);
	for (int i = l.top * before.width * 3; i < (l.top + 4 * l.pitch) * before.width * 3; i++)
		changed[(i / 3 / before.width - l.top) / l.pitch] += before.rgb[i] != after.rgb[i];
	assert_true(changed[1] > 1000);
	assert_int_equal(changed[0] + changed[2] + changed[3], 0);
	xfree(before.rgb);
	xfree(after.rgb);
	config_free(&c);
}

static void wrong_choices_are_explained(void **state)
{
	struct contact_sheet_options o = sheet_options(&masked);
	struct config c = sheet_config();
	char err[ERR_MAX];

	(void)state;
	o.first = 12;
	assert_int_equal(contact_sheet_write(&o, &c, err), -1);
	assert_says(err, "no image 12; they are numbered from 0 to 11");
	o.first = 0;
	o.out = test_path(o.data, "no/such/folder.png");
	assert_int_equal(contact_sheet_write(&o, &c, err), -1);
	assert_says(err, "no/such/folder.png");
	o.data = test_path(o.data, "nothing");
	assert_int_equal(contact_sheet_write(&o, &c, err), -1);
	assert_says(err, "nothing");
	config_free(&c);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(views_are_those_the_network_gets),
	cmocka_unit_test(image_and_mask_are_shown_whole),
	cmocka_unit_test(margins_are_empty),
	cmocka_unit_test(epoch_and_seed_decide),
	cmocka_unit_test(rows_and_columns_follow_the_data),
	cmocka_unit_test(unreadable_image_leaves_its_row_empty),
	cmocka_unit_test(wrong_choices_are_explained),
};
TEST_MAIN(cases)
