/* Draws against their distributions.  Seeds are fixed: a test that passes once always passes. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "views/draw.h"

enum { BINS = 20, DRAWS = 20000, SIDE = 20000 };
static const double chi2_19 = 43.8, chi2_23 = 49.7; /* exceeded once in a thousand, degrees of freedom */

static const struct view_recipe plain = {
	.size = 224,
	.area_min = 0.08,
	.area_max = 0.5,
	.flip = 0.5,
	.jitter = 0.8,
	.grey = 0.2,
	.blur = 0.1,
	.solarise = 0.2,
	.brightness = 0.4,
	.contrast = 0.4,
	.saturation = 0.2,
	.hue = 0.1,
	.sigma_min = 0.1,
	.sigma_max = 2,
	.taps = 23,
	.mask = 0.3,
	.mask_min_share = 0.05,
};

/* Image i of a large square, so that crops are not cut. */
static struct view_params draw(const struct view_recipe *r, uint64_t i)
{
	struct view_params p;

	view_draw(&p, r, 5, 3, i, 1, SIDE, SIDE, 0.5f);
	return p;
}

/* ---- the same numbers at the same place ---- */

static void a_place_decides(void **state)
{
	static const struct {
		uint64_t seed;
		int64_t epoch;
		uint64_t image;
		int view;
	} other[] = { { 8, 1, 2, 3 }, { 7, 2, 2, 3 }, { 7, 1, 3, 3 }, { 7, 1, 2, 4 }, { 7 + (1ull << 32), 1, 2, 3 },
		{ 7, 1, 2 + (1ull << 32), 3 }, { 7, 1, 2 + (1ull << 55), 3 } };
	struct view_params a, b;

	(void)state;
	view_draw(&a, &plain, 7, 1, 2, 3, 500, 375, 0.5f);
	view_draw(&b, &plain, 7, 1, 2, 3, 500, 375, 0.5f);
	assert_memory_equal(&a, &b, sizeof a);
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		view_draw(&b, &plain, other[i].seed, other[i].epoch, other[i].image, other[i].view, 500, 375, 0.5f);
		assert_true(a.brightness != b.brightness && a.sigma != b.sigma);
	}
}

/* Every probability and range may change without a change of the other numbers. */
static void numbers_do_not_shift(void **state)
{
	struct view_recipe never = plain;

	(void)state;
	never.flip = never.jitter = never.grey = never.blur = never.solarise = never.mask = 0;
	for (uint64_t i = 0; i < 200; i++) {
		struct view_params a = draw(&plain, i), b = draw(&never, i);

		assert_false(b.flip || b.jitter || b.grey || b.taps || b.solarise || b.masked);
		b.flip = a.flip, b.jitter = a.jitter, b.grey = a.grey;
		b.taps = a.taps, b.solarise = a.solarise, b.masked = a.masked;
		assert_memory_equal(&a, &b, sizeof a);
	}
}

/* ---- probabilities ---- */

struct tally {
	int flip, jitter, grey, blur, solarise, masked;
};

static struct tally count_flags(const struct view_recipe *r, int n)
{
	struct tally t = { 0 };

	for (int i = 0; i < n; i++) {
		struct view_params p = draw(r, i);

		t.flip += p.flip;
		t.jitter += p.jitter;
		t.grey += p.grey;
		t.blur += p.taps == r->taps;
		t.solarise += p.solarise == VIEW_INVERT;
		t.masked += p.masked;
	}
	return t;
}

static void check_share(int count, double p)
{
	assert_close(count / (double)DRAWS, p, 5 * sqrt(p * (1 - p) / DRAWS));
}

static void flags_have_their_probabilities(void **state)
{
	struct tally t = count_flags(&plain, DRAWS);

	(void)state;
	check_share(t.flip, plain.flip);
	check_share(t.jitter, plain.jitter);
	check_share(t.grey, plain.grey);
	check_share(t.blur, plain.blur);
	check_share(t.solarise, plain.solarise);
	check_share(t.masked, plain.mask);
}

static void one_is_always(void **state)
{
	struct view_recipe r = plain;
	struct tally t;

	(void)state;
	r.flip = r.jitter = r.grey = r.blur = r.solarise = r.mask = 1;
	t = count_flags(&r, 1000);
	assert_int_equal(t.flip, 1000);
	assert_int_equal(t.jitter, 1000);
	assert_int_equal(t.grey, 1000);
	assert_int_equal(t.blur, 1000);
	assert_int_equal(t.solarise, 1000);
	assert_int_equal(t.masked, 1000);
	r.binarise = 1;
	assert_int_equal(draw(&r, 0).solarise, VIEW_BINARISE);
}

/* ---- ranges ---- */

static double brightness(const struct view_params *p)
{
	return p->brightness;
}

static double contrast(const struct view_params *p)
{
	return p->contrast;
}

static double saturation(const struct view_params *p)
{
	return p->saturation;
}

static double hue(const struct view_params *p)
{
	return p->hue;
}

static double sigma(const struct view_params *p)
{
	return p->sigma;
}

static double background(const struct view_params *p)
{
	return p->background;
}

static double area(const struct view_params *p)
{
	return (double)p->w * p->h / SIDE / SIDE;
}

static double aspect(const struct view_params *p)
{
	return log((double)p->w / p->h);
}

static double offset_x(const struct view_params *p)
{
	return (double)p->x / (SIDE - p->w + 1);
}

static double offset_y(const struct view_params *p)
{
	return (double)p->y / (SIDE - p->h + 1);
}

/* slack: areas and aspects are those of rounded sides. */
static void values_are_uniform_in_their_ranges(void **state)
{
	static const struct {
		double (*value)(const struct view_params *);
		double lo, hi, slack;
	} ranges[] = { { brightness, -0.4, 0.4, 1e-7 }, { contrast, 0.6, 1.4, 1e-7 }, { saturation, 0.8, 1.2, 1e-7 },
		{ hue, -0.1, 0.1, 1e-7 }, { sigma, 0.1, 2, 1e-7 }, { background, 0, 1, 1e-7 }, { area, 0.08, 0.5, 1e-4 },
		{ aspect, -0.28768207, 0.28768207, 2e-4 }, { offset_x, 0, 1, 0 }, { offset_y, 0, 1, 0 } };

	(void)state;
	for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
		int seen[BINS] = { 0 };
		double chi2 = 0, expected = DRAWS / (double)BINS;

		for (int i = 0; i < DRAWS; i++) {
			struct view_params p = draw(&plain, i);
			double v = ranges[k].value(&p), place = (v - ranges[k].lo) / (ranges[k].hi - ranges[k].lo) * BINS;

			assert_true(v >= ranges[k].lo - ranges[k].slack && v <= ranges[k].hi + ranges[k].slack);
			seen[place < 0 ? 0 : place >= BINS ? BINS - 1 : (int)place]++;
		}
		for (int i = 0; i < BINS; i++)
			chi2 += (seen[i] - expected) * (seen[i] - expected) / expected;
		assert_in_range((uintmax_t)(1000 * chi2), 1, (uintmax_t)(1000 * chi2_19));
	}
}

static void all_orders_are_as_likely(void **state)
{
	int seen[256] = { 0 }, orders = 0;
	double chi2 = 0, expected = DRAWS / 24.0;

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		struct view_params p = draw(&plain, i);
		int held = 0, code = 0;

		for (int k = 0; k < 4; k++) {
			assert_in_range(p.order[k], 0, 3);
			held |= 1 << p.order[k];
			code = 4 * code + p.order[k];
		}
		assert_int_equal(held, 15);
		seen[code]++;
	}
	for (int code = 0; code < 256; code++)
		if (seen[code] > 0) {
			orders++;
			chi2 += (seen[code] - expected) * (seen[code] - expected) / expected;
		}
	assert_int_equal(orders, 24);
	assert_true(chi2 < chi2_23);
}

/* All places of a window are drawn, the first and last pixel too. */
static void offsets_reach_both_ends(void **state)
{
	struct view_recipe r = plain;
	int seen[8] = { 0 };

	(void)state;
	r.area_min = r.area_max = 0.1;
	for (int i = 0; i < 8000; i++) {
		struct view_params p;

		view_draw(&p, &r, 1, 0, i, 0, 10, 10, 0);
		if (p.w == 3)
			seen[p.x]++;
		assert_true(p.x >= 0 && p.x + p.w <= 10 && p.y >= 0 && p.y + p.h <= 10);
	}
	for (int i = 0; i < 8; i++)
		assert_in_range(seen[i], seen[0] / 2, seen[0] * 2);
}

/* ---- the clamp rule ---- */

/* share: of the limit, before it is cut, known to 0.2 % from the crop of the large square by the same numbers. */
static void check_side(int side, int limit, double share)
{
	double expected = fmin(share * limit, limit);

	assert_in_range(side, 1, limit);
	assert_close(side, fmax(expected, 1), 0.5 + 0.002 * expected);
}

static void sides_are_cut_to_the_image(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 1, 1000 }, { 33, 17 }, { 5000, 7 }, { 3, 1 }, { 2, 2 } };
	struct view_recipe r = plain;

	(void)state;
	r.area_max = 0.55; /* the square's sides are never cut */
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
		for (int i = 0; i < 500; i++) {
			int w = sizes[k][0], h = sizes[k][1];
			struct view_params square = draw(&r, i), p;
			double stretch = sqrt((double)h / w);

			view_draw(&p, &r, 5, 3, i, 1, w, h, 0.5f);
			check_side(p.w, w, (double)square.w / SIDE * stretch);
			check_side(p.h, h, (double)square.h / SIDE / stretch);
			assert_true(p.x >= 0 && p.x + p.w <= w && p.y >= 0 && p.y + p.h <= h);
		}
}

/* ---- masks, centres ---- */

static int count_masked(const struct view_recipe *r, float foreground)
{
	int n = 0;

	for (int i = 0; i < 1000; i++) {
		struct view_params p;

		view_draw(&p, r, 1, 0, i, 0, 100, 100, foreground);
		n += p.masked;
	}
	return n;
}

static void masks_need_foreground(void **state)
{
	struct view_recipe r = plain;

	(void)state;
	r.mask = 1;
	r.mask_min_share = 0.0625;
	assert_int_equal(count_masked(&r, 0), 0);
	assert_int_equal(count_masked(&r, 0.0624f), 0);
	assert_int_equal(count_masked(&r, 0.0625f), 1000);
	r.mask_min_share = 0;
	assert_int_equal(count_masked(&r, 0), 0);
	r.small = 1;
	assert_int_equal(count_masked(&r, 1), 0);
}

/* Not sticky: that view 0 was masked says nothing about view 1. */
static void masks_are_drawn_for_each_view(void **state)
{
	int both = 0, either = 0;

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		struct view_params a, b;

		view_draw(&a, &plain, 1, 0, i, 0, 100, 100, 0.5f);
		view_draw(&b, &plain, 1, 0, i, 1, 100, 100, 0.5f);
		both += a.masked && b.masked;
		either += a.masked || b.masked;
	}
	check_share(both, 0.3 * 0.3);
	check_share(either, 1 - 0.7 * 0.7);
}

static void centres_are_cut_from_larger_views(void **state)
{
	struct view_recipe r = plain;

	(void)state;
	assert_int_equal(draw(&r, 0).cut_size, 0);
	r.size = 96;
	r.centre = 224;
	assert_int_equal(draw(&r, 0).size, 96);
	assert_int_equal(draw(&r, 0).cut_size, 224);
	r.centre = 96;
	assert_int_equal(draw(&r, 0).cut_size, 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_place_decides),
	cmocka_unit_test(numbers_do_not_shift),
	cmocka_unit_test(flags_have_their_probabilities),
	cmocka_unit_test(one_is_always),
	cmocka_unit_test(values_are_uniform_in_their_ranges),
	cmocka_unit_test(all_orders_are_as_likely),
	cmocka_unit_test(offsets_reach_both_ends),
	cmocka_unit_test(sides_are_cut_to_the_image),
	cmocka_unit_test(masks_need_foreground),
	cmocka_unit_test(masks_are_drawn_for_each_view),
	cmocka_unit_test(centres_are_cut_from_larger_views),
};
TEST_MAIN(cases)
