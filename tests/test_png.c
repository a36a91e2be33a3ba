/* PNG: all colour types and depths, against pixels written by libpng's other interface. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/png.h"

/* Write rows (packed as PNG wants them) of a colour type and depth; palette: three entries, the
 * second half transparent. */
static void write_type(const char *path, int type, int depth, int width, int height,
	const uint8_t *rows, int stride)
{
	FILE *f = fopen(path, "wb");
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);

	assert_non_null(f);
	png_init_io(png, f);
	png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, type,
		PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	if (type == PNG_COLOR_TYPE_PALETTE) {
		const png_color palette[] = { { 255, 0, 0 }, { 0, 255, 0 }, { 10, 20, 30 } };
		const png_byte alpha[] = { 255, 128 };

		png_set_PLTE(png, info, palette, 3);
		png_set_tRNS(png, info, alpha, 2, NULL);
	}
	png_write_info(png, info);
	for (int y = 0; y < height; y++)
		png_write_row(png, rows + y * stride);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	fclose(f);
}

/* Files of 2 x 1 pixels, and what they are as RGBA. */
static const struct {
	const char *name;
	int type, depth;
	uint8_t row[16];
	uint8_t rgba[8];
} kinds[] = {
	{ "grey 1", PNG_COLOR_TYPE_GRAY, 1, { 0x40 }, { 0, 0, 0, 255, 255, 255, 255, 255 } },
	{ "grey 2", PNG_COLOR_TYPE_GRAY, 2, { 0x60 }, { 85, 85, 85, 255, 170, 170, 170, 255 } },
	{ "grey 4", PNG_COLOR_TYPE_GRAY, 4, { 0x3c }, { 51, 51, 51, 255, 204, 204, 204, 255 } },
	{ "grey 8", PNG_COLOR_TYPE_GRAY, 8, { 7, 250 }, { 7, 7, 7, 255, 250, 250, 250, 255 } },
	{ "grey 16", PNG_COLOR_TYPE_GRAY, 16, { 7, 7, 250, 250 },
		{ 7, 7, 7, 255, 250, 250, 250, 255 } },
	{ "grey alpha 8", PNG_COLOR_TYPE_GRAY_ALPHA, 8, { 9, 0, 99, 255 },
		{ 9, 9, 9, 0, 99, 99, 99, 255 } },
	{ "rgb 8", PNG_COLOR_TYPE_RGB, 8, { 1, 2, 3, 251, 252, 253 },
		{ 1, 2, 3, 255, 251, 252, 253, 255 } },
	{ "rgb 16", PNG_COLOR_TYPE_RGB, 16, { 1, 1, 2, 2, 3, 3, 251, 251, 252, 252, 253, 253 },
		{ 1, 2, 3, 255, 251, 252, 253, 255 } },
	{ "rgba 8", PNG_COLOR_TYPE_RGB_ALPHA, 8, { 1, 2, 3, 4, 5, 6, 7, 200 },
		{ 1, 2, 3, 4, 5, 6, 7, 200 } },
	{ "palette 2", PNG_COLOR_TYPE_PALETTE, 2, { 0x60 }, { 0, 255, 0, 128, 10, 20, 30, 255 } },
	{ "palette 8", PNG_COLOR_TYPE_PALETTE, 8, { 0, 1 }, { 255, 0, 0, 255, 0, 255, 0, 128 } },
};

static uint8_t *read_ok(const char *path, int channels, int *width, int *height)
{
	uint8_t *pixels = NULL;
	char err[ERR_MAX] = "";

	if (png_read(&pixels, width, height, channels, path, err) != 0)
		print_error("%s\n", err);
	assert_non_null(pixels);
	return pixels;
}

static void every_type_is_read(void **state)
{
	const char *folder = test_folder();

	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		const char *path = test_path(folder, kinds[k].name);
		const uint8_t *want = kinds[k].rgba;
		uint8_t *rgba, *rgb;
		int w, h;

		write_type(path, kinds[k].type, kinds[k].depth, 2, 1, kinds[k].row, 0);
		rgba = read_ok(path, 4, &w, &h);
		assert_int_equal(w, 2);
		assert_int_equal(h, 1);
		rgb = read_ok(path, 3, &w, &h);
		for (int i = 0; i < 8; i++) {
			if (want[i / 4 * 4 + 3] >
				0) /* colour under no alpha is nobody's business */
				assert_close(rgba[i], want[i], 0);
			if (i % 4 < 3)
				assert_close(rgb[i / 4 * 3 + i % 4],
					255 + (want[i] - 255) * want[i / 4 * 4 + 3] / 255.0, 0.5);
		}
		xfree(rgba);
		xfree(rgb);
	}
}

static void grey_is_read_as_grey(void **state)
{
	const char *path = test_path(test_folder(), "g.png");
	const uint8_t rows[6] = { 0, 1, 127, 128, 254, 255 };
	uint8_t *grey;
	int w, h;

	(void)state;
	write_type(path, PNG_COLOR_TYPE_GRAY, 8, 3, 2, rows, 3);
	grey = read_ok(path, 1, &w, &h);
	assert_memory_equal(grey, rows, 6);
	xfree(grey);
}

static void what_is_written_is_read(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 17, 3 }, { 33, 31 } };
	const char *path = test_path(test_folder(), "a.png");
	struct rng r = rng_at(1, RNG_PROBE, 0, 0, 0);
	uint8_t pixels[33 * 31 * 4];
	char err[ERR_MAX];

	(void)state;
	for (int i = 0; i < 9; i++) {
		int w = sizes[i / 3][0], h = sizes[i / 3][1], channels = (int[]){ 1, 3, 4 }[i % 3],
		    gw, gh;
		uint8_t *got;

		for (int k = 0; k < w * h * channels; k++)
			pixels[k] = (uint8_t)rng_word(&r);
		assert_int_equal(png_write(path, pixels, w, h, channels, err), 0);
		got = read_ok(path, channels, &gw, &gh);
		assert_int_equal(gw, w);
		assert_int_equal(gh, h);
		assert_memory_equal(got, pixels, (size_t)(w * h * channels));
		xfree(got);
	}
}

static void a_cut_file_is_an_error(void **state)
{
	const char *path = test_path(test_folder(), "a.png");
	struct rng r = rng_at(2, RNG_PROBE, 0, 0, 0);
	uint8_t pixels[20 * 20 * 3], *bytes, *got;
	size_t n;
	char err[ERR_MAX];
	int w, h;

	(void)state;
	for (size_t i = 0; i < sizeof pixels; i++)
		pixels[i] = (uint8_t)rng_word(&r);
	assert_int_equal(png_write(path, pixels, 20, 20, 3, err), 0);
	assert_int_equal(file_read_all(path, 1 << 20, &bytes, &n, err), 0);
	/* the last 16 bytes are the checksum of the pixels and the end chunk, which hold nothing */
	for (size_t cut = 0; cut < n - 16; cut++) {
		uint8_t *part = xmalloc(cut);

		memcpy(part, bytes, cut);
		assert_int_equal(png_decode(&got, &w, &h, 3, part, cut, err), -1);
		assert_says(err, "PNG");
		xfree(part);
	}
	xfree(bytes);
}

static void garbage_is_an_error(void **state)
{
	struct rng r = rng_at(3, RNG_PROBE, 0, 0, 0);
	uint8_t bytes[200], *got;
	char err[ERR_MAX];
	int w, h;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = rng_below(&r, sizeof bytes);

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)rng_word(&r);
		if (round % 2 && n >= 16)
			memcpy(bytes, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
		assert_int_equal(png_decode(&got, &w, &h, 3, bytes, n, err), -1);
	}
}

static void a_hundred_megapixels_are_refused(void **state)
{
	const char *path = test_path(test_folder(), "huge.png");
	uint8_t *rows = xcalloc(1250, 1), *got;
	char err[ERR_MAX];
	int w, h;

	(void)state;
	write_type(path, PNG_COLOR_TYPE_GRAY, 1, 10000, 10000, rows, 0);
	assert_int_equal(png_read(&got, &w, &h, 1, path, err), -1);
	assert_says(err, "100 megapixels");
	assert_says(err, path);
	xfree(rows);
}

static void a_missing_file_is_named(void **state)
{
	uint8_t *got;
	char err[ERR_MAX];
	int w, h;

	(void)state;
	assert_int_equal(png_read(&got, &w, &h, 3, "/nowhere/a.png", err), -1);
	assert_says(err, "/nowhere/a.png");
	assert_int_equal(png_write("/nowhere/a.png", (const uint8_t *)"abc", 1, 1, 3, err), -1);
	assert_says(err, "/nowhere/a.png");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(every_type_is_read),
	cmocka_unit_test(grey_is_read_as_grey),
	cmocka_unit_test(what_is_written_is_read),
	cmocka_unit_test(a_cut_file_is_an_error),
	cmocka_unit_test(garbage_is_an_error),
	cmocka_unit_test(a_hundred_megapixels_are_refused),
	cmocka_unit_test(a_missing_file_is_named),
};
TEST_MAIN(cases)
