/* What a shard gets of each kind of image file: passed on, converted, reduced or refused. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/file.h"
#include "base/memory.h"
#include "convert.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data_fixture.h"
#include "jpeg_fixture.h"

struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes copy_of(const uint8_t *p, size_t n)
{
	return (struct bytes){ memcpy(xmalloc(n), p, n), n };
}

/* A JPEG of any colour space libjpeg takes, from samples (height, width, channels). */
static struct bytes make_jpeg(const uint8_t *samples, int width, int height, int channels,
	J_COLOR_SPACE in, J_COLOR_SPACE out, int progressive)
{
	struct jpeg_recipe r = { width, height, channels, in, out, 0, progressive, 0, 0 };
	struct bytes b;

	fixture_jpeg(&b.p, &b.n, &r, samples);
	return b;
}

static struct bytes plain_jpeg(int width, int height, int progressive)
{
	struct image m = fixture_image(5, width, height);
	struct bytes b = make_jpeg(m.rgb, width, height, 3, JCS_RGB, JCS_YCbCr, progressive);

	image_free(&m);
	return b;
}

/* A PNG of any format of libpng's simple interface. */
static struct bytes make_png(const void *pixels, int width, int height, png_uint_32 format)
{
	png_image png = { .version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)width,
		.height = (png_uint_32)height,
		.format = format };
	png_alloc_size_t n = 0;
	struct bytes b;

	assert_true(png_image_write_to_memory(&png, NULL, &n, 0, pixels, 0, NULL));
	b.p = xmalloc(n);
	assert_true(png_image_write_to_memory(&png, b.p, &n, 0, pixels, 0, NULL));
	b.n = n;
	return b;
}

static void assert_passes(struct bytes b, int max_side)
{
	struct bytes before = copy_of(b.p, b.n);
	struct converter c = { 0 };
	struct converted out;
	char err[ERR_MAX] = "";

	assert_int_equal(convert_image(&out, &c, &b.p, b.n, max_side, err), 0);
	assert_null(b.p);
	assert_int_equal(out.bytes, before.n);
	assert_memory_equal(out.jpeg, before.p, before.n);
	xfree(before.p);
	converted_free(&out);
	converter_free(&c);
}

static void sound_jpegs_pass_byte_for_byte(void **state)
{
	struct image m = fixture_image(1, 33, 17);

	(void)state;
	assert_passes(plain_jpeg(33, 17, 0), 0);
	assert_passes(plain_jpeg(33, 17, 1), 0);
	assert_passes(plain_jpeg(33, 17, 0), 33);
	assert_passes(plain_jpeg(1, 1, 0), 0);
	assert_passes(make_jpeg(m.rgb, 33, 17, 3, JCS_RGB, JCS_RGB, 0), 0);
	assert_passes(make_jpeg(m.rgb, 33, 17, 1, JCS_GRAYSCALE, JCS_GRAYSCALE, 0), 0);
	image_free(&m);
}

/* Convert b (freed) and compare the pixels with rgb (height, width, 3): the mean difference is
 * below tolerance. */
static void assert_becomes(
	struct bytes b, int max_side, const uint8_t *rgb, int width, int height, double tolerance)
{
	struct converter c = { 0 };
	struct converted out;
	struct image got = { 0 };
	struct jpeg_header header;
	size_t capacity = 0, n = 3 * (size_t)width * (size_t)height;
	char err[ERR_MAX] = "";
	double sum = 0;

	assert_int_equal(convert_image(&out, &c, &b.p, b.n, max_side, err), 0);
	assert_int_equal(jpeg_header(&header, out.jpeg, out.bytes, err), 0);
	assert_int_equal(header.components, 3);
	assert_int_equal(jpeg_decode(&got, &capacity, out.jpeg, out.bytes, err), 0);
	assert_int_equal(out.width, width);
	assert_int_equal(out.height, height);
	assert_int_equal(got.width, width);
	assert_int_equal(got.height, height);
	for (size_t i = 0; i < n; i++)
		sum += abs(got.rgb[i] - rgb[i]);
	assert_close(sum / (double)n, 0, tolerance);
	image_free(&got);
	xfree(b.p);
	converted_free(&out);
	converter_free(&c);
}

/* Smooth, so that JPEG changes it little. */
static struct image smooth_image(int width, int height)
{
	struct image m = {
		.width = width, .height = height, .rgb = xmalloc(3 * (size_t)width * (size_t)height)
	};
	uint8_t *p = m.rgb;

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			*p++ = (uint8_t)(30 + 180 * x / width);
			*p++ = (uint8_t)(40 + 150 * y / height);
			*p++ = (uint8_t)(200 - 90 * (x + y) / (width + height));
		}
	return m;
}

static void cmyk_and_ycck_become_rgb(void **state)
{
	struct image m = smooth_image(48, 40);
	uint8_t cmyk[40 * 48 * 4];

	(void)state;
	/* As Adobe writes them: inverted, here with no black at all (255). */
	for (int i = 0; i < 40 * 48; i++) {
		memcpy(cmyk + 4 * i, m.rgb + 3 * i, 3);
		cmyk[4 * i + 3] = 255;
	}
	assert_becomes(make_jpeg(cmyk, 48, 40, 4, JCS_CMYK, JCS_CMYK, 0), 0, m.rgb, 48, 40, 3);
	assert_becomes(make_jpeg(cmyk, 48, 40, 4, JCS_CMYK, JCS_YCCK, 0), 0, m.rgb, 48, 40, 3);
	image_free(&m);
}

static void every_png_becomes_rgb(void **state)
{
	struct image m = smooth_image(40, 48);
	enum { N = 40 * 48 };
	uint8_t rgba[N * 4], grey[N], grey_rgb[N * 3];
	uint16_t deep[N * 3];

	(void)state;
	for (int i = 0; i < N; i++) {
		memcpy(rgba + 4 * i, m.rgb + 3 * i, 3);
		rgba[4 * i + 3] = 255;
		grey[i] = m.rgb[3 * i];
		memset(grey_rgb + 3 * i, grey[i], 3);
		for (int k = 0; k < 3; k++) /* 16-bit samples are linear light in this interface */
			deep[3 * i + k] = 65535;
	}
	assert_becomes(make_png(m.rgb, 40, 48, PNG_FORMAT_RGB), 0, m.rgb, 40, 48, 3);
	assert_becomes(make_png(rgba, 40, 48, PNG_FORMAT_RGBA), 0, m.rgb, 40, 48, 3);
	assert_becomes(make_png(grey, 40, 48, PNG_FORMAT_GRAY), 0, grey_rgb, 40, 48, 3);
	memset(grey_rgb, 255, sizeof grey_rgb);
	assert_becomes(make_png(deep, 40, 48, PNG_FORMAT_LINEAR_RGB), 0, grey_rgb, 40, 48, 1);
	image_free(&m);
}

static void larger_images_are_reduced_to_max_side(void **state)
{
	struct image large = smooth_image(400, 300), small = smooth_image(100, 75),
		     tall = smooth_image(300, 400), thin = smooth_image(900, 1);
	struct image low = smooth_image(75, 100);

	(void)state;
	assert_becomes(make_jpeg(large.rgb, 400, 300, 3, JCS_RGB, JCS_YCbCr, 0), 100, small.rgb,
		100, 75, 3);
	assert_becomes(make_png(tall.rgb, 300, 400, PNG_FORMAT_RGB), 100, low.rgb, 75, 100, 3);
	image_free(&low);
	low = smooth_image(30, 1);
	assert_becomes(make_png(thin.rgb, 900, 1, PNG_FORMAT_RGB), 30, low.rgb, 30, 1, 4);
	image_free(&large), image_free(&small), image_free(&tall), image_free(&thin),
		image_free(&low);
}

static void assert_refused(struct bytes b, const char *word)
{
	struct converter c = { 0 };
	struct converted out;
	char err[ERR_MAX] = "";

	assert_int_equal(convert_image(&out, &c, &b.p, b.n, 0, err), -1);
	assert_says(err, word);
	xfree(b.p);
	converted_free(&out);
	converter_free(&c);
}

/* Put a size into a JPEG's frame header (baseline: FFC0, length, depth, height, width). */
static void set_jpeg_size(struct bytes b, int width, int height)
{
	for (size_t i = 0; i + 9 < b.n; i++)
		if (b.p[i] == 0xff && b.p[i + 1] == 0xc0) {
			b.p[i + 5] = (uint8_t)(height >> 8), b.p[i + 6] = (uint8_t)height;
			b.p[i + 7] = (uint8_t)(width >> 8), b.p[i + 8] = (uint8_t)width;
			return;
		}
	assert_true(!"no frame header");
}

static void damaged_files_are_refused_with_the_reason(void **state)
{
	static const uint8_t text[] = "<html>404 not found</html>";
	struct image m = smooth_image(30, 30);
	struct bytes b;

	(void)state;
	assert_refused(copy_of(text, 0), "empty");
	assert_refused(copy_of(text, sizeof text), "neither a JPEG nor a PNG");
	b = plain_jpeg(64, 64, 0);
	assert_refused(copy_of(b.p, b.n * 2 / 3), "");
	assert_refused(copy_of(b.p, 10), "");
	set_jpeg_size(b, 65000, 65000);
	assert_refused(b, "megapixel");
	b = make_png(m.rgb, 30, 30, PNG_FORMAT_RGB);
	assert_refused(copy_of(b.p, b.n / 2), "PNG");
	assert_refused(copy_of(b.p, 12), "PNG");
	b.p[16] = b.p[20] =
		0x10; /* 2^28 and more a side; the header's CRC is wrong too, which comes second */
	assert_refused(b, "");
	image_free(&m);
}

/* Naive: bit (x, y) of the mask is that of the source's nearest pixel centre. */
static void assert_mask(int mask_width, int mask_height, int width, int height)
{
	size_t row = ((size_t)width + 7) / 8;
	uint8_t *grey = xmalloc((size_t)mask_width * (size_t)mask_height);
	struct converted out = { .width = width, .height = height };
	char err[ERR_MAX] = "";
	uint64_t count = 0;
	struct bytes png;

	for (int i = 0; i < mask_width * mask_height; i++)
		grey[i] = (uint8_t)(i * 37 % 256); /* on both sides of 127, 128 */
	png = make_png(grey, mask_width, mask_height, PNG_FORMAT_GRAY);
	assert_int_equal(convert_mask(&out, png.p, png.n, err), 0);
	assert_int_equal(out.mask_bytes, row * (size_t)height);
	for (int y = 0; y < height; y++)
		for (int x = 0; x < (int)row * 8; x++) {
			int from_x = (int)((x + 0.5) * mask_width / width),
			    from_y = (int)((y + 0.5) * mask_height / height);
			int bit = out.mask[(size_t)y * row + (size_t)x / 8] >> (7 - x % 8) & 1;
			int expected = x < width && grey[from_y * mask_width + from_x] >= 128;

			assert_int_equal(bit, expected);
			count += (uint64_t)expected;
		}
	assert_int_equal(out.foreground, count);
	xfree(grey);
	xfree(png.p);
	converted_free(&out);
}

static void masks_are_packed_bit_by_bit(void **state)
{
	(void)state;
	assert_mask(1, 1, 1, 1);
	assert_mask(33, 17, 33, 17);
	assert_mask(64, 32, 64, 32);
	assert_mask(100, 70, 25, 35);
	assert_mask(9, 5, 33, 17);
}

static void a_mask_that_is_no_png_is_refused(void **state)
{
	struct converted out = { .width = 8, .height = 8 };
	struct bytes b = plain_jpeg(8, 8, 0);
	char err[ERR_MAX] = "";

	(void)state;
	assert_int_equal(convert_mask(&out, b.p, b.n, err), -1);
	assert_says(err, "not a PNG");
	xfree(b.p);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(sound_jpegs_pass_byte_for_byte),
	cmocka_unit_test(cmyk_and_ycck_become_rgb),
	cmocka_unit_test(every_png_becomes_rgb),
	cmocka_unit_test(larger_images_are_reduced_to_max_side),
	cmocka_unit_test(damaged_files_are_refused_with_the_reason),
	cmocka_unit_test(masks_are_packed_bit_by_bit),
	cmocka_unit_test(a_mask_that_is_no_png_is_refused),
};
TEST_MAIN(cases)
