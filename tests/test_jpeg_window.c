/* Parts of a picture: their pixels and the views of them are those of the whole, bit for bit. */
#include "test.h"

#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "data/jpeg.h"
#include "eval/transform.h"
#include "jpeg_fixture.h"
#include "kernel.h"
#include "view_fixture.h"

enum { WIDTH = 157, HEIGHT = 121, WINDOWS = 150 };

/* Chroma at full resolution, half across, half both ways, half down, a quarter across; other
 * colours; scans that refine each other. */
static const struct jpeg_recipe forms[] = {
	{ WIDTH, HEIGHT, 3, JCS_RGB, JCS_UNKNOWN, 0, 0, 1, 1 },
	{ WIDTH, HEIGHT, 3, JCS_RGB, JCS_UNKNOWN, 0, 0, 2, 1 },
	{ WIDTH, HEIGHT, 3, JCS_RGB, JCS_UNKNOWN, 0, 0, 2, 2 },
	{ WIDTH, HEIGHT, 3, JCS_RGB, JCS_UNKNOWN, 0, 0, 1, 2 },
	{ WIDTH, HEIGHT, 3, JCS_RGB, JCS_UNKNOWN, 0, 0, 4, 1 },
	{ WIDTH, HEIGHT, 3, JCS_RGB, JCS_UNKNOWN, 0, 1, 2, 2 },
	{ WIDTH, HEIGHT, 3, JCS_RGB, JCS_RGB, 0, 0, 0, 0 },
	{ WIDTH, HEIGHT, 1, JCS_GRAYSCALE, JCS_UNKNOWN, 0, 0, 0, 0 },
	{ WIDTH, HEIGHT, 4, JCS_CMYK, JCS_CMYK, 0, 0, 0, 0 },
	{ WIDTH, HEIGHT, 4, JCS_CMYK, JCS_YCCK, 0, 0, 0, 0 },
};
enum { FORMS = sizeof forms / sizeof *forms };

/* Noise: no two neighbours are alike, in chroma neither. */
static void encode(uint8_t **bytes, size_t *n, const struct jpeg_recipe *r)
{
	size_t count = (size_t)(r->width * r->height * r->components);
	struct rng g = rng_at(3, RNG_PROBE, 0, 0, 0);
	uint8_t *samples = xmalloc(count);

	for (size_t i = 0; i < count; i++)
		samples[i] = (uint8_t)rng_below(&g, 256);
	fixture_jpeg(bytes, n, r, samples);
	xfree(samples);
}

static struct image decode(const uint8_t *bytes, size_t n, const struct image_window *w)
{
	struct image image = { 0 };
	size_t capacity = 0;
	char err[ERR_MAX] = "";

	if (jpeg_decode_window(&image, &capacity, bytes, n, w, err) != 0)
		print_error("%s\n", err);
	assert_string_equal(err, "");
	return image;
}

/* Also the whole, its edges, and single pixels. */
static struct image_window some_window(uint32_t i)
{
	struct rng g = rng_at(4, RNG_PROBE, i, 0, 0);
	struct image_window w = { 0, 0, WIDTH, HEIGHT };

	if (i == 0)
		return w;
	w.w = i % 7 == 0 ? 1 : 1 + (int)rng_below(&g, WIDTH);
	w.h = i % 5 == 0 ? 1 : 1 + (int)rng_below(&g, HEIGHT);
	w.x = i % 3 == 0 ? WIDTH - w.w : (int)rng_below(&g, (uint32_t)(WIDTH - w.w + 1));
	w.y = i % 4 == 0 ? HEIGHT - w.h : (int)rng_below(&g, (uint32_t)(HEIGHT - w.h + 1));
	return w;
}

static void check_window(
	const uint8_t *bytes, size_t n, const struct image *whole, const struct image_window *w)
{
	struct image part = decode(bytes, n, w);
	int right = part.x + part.width, bottom = part.y + part.height;

	assert_in_range(part.x, 0, w->x);
	assert_in_range(part.y, 0, w->y);
	assert_in_range(right, w->x + w->w, WIDTH);
	assert_in_range(bottom, w->y + w->h, HEIGHT);
	for (int y = w->y; y < w->y + w->h; y++)
		assert_memory_equal(part.rgb + 3 * ((y - part.y) * part.width + w->x - part.x),
			whole->rgb + 3 * (y * WIDTH + w->x), (size_t)(3 * w->w));
	image_free(&part);
}

static void pixels_are_those_of_the_whole(void **state)
{
	(void)state;
	for (int f = 0; f < FORMS; f++) {
		struct image whole;
		uint8_t *bytes;
		size_t n;

		encode(&bytes, &n, &forms[f]);
		whole = decode(bytes, n, NULL);
		for (uint32_t i = 0; i < WINDOWS; i++) {
			struct image_window w = some_window(i);

			check_window(bytes, n, &whole, &w);
		}
		image_free(&whole);
		xfree(bytes);
	}
}

static void views_are_those_of_the_whole(void **state)
{
	enum { SIZE = 33, VIEW = SIZE * SIZE * 3 };
	struct image whole;
	uint8_t *bytes;
	size_t n;

	(void)state;
	encode(&bytes, &n, &forms[2]);
	whole = decode(bytes, n, NULL);
	for (uint32_t i = 0; i < 60; i++) {
		struct view_params p;
		struct image part;
		float *a, *b;

		if (i == 0)
			transform_centre(&p, SIZE, WIDTH, HEIGHT);
		else
			transform_random(&p, SIZE, 1, 0, i, WIDTH, HEIGHT);
		a = view_values(&whole, &p, 0);
		part = decode(bytes, n, &(struct image_window){ p.x, p.y, p.w, p.h });
		p.x -= part.x;
		p.y -= part.y;
		b = view_values(&part, &p, 0);
		assert_memory_equal(a, b, VIEW * sizeof *a);
		image_free(&part);
		xfree(a);
		xfree(b);
	}
	image_free(&whole);
	xfree(bytes);
}

/* Damage is found in all that is read: what comes before the window's last row. */
static void damage_above_the_last_row_is_found(void **state)
{
	const struct image_window top = { 5, 0, 30, 20 }, bottom = { 5, HEIGHT - 20, 30, 20 };
	struct image image = { 0 };
	size_t n, capacity = 0;
	uint8_t *bytes;
	char err[ERR_MAX];

	(void)state;
	encode(&bytes, &n, &forms[2]);
	n = n / 2;
	assert_int_equal(jpeg_decode_window(&image, &capacity, bytes, n, &top, err), 0);
	assert_int_equal(jpeg_decode_window(&image, &capacity, bytes, n, &bottom, err), -1);
	assert_says(err, "not a sound JPEG");
	assert_int_equal(jpeg_decode(&image, &capacity, bytes, n, err), -1);
	assert_says(err, "not a sound JPEG");
	image_free(&image);
	xfree(bytes);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(pixels_are_those_of_the_whole),
	cmocka_unit_test(views_are_those_of_the_whole),
	cmocka_unit_test(damage_above_the_last_row_is_found),
};
TEST_MAIN(cases)
