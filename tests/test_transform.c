/* Crops of evaluation: the centre by its formula, the random ones by their ranges and their places.
 */
#include "test.h"

#include <math.h>
#include <string.h>

#include "eval/transform.h"

static void centre_squares(void **state)
{
	/* width, height, then side int(0.875 min) and offsets ((length - side) + 1) / 2, worked out
	 * by hand */
	static const int known[][5] = {
		{ 500, 375, 328, 86, 24 },
		{ 375, 500, 328, 24, 86 },
		{ 256, 256, 224, 16, 16 },
		{ 255, 333, 223, 16, 55 },
		{ 8, 8, 7, 1, 1 },
		{ 3, 9, 2, 1, 4 },
		{ 1, 1, 1, 0, 0 },
		{ 1, 6, 1, 0, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct view_params p;

		transform_centre(&p, 48, known[i][0], known[i][1]);
		assert_int_equal(p.size, 48);
		assert_int_equal(p.w, known[i][2]);
		assert_int_equal(p.h, known[i][2]);
		assert_int_equal(p.x, known[i][3]);
		assert_int_equal(p.y, known[i][4]);
	}
}

static void centre_is_inside_for_all_sizes(void **state)
{
	struct view_params p;

	(void)state;
	for (int w = 1; w < 80; w++)
		for (int h = 1; h < 80; h++) {
			transform_centre(&p, 8, w, h);
			assert_true(p.x >= 0 && p.y >= 0 && p.w > 0 && p.x + p.w <= w &&
				p.y + p.h <= h);
			assert_true(!p.flip && !p.jitter && !p.grey && !p.taps && !p.solarise &&
				!p.masked && !p.cut_size);
		}
}

static void random_crops_have_their_ranges(void **state)
{
	enum { N = 4000, W = 400, H = 300 };
	double smallest = 1, largest = 0, flips = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		struct view_params p;
		double share;

		transform_random(&p, 32, 5, i / 100, (uint64_t)i, W, H);
		share = (double)p.w * p.h / (W * H);
		assert_true(p.x >= 0 && p.y >= 0 && p.w > 0 && p.h > 0 && p.x + p.w <= W &&
			p.y + p.h <= H);
		assert_true(!p.jitter && !p.grey && !p.taps && !p.solarise && !p.masked &&
			!p.cut_size && p.size == 32);
		smallest = fmin(smallest, share);
		largest = fmax(largest, share);
		flips += p.flip;
	}
	/* sides are whole pixels: a crop of 8 % has sides of about 98 */
	assert_true(smallest > 0.079 && smallest < 0.09);
	assert_true(largest > 0.95 && largest <= 1);
	assert_close(flips / N, 0.5, 5 * 0.5 / sqrt(N));
}

static int same(const struct view_params *a, const struct view_params *b)
{
	return a->x == b->x && a->y == b->y && a->w == b->w && a->h == b->h && a->flip == b->flip;
}

static void a_place_has_one_crop(void **state)
{
	struct view_params a, b;
	int equal = 0;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		transform_random(&a, 32, 7, 3, i, 400, 300);
		transform_random(&b, 32, 7, 3, i, 400, 300);
		assert_memory_equal(&a, &b, sizeof a);
		transform_random(&b, 32, 8, 3, i, 400, 300);
		equal += same(&a, &b);
		transform_random(&b, 32, 7, 4, i, 400, 300);
		equal += same(&a, &b);
		transform_random(&b, 32, 7, 3, i + 1000, 400, 300);
		equal += same(&a, &b);
	}
	assert_int_equal(equal, 0);
}

/* The crops that an encoder of the same seed was trained on are others. */
static void pre_training_is_not_repeated(void **state)
{
	const struct view_recipe recipe = {
		.size = 32, .area_min = 0.08, .area_max = 1, .flip = 0.5
	};
	struct view_params a, b;
	int equal = 0;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		transform_random(&a, 32, 7, 0, i, 400, 300);
		view_draw(&b, &recipe, 7, 0, i, 0, 400, 300, 0);
		equal += same(&a, &b);
	}
	assert_int_equal(equal, 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(centre_squares),
	cmocka_unit_test(centre_is_inside_for_all_sizes),
	cmocka_unit_test(random_crops_have_their_ranges),
	cmocka_unit_test(a_place_has_one_crop),
	cmocka_unit_test(pre_training_is_not_repeated),
};
TEST_MAIN(cases)
