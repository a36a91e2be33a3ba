/* JPEG: what goes in comes out, in every colour space; what is damaged, too large or a bomb is
 * refused, whole. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/memory.h"
#include "base/rng.h"
#include "data/jpeg.h"
#include "data_fixture.h"

/* How a test file is written; zero is a plain RGB file. */
struct recipe {
	int width, height;
	int components;         /* of the pixels given */
	J_COLOR_SPACE in, file; /* JCS_UNKNOWN: the library's choice */
	int no_adobe;
	int progressive; /* 1: the library's 10 scans, 2: one scan for each coefficient and
			    component */
};

enum { BOMB_SCANS = 1 + 3 * 63 };

static void script_bomb(j_compress_ptr c, jpeg_scan_info *scans)
{
	int n = 0;

	scans[n++] = (jpeg_scan_info){ .comps_in_scan = 3, .component_index = { 0, 1, 2 } };
	for (int component = 0; component < 3; component++)
		for (int k = 1; k < 64; k++)
			scans[n++] = (jpeg_scan_info){ .comps_in_scan = 1,
				.component_index = { component },
				.Ss = k,
				.Se = k };
	c->scan_info = scans;
	c->num_scans = n;
}

/* pixels: (height, width, components), all of the one colour given */
static void write_solid(uint8_t **bytes, size_t *n, const struct recipe *r, const uint8_t *colour)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr manager;
	jpeg_scan_info scans[BOMB_SCANS];
	unsigned char *out = NULL;
	unsigned long size = 0;
	uint8_t *row = xmalloc((size_t)(r->width * r->components));

	for (int i = 0; i < r->width * r->components; i++)
		row[i] = colour[i % r->components];
	c.err = jpeg_std_error(&manager);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out, &size);
	c.image_width = (JDIMENSION)r->width;
	c.image_height = (JDIMENSION)r->height;
	c.input_components = r->components;
	c.in_color_space = r->in;
	jpeg_set_defaults(&c);
	if (r->file != JCS_UNKNOWN)
		jpeg_set_colorspace(&c, r->file);
	jpeg_set_quality(&c, 98, TRUE);
	if (r->no_adobe)
		c.write_Adobe_marker = FALSE;
	if (r->progressive == 1)
		jpeg_simple_progression(&c);
	if (r->progressive == 2)
		script_bomb(&c, scans);
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height)
		jpeg_write_scanlines(&c, &row, 1);
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	xfree(row);
	*bytes = out;
	*n = size;
}

static void assert_solid(const struct recipe *r, const uint8_t *colour, const double expected[3])
{
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX] = "";

	write_solid(&bytes, &n, r, colour);
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
	assert_solid(&(struct recipe){ 19, 7, 3, JCS_RGB, JCS_UNKNOWN, 0, 0 }, rgb,
		(double[]){ 200, 100, 30 });
	assert_solid(&(struct recipe){ 19, 7, 3, JCS_RGB, JCS_RGB, 0, 0 }, rgb,
		(double[]){ 200, 100, 30 });
	assert_solid(&(struct recipe){ 19, 7, 3, JCS_RGB, JCS_UNKNOWN, 0, 1 }, rgb,
		(double[]){ 200, 100, 30 });
	assert_solid(&(struct recipe){ 19, 7, 1, JCS_GRAYSCALE, JCS_UNKNOWN, 0, 0 }, grey,
		(double[]){ 77, 77, 77 });
	assert_solid(&(struct recipe){ 19, 7, 4, JCS_CMYK, JCS_CMYK, 1, 0 }, inks, light);
	assert_solid(&(struct recipe){ 19, 7, 4, JCS_CMYK, JCS_CMYK, 0, 0 }, complement, light);
	assert_solid(&(struct recipe){ 19, 7, 4, JCS_CMYK, JCS_YCCK, 0, 0 }, complement, light);
	assert_solid(&(struct recipe){ 19, 7, 4, JCS_CMYK, JCS_YCCK, 0, 1 }, complement, light);
}

static void other_component_counts_are_refused(void **state)
{
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	write_solid(&bytes, &n, &(struct recipe){ 9, 9, 2, JCS_UNKNOWN, JCS_UNKNOWN, 0, 0 },
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

static void encode(uint8_t **bytes, size_t *n, uint32_t number, int width, int height)
{
	struct image image = fixture_image(number, width, height);
	char err[ERR_MAX];

	assert_int_equal(jpeg_encode(bytes, n, &image, JPEG_QUALITY, err), 0);
	image_free(&image);
}

static void a_cut_file_is_an_error(void **state)
{
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	encode(&bytes, &n, 1, 150, 100);
	assert_true(n > 3000);
	for (size_t cut = 0; cut < n; cut += cut + 100 < n ? 100 : 1) {
		/* a copy of its own, so that a sanitizer sees a read beyond the end */
		uint8_t *part = xmalloc(cut);

		memcpy(part, bytes, cut);
		assert_int_equal(jpeg_decode(&image, &capacity, part, cut, err), -1);
		assert_says(err, "JPEG");
		xfree(part);
	}
	assert_int_equal(jpeg_decode(&image, &capacity, bytes, n, err), 0);
	image_free(&image);
	xfree(bytes);
}

static void bytes_after_the_end_do_no_harm(void **state)
{
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	encode(&bytes, &n, 2, 40, 30);
	bytes = xrealloc(bytes, n + 1000);
	memset(bytes + n, 0x5a, 1000);
	assert_int_equal(jpeg_decode(&image, &capacity, bytes, n + 1000, err), 0);
	image_free(&image);
	xfree(bytes);
}

/* Where the frame header's height lies. */
static size_t find_frame(const uint8_t *bytes, size_t n)
{
	for (size_t i = 2; i + 9 < n; i++)
		if (bytes[i] == 0xff && (bytes[i + 1] == 0xc0 || bytes[i + 1] == 0xc2))
			return i + 5;
	assert_true(0);
	return 0;
}

static void absurd_sizes_are_refused_from_the_header(void **state)
{
	static const struct {
		int width, height;
		const char *says;
	} v[] = { { 10000, 10000, "100 megapixels" }, { 65500, 65500, "100 megapixels" },
		{ 0, 100, "" }, { 100, 0, "" } };
	struct image image = { 0 };
	struct jpeg_header header;
	size_t n, at, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	encode(&bytes, &n, 3, 40, 30);
	at = find_frame(bytes, n);
	for (size_t k = 0; k < sizeof v / sizeof *v; k++) {
		const uint8_t size[4] = { (uint8_t)(v[k].height >> 8), (uint8_t)v[k].height,
			(uint8_t)(v[k].width >> 8), (uint8_t)v[k].width };

		memcpy(bytes + at, size, 4);
		assert_int_equal(jpeg_header(&header, bytes, n, err), -1);
		assert_says(err, v[k].says);
		assert_int_equal(jpeg_decode(&image, &capacity, bytes, n, err), -1);
		assert_null(image.rgb);
	}
	xfree(bytes);
}

static void a_scan_bomb_is_refused(void **state)
{
	struct image image = { 0 };
	struct jpeg_header header;
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	write_solid(&bytes, &n, &(struct recipe){ 64, 64, 3, JCS_RGB, JCS_UNKNOWN, 0, 2 },
		(uint8_t[]){ 9, 8, 7 });
	assert_int_equal(jpeg_header(&header, bytes, n, err), 0);
	assert_int_equal(header.progressive, 1);
	assert_int_equal(jpeg_decode(&image, &capacity, bytes, n, err), -1);
	assert_says(err, "more than 100 scans");
	xfree(bytes);
}

static void garbage_is_an_error(void **state)
{
	struct rng r = rng_at(5, RNG_PROBE, 0, 0, 0);
	struct image image = { 0 };
	uint8_t bytes[300];
	size_t capacity = 0;
	char err[ERR_MAX];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t n = rng_below(&r, sizeof bytes);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)rng_word(&r);
		if (round % 2 && n > 3) /* past the first check */
			memcpy(bytes, "\xff\xd8\xff", 3);
		assert_int_equal(jpeg_decode(&image, &capacity, bytes, n, err), -1);
	}
	image_free(&image);
}

/* Flipped bits may go unseen by the format, but never crash, and never change the shape of the
 * result. */
static void flipped_bytes_are_survived(void **state)
{
	struct rng r = rng_at(6, RNG_PROBE, 0, 0, 0);
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];
	int errors = 0;

	(void)state;
	encode(&bytes, &n, 4, 61, 43);
	for (int round = 0; round < 3000; round++) {
		size_t at = rng_below(&r, (uint32_t)n);
		uint8_t was = bytes[at];

		bytes[at] ^= (uint8_t)(1 + rng_below(&r, 255));
		if (jpeg_decode(&image, &capacity, bytes, n, err) != 0)
			errors++;
		else
			assert_true((size_t)image.width * (size_t)image.height * 3 <= capacity);
		bytes[at] = was;
	}
	assert_in_range(errors, 300, 3000);
	image_free(&image);
	xfree(bytes);
}

static void buffers_are_used_again(void **state)
{
	struct image image = { 0 };
	size_t n[2], capacity = 0;
	uint8_t *bytes[2];
	char err[ERR_MAX];
	long before;

	(void)state;
	encode(&bytes[0], &n[0], 5, 90, 80);
	encode(&bytes[1], &n[1], 6, 30, 20);
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
	cmocka_unit_test(a_cut_file_is_an_error),
	cmocka_unit_test(bytes_after_the_end_do_no_harm),
	cmocka_unit_test(absurd_sizes_are_refused_from_the_header),
	cmocka_unit_test(a_scan_bomb_is_refused),
	cmocka_unit_test(garbage_is_an_error),
	cmocka_unit_test(flipped_bytes_are_survived),
	cmocka_unit_test(buffers_are_used_again),
	cmocka_unit_test(what_jpeg_cannot_hold_is_not_encoded),
};
TEST_MAIN(cases)
