#ifndef KERNELS_VIEW_H
#define KERNELS_VIEW_H

#include "nn/backend.h"

/* One view, (size, size, 3) normalised, one operation after another over whole images, in the order
 * of the spec. */
void view_naive(float *out, const struct image *image, const struct view_params *p);

#endif
