#ifndef KERNELS_WINOGRAD_CPU_H
#define KERNELS_WINOGRAD_CPU_H

#include "cpu.h"

/* Convolutions of side 3 by Winograd's algorithm: with stride 1 a quarter to a third of the
 * multiplications, with stride 2 six tenths.  The functions are conv_forward and so on of struct
 * backend.  Errors are about twice those of sums one after another with stride 1, and about the
 * same with stride 2. */

/* Whether a convolution can be, and gains by it. */
int winograd_fits(const struct conv_shape *s);

void winograd_forward(
	struct cpu *cpu, const struct conv_shape *s, float *y, const float *x, const float *w);
void winograd_backward_data(struct cpu *cpu, const struct conv_shape *s, float *dx, const float *dy,
	const float *w, int add);
void winograd_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x);

#endif
