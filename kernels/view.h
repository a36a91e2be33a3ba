#ifndef KERNELS_VIEW_H
#define KERNELS_VIEW_H

#include "nn/backend.h"

/* struct backend's views on the CPU. A thread keeps its scratch memory, which grows to the largest
 * view met and is never allocated again. */
void views_cpu(struct device *dev, float *out, const struct image *images, int n,
	const struct view_params *params, int views, int naive);

/* One view, (size, size, 3) normalised, one operation after another over whole images, in the order
 * of the spec. */
void view_naive(float *out, const struct image *image, const struct view_params *p);

#endif
