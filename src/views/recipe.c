/* recipe.c - what may happen to each view (the paper's Table 16), from the configuration. */
#include "views/recipe.h"

/* What all views share. */
static struct view_recipe view_common(const struct config *c)
{
	return (struct view_recipe){
		.flip = c->views.flip,
		.jitter = c->views.jitter,
		.grey = c->views.grey,
		.brightness = c->views.brightness,
		.contrast = c->views.contrast,
		.saturation = c->views.saturation,
		.hue = c->views.hue,
		.sigma_min = c->views.blur_sigma_min,
		.sigma_max = c->views.blur_sigma_max,
		.taps = c->views.blur_taps,
		.binarise = c->views.solarise == SOLARISE_BINARISE,
	};
}

/* The paper's odd views are those with an even index here. */
static void set_parity(struct view_recipe *v, const struct config *c, int index)
{
	int odd = index % 2 == 0;

	v->blur = odd ? c->views.blur_odd : c->views.blur_even;
	v->solarise = odd ? c->views.solarise_odd : c->views.solarise_even;
	v->area_min = odd ? c->views.large_area_min_odd : c->views.large_area_min_even;
	v->area_max = c->views.large_area_max;
}

static struct view_recipe view_large(const struct config *c, int index)
{
	struct view_recipe v = view_common(c);

	set_parity(&v, c, index);
	v.size = c->views.large_size;
	v.mask = c->views.mask;
	v.mask_min_share = c->views.mask_min_share;
	return v;
}

/* A small view is a crop of a small area, or the centre of a view made as a large one is. */
static struct view_recipe view_small(const struct config *c, int index)
{
	struct view_recipe v = view_common(c);

	set_parity(&v, c, index);
	v.small = 1;
	v.size = c->views.small_size;
	if (c->views.small_from == SMALL_CENTRE) {
		v.centre = c->views.large_size;
		CHECK(v.centre >= v.size, "a view of %d pixels has no centre of %d", v.centre,
			v.size);
		return v;
	}
	v.area_min = c->views.small_area_min;
	v.area_max = c->views.small_area_max;
	return v;
}

void recipe_init(struct recipe *r, const struct config *c)
{
	CHECK(c->views.large + c->views.small <= VIEWS_MAX, "%d + %d views are more than %d",
		c->views.large, c->views.small, VIEWS_MAX);
	*r = (struct recipe){ .large = c->views.large, .small = c->views.small };
	for (int i = 0; i < r->large; i++)
		r->view[i] = view_large(c, i);
	for (int i = 0; i < r->small; i++)
		r->view[r->large + i] = view_small(c, i);
}
