#ifndef EVAL_TRANSFORM_H
#define EVAL_TRANSFORM_H

#include <stdint.h>

#include "views/draw.h"

/* How an image becomes the network's input in evaluation (spec 6.1), as the parameters of a view
 * without colour changes. */

/* Test: the centred square of side int(0.875 min(height, width)), at offset ((side of the image -
 * s) + 1) / 2. */
void transform_centre(struct view_params *p, int size, int width, int height);

/* Training: a crop of 8 to 100 % of the area and a flip, a function of (seed, epoch, image) and the
 * image's size. */
void transform_random(struct view_params *p, int size, uint64_t seed, int64_t epoch, uint64_t image,
	int width, int height);

#endif
