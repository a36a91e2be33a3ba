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
	const float *w, double *sums, int groups, const struct norm_output *before);
void pointwise_backward_data(struct cpu *cpu, const struct conv_shape *s, float *dx,
	const float *dy, const float *w, int add);
int pointwise_backward_data_sums(struct cpu *cpu, const struct conv_shape *s, float *dx,
	const float *dy, const float *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before);
void pointwise_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x);

/* ---- for these functions ---- */

struct points {
	const struct cpu *cpu;
	size_t count, in, out; /* pixels of y; channels */
};

/* Of a shape that pointwise_fits; the device is the caller's. */
struct points points_of(const struct cpu *cpu, const struct conv_shape *s);

/* Floats of the pixels that a stride picks; 0 without one. */
size_t points_picked(const struct points *p, const struct conv_shape *s);

/* Where part t of so many begins; the last ends at n. */
static inline size_t points_part(size_t n, int t, int parts)
{
	return n * (size_t)t / (size_t)parts;
}

/* c (m, n) of rows ldc = a b, or add: += it; a (m, k) or, ta 'T' and not 'N', turned; b (k, n)
 * likewise.  By oneDNN. */
void points_product(char ta, char tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, int add, float *c, size_t ldc);

#endif
