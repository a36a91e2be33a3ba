#ifndef KERNEL_H
#define KERNEL_H

/* What the tests of the kernels share: a device, buffers between sentinels, random contents,
 * comparisons. */

#include "nn/backend.h"
#include "ref.h"

#define EPS                                                                                        \
	5.9604644775390625e-08 /* 2^-24: a float is within this of what it stands for, relatively  \
				*/

/* A buffer of floats that begins full of NaN and lies between sentinels; all are freed by
 * buffers_check. */
float *buffer(size_t count);
float *buffer_random(size_t count, uint32_t seed);              /* in [-1, 1) */
float *buffer_integers(size_t count, uint32_t seed, int range); /* in [-range, range] */
float *buffer_copy(const float *from, size_t count);
void *buffer_bytes(size_t bytes);
double *doubles(size_t count); /* zero */
double *doubles_of(const float *from, size_t count);
double *magnitudes_of(const float *from, size_t count); /* absolute values */

/* All sentinels are as they were; frees all buffers of this case. */
void buffers_check(void);

/* |got - want| <= relative * |scale| + absolute, for each; scale NULL: want. Prints the first that
 * is not. */
void check_close(const char *what, const float *got, const double *want, size_t count,
	double relative, const double *scale, double absolute);

/* Bit for bit. */
void check_same(const char *what, const void *a, const void *b, size_t bytes);

/* The back end under test: named by RELIQUARY_TEST_DEVICE, else cpu. Its operations take ordinary
 * memory (mirror.h), where its own is elsewhere. */
struct device *device_open(int threads);
/* The same with its own memory, as the program uses it. */
struct device *device_open_bare(int threads);
/* And with convolutions that are sums of products in any shape. */
struct device *device_open_direct(int threads);
int device_is_cpu(void);
void device_close(struct device *dev);

/* Elements of the input, the weights and the output, whose height and width are p and q. */
struct conv_sizes {
	size_t x, w, y;
	int p, q;
};

static inline struct conv_sizes conv_sizes_of(const struct conv_shape *s)
{
	struct conv_sizes z;

	z.p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	z.q = conv_out(s->w, s->left, s->right, s->r, s->stride);
	z.x = (size_t)(s->n * s->h * s->w * s->c);
	z.w = (size_t)(s->k * s->r * s->r * s->c);
	z.y = (size_t)(s->n * z.p * z.q * s->k);
	return z;
}

#endif
