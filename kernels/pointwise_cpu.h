#ifndef KERNELS_POINTWISE_CPU_H
#define KERNELS_POINTWISE_CPU_H

#include "cpu.h"

/* Convolutions of side 1 without padding as products of matrices, (pixels, inputs) by (inputs,
 * outputs).  The functions are conv_forward and so on of struct backend. */

int pointwise_fits(const struct conv_shape *s);

void pointwise_forward(
	struct cpu *cpu, const struct conv_shape *s, float *y, const float *x, const float *w);
/* These two do nothing and return 0 where it does not pay to make the sums in the same pass. */
int pointwise_forward_sums(struct cpu *cpu, const struct conv_shape *s, float *y, const float *x,
	const float *w, double *sums, int groups);
void pointwise_backward_data(struct cpu *cpu, const struct conv_shape *s, float *dx,
	const float *dy, const float *w, int add);
int pointwise_backward_data_sums(struct cpu *cpu, const struct conv_shape *s, float *dx,
	const float *dy, const float *w, int add, const struct norm_gradient *of);
void pointwise_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x);

#endif
