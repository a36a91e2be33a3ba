/* Draws: what decides them, how often things happen, masks and centres.  Seeds are fixed: a test
 * that passes once always passes. */
#include "draw_fixture.h"

/* ---- the same numbers at the same place ---- */

static void a_place_decides(void **state)
{
	static const struct {
		uint64_t seed;
		int64_t epoch;
		uint64_t image;
		int view;
	} other[] = { { 8, 1, 2, 3 }, { 7, 2, 2, 3 }, { 7, 1, 3, 3 }, { 7, 1, 2, 4 },
		{ 7 + (1ull << 32), 1, 2, 3 }, { 7, 1, 2 + (1ull << 32), 3 },
		{ 7, 1, 2 + (1ull << 55), 3 } };
	struct view_params a, b;

	(void)state;
	view_draw(&a, &plain, 7, 1, 2, 3, 500, 375, 0.5f);
	view_draw(&b, &plain, 7, 1, 2, 3, 500, 375, 0.5f);
	assert_memory_equal(&a, &b, sizeof a);
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		view_draw(&b, &plain, other[i].seed, other[i].epoch, other[i].image, other[i].view,
			500, 375, 0.5f);
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
	cmocka_unit_test(masks_need_foreground),
	cmocka_unit_test(masks_are_drawn_for_each_view),
	cmocka_unit_test(centres_are_cut_from_larger_views),
};
TEST_MAIN(cases)
