#ifndef VIEW_REFERENCE_H
#define VIEW_REFERENCE_H

#include "data/image.h"
#include "views/draw.h"

/* Views once more, in double, written from the formulas of the published code and without a line of
 * kernels/: out (size, size, 3) in 0..1, before normalisation. */
void reference_view(double *out, const struct image *image, const struct view_params *p);

/* Parts of it, on (size, size, 3) in place. */
void reference_jitter(double *x, int size, const struct view_params *p, enum jitter_op op);
void reference_blur(double *x, int size, int taps, double sigma);

#endif
