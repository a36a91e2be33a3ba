#ifndef KERNELS_STREAM_CPU_H
#define KERNELS_STREAM_CPU_H

#include "cpu.h"

/* Products of long activations, which come from memory and go there, with a small matrix, which
 * stays in the cache: y (pixels, n) = x (pixels, k) b (k, n), all row-major.  oneDNN's product
 * waits for each block of x; here the next block comes while one is multiplied. */

struct stream {
	size_t pixels, k, n;
	size_t panel; /* columns of b that lie side by side */
	/* Asked for meanwhile: rows to come of two arrays that x is made of in time, maybe the
	 * same, and, unless NULL, of a third (all NULL: x is there); unless NULL, two arrays like y
	 * that are needed beside it once rows are there */
	const float *ahead[3], *beside[2];
};

/* In panels as wide as suits the machine. */
struct stream stream_of(size_t pixels, size_t k, size_t n);

/* Whether it is the faster way; n is a multiple of panel then, and k of 16. */
int stream_fits(const struct stream *s);

/* Parts of so many pixels: more than threads, which take one after another, so that none waits long
 * for one that other work held up. */
size_t stream_parts(const struct cpu *cpu, size_t pixels);

/* b as it is multiplied by: (n / panel, k, panel), k n floats; from b, or from b turned, (n, k). By
 * all threads. */
void stream_pack(const struct cpu *cpu, float *panels, const float *b, const struct stream *s);
void stream_pack_turned(
	const struct cpu *cpu, float *panels, const float *b, const struct stream *s);

/* Rows [first, end) of y = x b, or add: y += x b, by the calling thread.  y overlaps nothing. */
void stream_rows(float *y, const float *x, const float *panels, const struct stream *s,
	size_t first, size_t end, int add);

/* y = x b, or add: y += x b, by all threads, as cpu_turn has them go.  y overlaps nothing. */
void stream_product(const struct cpu *cpu, float *y, const float *x, const float *panels,
	const struct stream *s, int add);

#endif
