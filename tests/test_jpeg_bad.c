/* JPEG from anywhere: what is damaged, too large or a bomb is refused, whole. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "data/jpeg.h"
#include "jpeg_fixture.h"

static void a_cut_file_is_an_error(void **state)
{
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	fixture_encode(&bytes, &n, 1, 150, 100);
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
	fixture_encode(&bytes, &n, 2, 40, 30);
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
	fixture_encode(&bytes, &n, 3, 40, 30);
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
	fixture_solid_jpeg(&bytes, &n,
		&(struct jpeg_recipe){ 64, 64, 3, JCS_RGB, JCS_UNKNOWN, 0, 2, 0, 0 },
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
	fixture_encode(&bytes, &n, 4, 61, 43);
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

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_cut_file_is_an_error),
	cmocka_unit_test(bytes_after_the_end_do_no_harm),
	cmocka_unit_test(absurd_sizes_are_refused_from_the_header),
	cmocka_unit_test(a_scan_bomb_is_refused),
	cmocka_unit_test(garbage_is_an_error),
	cmocka_unit_test(flipped_bytes_are_survived),
};
TEST_MAIN(cases)
