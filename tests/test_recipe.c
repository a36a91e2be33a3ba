/* Recipes against the paper's Table 16. */
#include "test.h"

#include "views/recipe.h"

static struct recipe recipe_of(struct config *c)
{
	struct recipe r;

	recipe_init(&r, c);
	config_free(c);
	return r;
}

static void check_shared(const struct view_recipe *v)
{
	assert_close(v->flip, 0.5, 0);
	assert_close(v->jitter, 0.8, 0);
	assert_close(v->grey, 0.2, 0);
	assert_close(v->brightness, 0.4, 0);
	assert_close(v->contrast, 0.4, 0);
	assert_close(v->saturation, 0.2, 0);
	assert_close(v->hue, 0.1, 0);
	assert_close(v->sigma_min, 0.1, 0);
	assert_close(v->sigma_max, 2.0, 0);
	assert_int_equal(v->taps, 23);
	assert_int_equal(v->binarise, 0);
	assert_int_equal(v->centre, 0);
}

static void check_odd(const struct view_recipe *v, int odd)
{
	assert_close(v->blur, odd ? 0.1 : 1.0, 0);
	assert_close(v->solarise, odd ? 0.2 : 0.0, 0);
}

static void table_16(void **state)
{
	struct config c;
	struct recipe r;

	(void)state;
	config_default(&c);
	r = recipe_of(&c);
	assert_int_equal(r.large, 4);
	assert_int_equal(r.small, 2);
	for (int i = 0; i < 4; i++) {
		check_shared(&r.view[i]);
		check_odd(&r.view[i], i == 0 || i == 2);
		assert_int_equal(r.view[i].size, 224);
		assert_int_equal(r.view[i].small, 0);
		assert_close(r.view[i].area_min, i == 0 || i == 2 ? 0.14 : 0.08, 0);
		assert_close(r.view[i].area_max, 1, 0);
	}
	for (int i = 4; i < 6; i++) {
		check_shared(&r.view[i]);
		check_odd(&r.view[i], i == 4);
		assert_int_equal(r.view[i].size, 96);
		assert_int_equal(r.view[i].small, 1);
		assert_close(r.view[i].area_min, 0.05, 0);
		assert_close(r.view[i].area_max, 0.14, 0);
	}
}

static void small_views_count_for_themselves(void **state)
{
	struct config c;
	struct recipe r;

	(void)state;
	config_default(&c);
	c.views.large = 3;
	c.views.small = 6;
	r = recipe_of(&c);
	for (int i = 0; i < 3; i++)
		check_odd(&r.view[i], i % 2 == 0);
	for (int i = 0; i < 6; i++)
		check_odd(&r.view[3 + i], i % 2 == 0); /* the first is odd, though 4th of all */
}

static void masks_are_for_large_views(void **state)
{
	struct config c;
	struct recipe r;

	(void)state;
	config_default(&c);
	c.views.mask = 0.25;
	c.views.mask_min_share = 0.07;
	r = recipe_of(&c);
	for (int i = 0; i < 6; i++)
		assert_close(r.view[i].mask, i < 4 ? 0.25 : 0, 0);
	assert_close(r.view[0].mask_min_share, 0.07, 0);
}

static void flags_of_the_spec(void **state)
{
	struct config c;
	struct recipe r;

	(void)state;
	config_default(&c);
	c.views.solarise = SOLARISE_BINARISE;
	c.views.small_from = SMALL_CENTRE;
	r = recipe_of(&c);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(r.view[i].binarise, 1);
		assert_int_equal(r.view[i].centre, i < 4 ? 0 : 224);
		assert_int_equal(r.view[i].size, i < 4 ? 224 : 96);
		assert_close(r.view[i].area_min, i % 2 == 0 ? 0.14 : 0.08, 0);
		assert_close(r.view[i].area_max, 1, 0);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(table_16),
	cmocka_unit_test(small_views_count_for_themselves),
	cmocka_unit_test(masks_are_for_large_views),
	cmocka_unit_test(flags_of_the_spec),
};
TEST_MAIN(cases)
