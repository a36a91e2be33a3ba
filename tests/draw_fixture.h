#ifndef DRAW_FIXTURE_H
#define DRAW_FIXTURE_H

#include <math.h>

#include "test.h"
#include "views/draw.h"

enum { DRAWS = 20000, SIDE = 20000 };

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
static inline struct view_params draw(const struct view_recipe *r, uint64_t i)
{
	struct view_params p;

	view_draw(&p, r, 5, 3, i, 1, SIDE, SIDE, 0.5f);
	return p;
}

/* Counts of DRAWS draws within five standard errors. */
static inline void check_share(int count, double p)
{
	assert_close(count / (double)DRAWS, p, 5 * sqrt(p * (1 - p) / DRAWS));
}

#endif
