#ifndef VIEW_FIXTURE_H
#define VIEW_FIXTURE_H

#include "nn/backend.h"

/* What a fast path of any back end may differ from the plain one by, in values of 0..1: a step of 8
 * bits, and rounding. */
#define VIEW_BOUND (1.0 / 255 + 1e-4)

/* Smooth colours with noise and hard edges, and a mask of a disc; the seed decides all. */
struct image picture(int w, int h, uint32_t seed);
void picture_free(struct image *im);

/* The whole image and nothing else done. */
struct view_params view_whole(const struct image *im, int size);

/* Views of images as one batch by dev, which may be a mirror. */
void views_of(struct device *dev, float *out, const struct image *images, int n,
	const struct view_params *params, int views, int naive);

/* One view by the device under test, normalisation undone; the caller's to free. */
float *view_values(const struct image *im, const struct view_params *p, int naive);

/* The largest difference; NaN counts as infinite. */
double values_worst(const float *a, const double *b, size_t n);

/* Both paths of the device under test against the reference. */
void view_check(const struct image *im, const struct view_params *p, double tolerance);

#endif
