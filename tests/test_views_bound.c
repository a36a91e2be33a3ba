/* How far a fast path may be from the plain one: VIEW_BOUND in every value, for whatever a recipe
 * can draw of an image of any shape.  Binarised views are left to test_views_batch.c: a step has no
 * bound. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "kernel.h"
#include "view.h"
#include "view_fixture.h"
#include "view_math.h"

/* ---- recipes and images ---- */

/* What is set beside the defaults, which are the paper's; `large` and `few` images on the CPU and
 * elsewhere, where a double of a GPU may be slow. */
static const struct trial {
	const char *name, *settings;
	int large, few;
} trials[] = {
	{ "the paper's", "views: {mask: 0.5, mask_min_share: 0}", 12, 1 },
	{ "all at once",
		"views: {large: 2, small: 2, large_size: 97, small_size: 33, jitter: 1, grey: 0.3, "
		"blur_odd: 1, solarise_odd: 0.5, solarise_even: 0.5, mask: 1}",
		60, 8 },
	{ "as strong as can be",
		"views: {large: 2, small: 2, large_size: 65, small_size: 17, brightness: 1, "
		"contrast: 1, saturation: 1, hue: 0.5, jitter: 1, blur_odd: 0.5, blur_even: 0.5, "
		"blur_taps: 63, blur_sigma_max: 30, solarise_odd: 0.5, solarise_even: 0.5, "
		"small_area_min: 0.0001, small_area_max: 1, mask: 0.5}",
		60, 8 },
	{ "centres",
		"views: {large: 1, small: 2, large_size: 73, small_size: 31, small_from: centre, "
		"jitter: 1, blur_odd: 0.7, solarise_even: 0.5}",
		30, 4 },
};
enum { TRIALS = sizeof trials / sizeof *trials };

/* Tiny images, which are enlarged; tall and wide ones; and any. */
static struct image some_image(uint32_t trial, uint32_t i)
{
	static const int range[][4] = { { 1, 7, 1, 7 }, { 1, 23, 151, 601 }, { 151, 601, 1, 23 },
		{ 1, 301, 1, 301 }, { 301, 501, 201, 375 } };
	const int *side = range[i % 5];
	struct rng r = rng_at(trial, RNG_PROBE, i, 3, 0);
	int w = side[0] + (int)rng_below(&r, (uint32_t)(side[1] - side[0] + 1));
	int h = side[2] + (int)rng_below(&r, (uint32_t)(side[3] - side[2] + 1));

	return picture(w, h, i);
}

/* ---- the bound ---- */

/* The largest difference of the device's view from the plain one, in 0..1. */
static double difference(struct device *dev, const struct image *im, const struct view_params *p)
{
	static const double deviation[3] = { 0.229, 0.224, 0.225 };
	size_t n = (size_t)p->size * (size_t)p->size * 3;
	float *fast = xaligned(n * sizeof *fast), *naive = xmalloc(n * sizeof *naive);
	double most = 0;

	views_of(dev, fast, im, 1, p, 1, 0);
	view_naive(naive, im, p);
	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)fast[i] - (double)naive[i]) * deviation[i % 3];

		if (!(d <= most))
			most = isnan(d) ? INFINITY : d;
	}
	xfree(fast);
	xfree(naive);
	return most;
}

/* The largest over all views of an image. */
static double image_difference(
	struct device *dev, const struct recipe *r, uint32_t trial, uint32_t i)
{
	struct image im = some_image(trial, i);
	double most = 0;

	for (int v = 0; v < r->large + r->small; v++) {
		struct view_params p;

		view_draw(&p, &r->view[v], trial, 1, i, v, im.width, im.height, im.foreground);
		most = fmax(most, difference(dev, &im, &p));
	}
	picture_free(&im);
	return most;
}

static double trial_difference(struct device *dev, int trial)
{
	const struct trial *t = &trials[trial];
	int images = device_is_cpu() ? t->large : t->few;
	struct recipe r;
	struct config c;
	char err[ERR_MAX] = "";
	double most = 0;

	config_default(&c);
	config_parse(&c, t->settings, strlen(t->settings), t->name, err);
	config_check(&c, err);
	assert_string_equal(err, "");
	recipe_init(&r, &c);
	for (int i = 0; i < images; i++)
		most = fmax(most, image_difference(dev, &r, (uint32_t)trial, (uint32_t)i));
	print_message("# %s: %d images, largest difference %.2g of %.2g\n", t->name, images, most,
		VIEW_BOUND);
	config_free(&c);
	return most;
}

/* The second limit is some times what is measured, so that a path that is wrong by a part of the
 * bound is noticed too. */
static void every_draw_is_within_the_bound(void **state)
{
	struct device *dev = device_open(1);

	(void)state;
	for (int i = 0; i < TRIALS; i++) {
		double most = trial_difference(dev, i);

		assert_true(most <= VIEW_BOUND);
		assert_true(most <= 2e-5);
	}
	device_close(dev);
}

/* ---- the blur's taps ---- */

enum { TAPS_MAX = 63 };

static const double cut_most = 4e-6; /* as view_math.h says; 1/1024 is what is asked for */

/* Weight that view_blur_radius cuts off, of both directions together. */
static double cut(int taps, double sigma)
{
	float weight[TAPS_MAX / 2 + 1];
	double kept;
	int radius;

	view_blur_weights(weight, taps, (float)sigma);
	radius = view_blur_radius(weight, taps / 2);
	assert_true(radius == taps / 2 || fabs(radius + 0.5 - 5.265 * sigma) <= 0.51);
	kept = (double)weight[0];
	for (int k = 1; k <= radius; k++)
		kept += 2 * (double)weight[k];
	return 1 - kept * kept;
}

static void the_blur_cuts_little(void **state)
{
	double most = 0;

	(void)state;
	assert_true(cut_most < 1.0 / 1024);
	for (int taps = 1; taps <= TAPS_MAX; taps += 2)
		for (double sigma = 0.01; sigma < 100; sigma *= 1.003)
			most = fmax(most, cut(taps, sigma));
	print_message("# weight that is cut off: at most %.2g\n", most);
	assert_true(most <= cut_most);
}

/* Of a Gaussian without end, in both directions: the paper's 23 taps and deviation of 0.1 to 2. */
static void the_papers_taps_cut_little(void **state)
{
	(void)state;
	for (double sigma = 0.1; sigma <= 2; sigma += 0.01) {
		double all = 0, taps = 0;

		for (int k = -100; k <= 100; k++) {
			double w = exp(-k * k / (2 * sigma * sigma));

			all += w;
			taps += abs(k) <= 11 ? w : 0;
		}
		assert_close(taps * taps / (all * all), 1, 2e-8);
	}
}

/* The middle of a white image loses what is cut off, and nothing else. */
static void white_stays_white(void **state)
{
	static const float sigmas[] = { 0.1f, 0.19f, 0.38f, 1, 2, 4, 5.5f, 100 };
	struct image white = { 65, 65, xmalloc(65 * 65 * 3), NULL, 0 };
	struct view_params p = view_whole(&white, 65);

	(void)state;
	memset(white.rgb, 255, 65 * 65 * 3);
	for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++)
		for (p.taps = 1; p.taps <= TAPS_MAX; p.taps += 2) {
			float *x;

			p.sigma = sigmas[i];
			x = view_values(&white, &p, 0);
			assert_close((double)x[3 * (32 * 65 + 32)], 1, cut_most + 4e-6);
			xfree(x);
		}
	xfree(white.rgb);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(every_draw_is_within_the_bound),
	cmocka_unit_test(the_blur_cuts_little),
	cmocka_unit_test(the_papers_taps_cut_little),
	cmocka_unit_test(white_stays_white),
};
TEST_MAIN(cases)
