/* Every operation of a view against the double-precision reference, and against values worked by
 * hand. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "view_fixture.h"

static const int odd_sizes[] = { 1, 3, 17, 33, 96, 224 };
enum { SIZES = sizeof odd_sizes / sizeof *odd_sizes };

/* ---- crop, resize, flip ---- */

/* Worked by hand: places -1/4, 1/4, 3/4, 5/4; Keys' weights at 1/4 and 3/4 are 0.8671875 and
 * 0.2265625. */
static void two_pixels_become_four(void **state)
{
	uint8_t rgb[6] = { 0, 0, 0, 255, 255, 255 };
	struct image im = { .width = 2, .height = 1, .rgb = rgb };
	struct view_params p = view_whole(&im, 4);
	const double expected[4] = { 0, 0.2265625 / 1.09375, 0.8671875 / 1.09375, 1 };

	(void)state;
	for (int naive = 0; naive < 2; naive++) {
		float *x = view_values(&im, &p, naive);

		for (int i = 0; i < 48; i++)
			assert_close(x[i], expected[i / 3 % 4], 1e-6);
		xfree(x);
	}
}

static void bicubic_is_the_direct_sum(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++)
		for (int k = 0; k < SIZES; k++) {
			struct image im = picture(odd_sizes[i], odd_sizes[(i + k) % SIZES], i);
			struct view_params p =
				view_whole(&im, odd_sizes[k] == 224 ? 97 : odd_sizes[k]);

			p.flip = k % 2;
			view_check(&im, &p, 3e-6);
			picture_free(&im);
		}
}

static void equal_size_copies(void **state)
{
	struct image im = picture(33, 33, 1);
	struct view_params p = view_whole(&im, 33);
	float *x = view_values(&im, &p, 0);

	(void)state;
	for (int i = 0; i < 33 * 33 * 3; i++)
		assert_close(x[i], im.rgb[i] / 255.0, 1e-6);
	xfree(x);
	picture_free(&im);
}

/* ---- colours ---- */

/* Every colour of a 16-step cube, among them greys, black and white. */
static struct image cube(void)
{
	struct image im = { .width = 64, .height = 64, .rgb = xmalloc(64 * 64 * 3) };

	for (int i = 0; i < 4096; i++)
		for (int c = 0; c < 3; c++)
			im.rgb[3 * i + c] = (uint8_t)(17 * (i >> (4 * c) & 15));
	return im;
}

static void jitter_follows_the_formulas(void **state)
{
	static const struct {
		enum jitter_op op;
		float value;
	} trials[] = { { JITTER_BRIGHTNESS, -0.4f }, { JITTER_BRIGHTNESS, 0.13f },
		{ JITTER_CONTRAST, 0 }, { JITTER_CONTRAST, 0.6f }, { JITTER_CONTRAST, 1.4f },
		{ JITTER_SATURATION, 0 }, { JITTER_SATURATION, 0.8f }, { JITTER_SATURATION, 1.2f },
		{ JITTER_SATURATION, 5 }, { JITTER_HUE, 0 }, { JITTER_HUE, 0.1f },
		{ JITTER_HUE, -0.1f }, { JITTER_HUE, 0.5f }, { JITTER_HUE, -0.5f },
		{ JITTER_HUE, -1e-9f } };
	struct image im = cube();

	(void)state;
	for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
		struct view_params p = view_whole(&im, 64);

		p.jitter = 1;
		p.brightness = trials[i].op == JITTER_BRIGHTNESS ? trials[i].value : 0;
		p.contrast = trials[i].op == JITTER_CONTRAST ? trials[i].value : 1;
		p.saturation = trials[i].op == JITTER_SATURATION ? trials[i].value : 1;
		p.hue = trials[i].op == JITTER_HUE ? trials[i].value : 0;
		view_check(&im, &p, 2e-6);
	}
	picture_free(&im);
}

/* Red becomes green, green blue, blue red; and all colours come back after a whole turn. */
static void a_third_of_a_turn_moves_channels(void **state)
{
	struct image im = cube();
	struct view_params third = view_whole(&im, 64), turn = third;
	float *x, *y;

	(void)state;
	third.jitter = turn.jitter = 1;
	third.hue = 1.0f / 3;
	turn.hue = 1;
	x = view_values(&im, &third, 0);
	y = view_values(&im, &turn, 0);
	for (int i = 0; i < 4096; i++)
		for (int c = 0; c < 3; c++) {
			assert_close(x[3 * i + (c + 1) % 3], im.rgb[3 * i + c] / 255.0, 2e-6);
			assert_close(y[3 * i + c], im.rgb[3 * i + c] / 255.0, 2e-6);
		}
	xfree(x);
	xfree(y);
	picture_free(&im);
}

/* A channel of two values about its own mean: 0.2 and 0.4 with factor 1.4 become 0.16 and 0.44,
 * whatever the others are. */
static void contrast_is_about_each_channels_mean(void **state)
{
	uint8_t rgb[12] = { 51, 0, 255, 102, 0, 255, 102, 0, 255, 51, 0, 255 };
	struct image im = { .width = 2, .height = 2, .rgb = rgb };
	struct view_params p = view_whole(&im, 2);

	(void)state;
	p.jitter = 1;
	p.contrast = 1.4f;
	for (int naive = 0; naive < 2; naive++) {
		float *x = view_values(&im, &p, naive);

		for (int i = 0; i < 4; i++) {
			assert_close(x[3 * i], rgb[3 * i] == 51 ? 0.16 : 0.44, 1e-6);
			assert_close(x[3 * i + 1], 0, 1e-6);
			assert_close(x[3 * i + 2], 1, 1e-6);
		}
		xfree(x);
	}
}

static void the_order_of_jitter_is_kept(void **state)
{
	struct image im = picture(33, 17, 3);
	struct view_params p = view_whole(&im, 33);

	(void)state;
	p.jitter = 1;
	p.brightness = 0.3f, p.contrast = 1.4f, p.saturation = 1.2f, p.hue = 0.1f;
	for (int code = 0; code < 256; code++) {
		int held = 0;

		for (int k = 0; k < 4; k++) {
			p.order[k] = code >> (2 * k) & 3;
			held |= 1 << p.order[k];
		}
		if (held == 15)
			view_check(&im, &p, 5e-6);
	}
	picture_free(&im);
}

/* Binarising compares with one half exactly, so only values away from it are given. */
static void grey_and_solarise(void **state)
{
	struct image im = cube();

	(void)state;
	for (int grey = 0; grey < 2; grey++)
		for (int solarise = VIEW_PLAIN; solarise <= VIEW_BINARISE; solarise++) {
			struct view_params p = view_whole(&im, 64);

			p.grey = grey;
			p.solarise = solarise;
			if (!(grey && solarise == VIEW_BINARISE))
				view_check(&im, &p, 2e-6);
		}
	picture_free(&im);
}

/* ---- blur ---- */

/* Zeros come in at the border: a constant c becomes c times the share of the taps inside, along
 * each side. */
static void blur_darkens_the_border_of_a_constant(void **state)
{
	static uint8_t rgb[33 * 33 * 3];
	struct image im = { .width = 33, .height = 33, .rgb = rgb };
	struct view_params p = view_whole(&im, 33);
	double share[33], total = 0;
	float *x;

	(void)state;
	memset(rgb, 204, sizeof rgb);
	p.taps = 23;
	p.sigma = 2;
	for (int k = -11; k <= 11; k++)
		total += exp(-k * k / 8.0);
	for (int i = 0; i < 33; i++) {
		share[i] = 0;
		for (int k = -11; k <= 11; k++)
			share[i] += i + k >= 0 && i + k < 33 ? exp(-k * k / 8.0) / total : 0;
	}
	x = view_values(&im, &p, 0);
	for (int i = 0; i < 33 * 33 * 3; i++)
		assert_close(x[i], 0.8 * share[i / 3 % 33] * share[i / 99], 1e-5);
	assert_close(x[3 * (16 * 33 + 16)], 0.8, 1e-5);
	assert_true(x[0] < 0.8 * 0.4);
	xfree(x);
}

static void blur_follows_the_formula(void **state)
{
	static const float sigmas[] = { 0.1f, 0.5f, 1.05f, 2, 7 };
	static const int taps[] = { 1, 9, 23 };

	(void)state;
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 5; k++) {
			struct image im = picture(odd_sizes[i], odd_sizes[i], k);
			struct view_params p = view_whole(&im, odd_sizes[i]);

			p.sigma = sigmas[k];
			for (int t = 0; t < 3; t++) {
				p.taps = taps[t];
				view_check(&im, &p, 1e-5);
			}
			picture_free(&im);
		}
}

/* ---- masks and centres ---- */

static void the_background_is_replaced_before_the_crop(void **state)
{
	struct image im = picture(45, 37, 5);
	struct view_params p = view_whole(&im, 33);

	(void)state;
	p.masked = 1;
	p.background = 0.37f;
	view_check(&im, &p, 3e-6);
	p.x = 13, p.y = 9, p.w = 19, p.h = 21;
	view_check(&im, &p, 3e-6);
	picture_free(&im);
}

static void the_centre_of_a_view(void **state)
{
	struct image im = picture(60, 50, 6);
	struct view_params large = view_whole(&im, 33), small;
	float *a, *b;

	(void)state;
	large.jitter = 1;
	large.contrast = 1.3f;
	large.taps = 9;
	large.sigma = 1;
	small = large;
	small.size = 12;
	small.cut_size = 33;
	view_check(&im, &small, 1e-5);
	a = view_values(&im, &large, 0);
	b = view_values(&im, &small, 0);
	for (int y = 0; y < 12; y++)
		assert_memory_equal(b + 36 * y, a + ((10 + y) * 33 + 10) * 3, 36 * sizeof *a);
	xfree(a);
	xfree(b);
	picture_free(&im);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(two_pixels_become_four),
	cmocka_unit_test(bicubic_is_the_direct_sum),
	cmocka_unit_test(equal_size_copies),
	cmocka_unit_test(jitter_follows_the_formulas),
	cmocka_unit_test(a_third_of_a_turn_moves_channels),
	cmocka_unit_test(contrast_is_about_each_channels_mean),
	cmocka_unit_test(the_order_of_jitter_is_kept),
	cmocka_unit_test(grey_and_solarise),
	cmocka_unit_test(blur_darkens_the_border_of_a_constant),
	cmocka_unit_test(blur_follows_the_formula),
	cmocka_unit_test(the_background_is_replaced_before_the_crop),
	cmocka_unit_test(the_centre_of_a_view),
};
TEST_MAIN(cases)
