#ifndef KERNELS_WINOGRAD_CPU_H
#define KERNELS_WINOGRAD_CPU_H

#include "cpu.h"

/* Convolutions of side 3 and stride 1 by Winograd's F(4x4, 3x3): a quarter of the multiplications.
 * The functions are conv_forward and so on of struct backend.  Errors are about twice those of
 * sums one after another. */

/* Whether a convolution can be, and gains by it. */
int winograd_fits(const struct conv_shape *s);

void winograd_forward(
	struct cpu *cpu, const struct conv_shape *s, float *y, const float *x, const float *w);
void winograd_backward_data(
	struct cpu *cpu, const struct conv_shape *s, float *dx, const float *dy, const float *w);
void winograd_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x);

#endif
