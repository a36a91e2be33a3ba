/* Draws: values against their distributions, and the rule that cuts crops to the image. */
#include "draw_fixture.h"

enum { BINS = 20 };
/* With 19 and 23 degrees of freedom exceeded once in a thousand. */
static const double chi2_19 = 43.8, chi2_23 = 49.7;

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
	} ranges[] = { { brightness, -0.4, 0.4, 1e-7 }, { contrast, 0.6, 1.4, 1e-7 },
		{ saturation, 0.8, 1.2, 1e-7 }, { hue, -0.1, 0.1, 1e-7 }, { sigma, 0.1, 2, 1e-7 },
		{ background, 0, 1, 1e-7 }, { area, 0.08, 0.5, 1e-4 },
		{ aspect, -0.28768207, 0.28768207, 2e-4 }, { offset_x, 0, 1, 0 },
		{ offset_y, 0, 1, 0 } };

	(void)state;
	for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
		int seen[BINS] = { 0 };
		double chi2 = 0, expected = DRAWS / (double)BINS;

		for (int i = 0; i < DRAWS; i++) {
			struct view_params p = draw(&plain, i);
			double v = ranges[k].value(&p),
			       place = (v - ranges[k].lo) / (ranges[k].hi - ranges[k].lo) * BINS;

			assert_true(v >= ranges[k].lo - ranges[k].slack &&
				v <= ranges[k].hi + ranges[k].slack);
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

/* share: of the limit, before it is cut, known to 0.2 % from the crop of the large square by the
 * same numbers. */
static void check_side(int side, int limit, double share)
{
	double expected = fmin(share * limit, limit);

	assert_in_range(side, 1, limit);
	assert_close(side, fmax(expected, 1), 0.5 + 0.002 * expected);
}

static void sides_are_cut_to_the_image(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 1, 1000 }, { 33, 17 }, { 5000, 7 }, { 3, 1 },
		{ 2, 2 } };
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

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(values_are_uniform_in_their_ranges),
	cmocka_unit_test(all_orders_are_as_likely),
	cmocka_unit_test(offsets_reach_both_ends),
	cmocka_unit_test(sides_are_cut_to_the_image),
};
TEST_MAIN(cases)
