/* draw.c - the numbers of one view.
 * All numbers are drawn for every view, each from its own place in the list below, whether it is
 * used or not: a changed probability or range changes nothing else of a view.  Append only. */
#include "views/draw.h"

#include <math.h>

#include "base/rng.h"

enum draw {
	DRAW_AREA,
	DRAW_ASPECT,
	DRAW_X,
	DRAW_Y,
	DRAW_FLIP,
	DRAW_JITTER,
	DRAW_ORDER,
	DRAW_BRIGHTNESS,
	DRAW_CONTRAST,
	DRAW_SATURATION,
	DRAW_HUE,
	DRAW_GREY,
	DRAW_BLUR,
	DRAW_SIGMA,
	DRAW_SOLARISE,
	DRAW_MASK,
	DRAW_BACKGROUND,
	DRAWS
};

/* The counter has 32 bits for the image and 32 for the view: the view takes the low 8 of its word,
 * and the upper half of the image's number the rest, so places differ for all images below 2^56. */
static void draw_words(uint32_t word[DRAWS], uint64_t seed, int64_t epoch, uint64_t image, int view)
{
	uint32_t place = (uint32_t)(image >> 32) << 8 | (uint32_t)view;
	struct rng r = rng_at(seed, RNG_VIEW, (uint32_t)epoch, (uint32_t)image, place);

	for (int i = 0; i < DRAWS; i++)
		word[i] = rng_word(&r);
}

/* In [0, 1). */
static double uniform(uint32_t word)
{
	return word * 0x1p-32;
}

static double between(uint32_t word, double lo, double hi)
{
	return lo + (hi - lo) * uniform(word);
}

/* In 0..n-1; one word always, so shares are even to n / 2^32 only. */
static int below(uint32_t word, int n)
{
	return (int)((uint64_t)word * (uint32_t)n >> 32);
}

/* No second try: sides longer than the image's are cut to it; never less than a pixel. */
static int crop_side(double side, int limit)
{
	double whole = floor(side + 0.5);

	return whole < 1 ? 1 : whole > limit ? limit : (int)whole;
}

static void draw_crop(struct view_params *p, const struct view_recipe *r, const uint32_t *word,
	int width, int height)
{
	double area = between(word[DRAW_AREA], r->area_min, r->area_max) * width * height;
	double aspect = exp(between(word[DRAW_ASPECT], log(3.0 / 4), log(4.0 / 3)));

	p->w = crop_side(sqrt(area * aspect), width);
	p->h = crop_side(sqrt(area / aspect), height);
	p->x = below(word[DRAW_X], width - p->w + 1);
	p->y = below(word[DRAW_Y], height - p->h + 1);
}

/* One of the 24 orders: digits of the number say which of those left comes next. */
static void draw_order(int order[4], uint32_t word)
{
	int left[4] = { JITTER_BRIGHTNESS, JITTER_CONTRAST, JITTER_SATURATION, JITTER_HUE };
	int number = below(word, 24);

	for (int i = 0; i < 4; i++) {
		int n = 4 - i, k = number % n;

		order[i] = left[k];
		left[k] = left[n - 1];
		number /= n;
	}
}

static void draw_jitter(struct view_params *p, const struct view_recipe *r, const uint32_t *word)
{
	p->jitter = uniform(word[DRAW_JITTER]) < r->jitter;
	draw_order(p->order, word[DRAW_ORDER]);
	p->brightness = (float)between(word[DRAW_BRIGHTNESS], -r->brightness, r->brightness);
	p->contrast = (float)between(word[DRAW_CONTRAST], 1 - r->contrast, 1 + r->contrast);
	p->saturation = (float)between(word[DRAW_SATURATION], 1 - r->saturation, 1 + r->saturation);
	p->hue = (float)between(word[DRAW_HUE], -r->hue, r->hue);
}

void view_draw(struct view_params *p, const struct view_recipe *r, uint64_t seed, int64_t epoch,
	uint64_t image, int view, int width, int height, float foreground)
{
	uint32_t word[DRAWS];

	CHECK(view >= 0 && view < VIEWS_MAX && width > 0 && height > 0, "view %d of %d x %d pixels",
		view, width, height);
	draw_words(word, seed, epoch, image, view);
	*p = (struct view_params){ .size = r->size,
		.cut_size = r->centre > r->size ? r->centre : 0 };
	draw_crop(p, r, word, width, height);
	p->flip = uniform(word[DRAW_FLIP]) < r->flip;
	draw_jitter(p, r, word);
	p->grey = uniform(word[DRAW_GREY]) < r->grey;
	p->taps = uniform(word[DRAW_BLUR]) < r->blur ? r->taps : 0;
	p->sigma = (float)between(word[DRAW_SIGMA], r->sigma_min, r->sigma_max);
	if (uniform(word[DRAW_SOLARISE]) < r->solarise)
		p->solarise = r->binarise ? VIEW_BINARISE : VIEW_INVERT;
	p->masked = !r->small && foreground > 0 && foreground >= r->mask_min_share &&
		uniform(word[DRAW_MASK]) < r->mask;
	p->background = (float)uniform(word[DRAW_BACKGROUND]);
}
