/* transform.c - crops of evaluation. */
#include "eval/transform.h"

#include "base/rng.h"
#include "eval/probe.h"

void transform_centre(struct view_params *p, int size, int width, int height)
{
	int shorter = width < height ? width : height;
	int side = shorter * 7 / 8;

	if (side < 1)
		side = 1;
	*p = (struct view_params){ .size = size,
		.x = (width - side + 1) / 2,
		.y = (height - side + 1) / 2,
		.w = side,
		.h = side };
}

/* The crop is drawn as pre-training's are, but from a seed of its own: it must not repeat a view
 * that the encoder was trained on. */
static uint64_t crop_seed(uint64_t seed)
{
	struct rng r = rng_at(seed, RNG_PROBE, PROBE_CROPS, 0, 0);
	uint64_t high = rng_word(&r);

	return high << 32 | rng_word(&r);
}

void transform_random(struct view_params *p, int size, uint64_t seed, int64_t epoch, uint64_t image,
	int width, int height)
{
	const struct view_recipe recipe = {
		.size = size, .area_min = 0.08, .area_max = 1, .flip = 0.5
	};

	view_draw(p, &recipe, crop_seed(seed), epoch, image, 0, width, height, 0);
}
