#ifndef VIEWS_DRAW_H
#define VIEWS_DRAW_H

#include <stdint.h>

#include "views/recipe.h"

/* The numbers of one view; no pixels.  A function of (seed, epoch, image, view) and the image's
 * size alone. */

enum jitter_op { JITTER_BRIGHTNESS, JITTER_CONTRAST, JITTER_SATURATION, JITTER_HUE };
enum view_solarise { VIEW_PLAIN, VIEW_INVERT, VIEW_BINARISE };

/* Plain data: it travels to a GPU as it is. */
struct view_params {
	int size;       /* output pixels a side */
	int x, y, w, h; /* crop window of the source image, pixels */
	int flip;
	int jitter;       /* 0: none of the four */
	int order[4];     /* enum jitter_op, in the order of application */
	float brightness; /* added */
	float contrast;   /* factor about the crop's mean of each channel */
	float saturation; /* factor */
	float hue;        /* added, turns */
	int grey;
	int taps; /* of the blur; 0: none; odd */
	float sigma;
	int solarise; /* enum view_solarise: invert what is above one half, or make it 0 and 1 */
	int masked;   /* remove the background; the image has a mask */
	float background; /* its grey level */
	int cut_size;     /* > size: make a view of this size and cut its centre; else 0 */
};

/* The numbers of view 0..VIEWS_MAX-1 of an image of width x height pixels, both > 0, in an epoch
 * (its low 32 bits count).  foreground: share of the image under its mask, 0 when there is none. */
void view_draw(struct view_params *p, const struct view_recipe *r, uint64_t seed, int64_t epoch,
	uint64_t image, int view, int width, int height, float foreground);

#endif
