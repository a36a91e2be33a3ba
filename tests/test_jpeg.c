/* JPEG: what goes in comes out, in every colour space. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/jpeg.h"
#include "jpeg_fixture.h"

static void assert_solid(
	const struct jpeg_recipe *r, const uint8_t *colour, const double expected[3])
{
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX] = "";

	fixture_solid_jpeg(&bytes, &n, r, colour);
	if (jpeg_decode(&image, &capacity, bytes, n, err) != 0)
		print_error("%s\n", err);
	assert_int_equal(image.width, r->width);
	assert_int_equal(image.height, r->height);
	for (int i = 0; i < 3 * r->width * r->height; i++)
		assert_close(image.rgb[i], expected[i % 3], 3);
	image_free(&image);
	xfree(bytes);
}

static void every_colour_space_becomes_rgb(void **state)
{
	const uint8_t rgb[3] = { 200, 100, 30 }, grey[1] = { 77 };
	/* inks 0..255; the same, as Adobe's programs write it; R = (1 - C)(1 - K) and so on */
	const uint8_t inks[4] = { 50, 100, 200, 40 }, complement[4] = { 205, 155, 55, 215 };
	const double light[3] = { 205 * 215 / 255.0, 155 * 215 / 255.0, 55 * 215 / 255.0 };

	(void)state;
	assert_solid(&(struct jpeg_recipe){ 19, 7, 3, JCS_RGB, JCS_UNKNOWN, 0, 0, 0, 0 }, rgb,
		(double[]){ 200, 100, 30 });
	assert_solid(&(struct jpeg_recipe){ 19, 7, 3, JCS_RGB, JCS_RGB, 0, 0, 0, 0 }, rgb,
		(double[]){ 200, 100, 30 });
	assert_solid(&(struct jpeg_recipe){ 19, 7, 3, JCS_RGB, JCS_UNKNOWN, 0, 1, 0, 0 }, rgb,
		(double[]){ 200, 100, 30 });
	assert_solid(&(struct jpeg_recipe){ 19, 7, 1, JCS_GRAYSCALE, JCS_UNKNOWN, 0, 0, 0, 0 },
		grey, (double[]){ 77, 77, 77 });
	assert_solid(
		&(struct jpeg_recipe){ 19, 7, 4, JCS_CMYK, JCS_CMYK, 1, 0, 0, 0 }, inks, light);
	assert_solid(&(struct jpeg_recipe){ 19, 7, 4, JCS_CMYK, JCS_CMYK, 0, 0, 0, 0 }, complement,
		light);
	assert_solid(&(struct jpeg_recipe){ 19, 7, 4, JCS_CMYK, JCS_YCCK, 0, 0, 0, 0 }, complement,
		light);
	assert_solid(&(struct jpeg_recipe){ 19, 7, 4, JCS_CMYK, JCS_YCCK, 0, 1, 0, 0 }, complement,
		light);
}

static void other_component_counts_are_refused(void **state)
{
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	fixture_solid_jpeg(&bytes, &n,
		&(struct jpeg_recipe){ 9, 9, 2, JCS_UNKNOWN, JCS_UNKNOWN, 0, 0, 0, 0 },
		(uint8_t[]){ 1, 2 });
	assert_int_equal(jpeg_decode(&image, &capacity, bytes, n, err), -1);
	assert_says(err, "2 components");
	xfree(bytes);
}

/* A ramp, smooth enough for JPEG to keep: what comes back is what went in, in place and in order.
 */
static void all_shapes_come_back(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 1, 17 }, { 33, 1 }, { 8, 8 }, { 17, 3 },
		{ 64, 48 } };
	char err[ERR_MAX];

	(void)state;
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		int w = sizes[k][0], h = sizes[k][1];
		struct image image = {
			.width = w, .height = h, .rgb = xmalloc((size_t)(w * h * 3))
		};
		struct image back = { 0 };
		struct jpeg_header header;
		size_t n, capacity = 0;
		uint8_t *bytes;

		for (int i = 0; i < w * h; i++)
			for (int c = 0; c < 3; c++)
				image.rgb[3 * i + c] = (uint8_t)(60 + 2 * (i % w) + (i / w));
		assert_int_equal(jpeg_encode(&bytes, &n, &image, 95, err), 0);
		assert_int_equal(image_kind(bytes, n), IMAGE_JPEG);
		assert_int_equal(jpeg_header(&header, bytes, n, err), 0);
		assert_int_equal(header.width, w);
		assert_int_equal(header.height, h);
		assert_int_equal(header.components, 3);
		assert_int_equal(header.progressive, 0);
		assert_int_equal(jpeg_decode(&back, &capacity, bytes, n, err), 0);
		for (int i = 0; i < w * h * 3; i++)
			assert_close(back.rgb[i], image.rgb[i], 6);
		image_free(&image);
		image_free(&back);
		xfree(bytes);
	}
}

static void buffers_are_used_again(void **state)
{
	struct image image = { 0 };
	size_t n[2], capacity = 0;
	uint8_t *bytes[2];
	char err[ERR_MAX];
	long before;

	(void)state;
	fixture_encode(&bytes[0], &n[0], 5, 90, 80);
	fixture_encode(&bytes[1], &n[1], 6, 30, 20);
	assert_int_equal(jpeg_decode(&image, &capacity, bytes[0], n[0], err), 0);
	before = xalloc_count();
	for (int i = 0; i < 10; i++)
		assert_int_equal(jpeg_decode(&image, &capacity, bytes[i % 2], n[i % 2], err), 0);
	assert_int_equal(xalloc_count(), before);
	assert_int_equal(image.width, 30);
	image_free(&image);
	xfree(bytes[0]);
	xfree(bytes[1]);
}

static void what_jpeg_cannot_hold_is_not_encoded(void **state)
{
	struct image wide = { .width = 70000, .height = 1, .rgb = xcalloc(70000, 3) }, none = { 0 };
	uint8_t *bytes;
	size_t n;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(jpeg_encode(&bytes, &n, &wide, 90, err), -1);
	assert_says(err, "70000 x 1");
	assert_int_equal(jpeg_encode(&bytes, &n, &none, 90, err), -1);
	image_free(&wide);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(every_colour_space_becomes_rgb),
	cmocka_unit_test(other_component_counts_are_refused),
	cmocka_unit_test(all_shapes_come_back),
	cmocka_unit_test(buffers_are_used_again),
	cmocka_unit_test(what_jpeg_cannot_hold_is_not_encoded),
};
TEST_MAIN(cases)
