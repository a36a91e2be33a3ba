#ifndef KERNELS_PICK_CPU_H
#define KERNELS_PICK_CPU_H

#include "cpu.h"

/* Between the input of a convolution of side 1 with a stride and those of its pixels that the
 * output is made of, side by side. */
enum pick_way {
	PICK,
	PICK_PUT, /* to their places in x, where all others become 0 */
	PICK_ADD  /* to their places in x, where all others stay */
};

/* By all threads; x (n, h, w, c) of the shape, picked (n, p, q, c). */
void pick_pixels(const struct cpu *cpu, float *picked, float *x, const struct conv_shape *s,
	enum pick_way way);

#endif
