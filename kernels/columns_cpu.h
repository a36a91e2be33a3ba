#ifndef KERNELS_COLUMNS_CPU_H
#define KERNELS_COLUMNS_CPU_H

#include "cpu.h"

/* Sums over the rows of a (groups, rows, channels) array, one or two for each column, in double. */

enum {
	COLUMNS_BLOCK = 1024, /* channels at a time; rows of no more are read in order */
	COLUMNS_CHUNK = 128   /* rows at least: sums of a chunk go from core to core */
};

struct columns {
	const float *x, *dy, *y, *mean; /* what the sums are made of; add says which are used */
	int groups;
	size_t rows;
	int channels;
	int sums; /* 1 or 2 */
	/* Add rows of group's channels [channel, channel + count) to s0 [count] and, of two, s1
	 * [count]. */
	void (*add)(double *s0, double *s1, const struct columns *in, int group, size_t row,
		size_t rows, int channel, int count);
	/* NULL; or, of at most COLUMNS_BLOCK channels, what makes rows [first, end) of all groups'
	 * x, or dy: called by each thread for at most so many, a multiple of four, which are added
	 * up then, while they are in the cache */
	void (*make)(const void *maker, size_t first, size_t end);
	const void *maker;
	size_t made;
};

/* The sums (groups, sums, channels), valid until the scratch memory is asked for again.  Rows are
 * summed in chunks that depend on the shape alone: the result is the same for any number of
 * threads. */
const double *columns_sum(struct cpu *cpu, const struct columns *in);

/* The same in memory of the caller's, of columns_room doubles; the sums come first. */
size_t columns_room(const struct columns *in);
void columns_sum_in(double *room, struct cpu *cpu, const struct columns *in);

/* What norm_sums and norm_backward_sums are the sums of (norm_sums_cpu.c); and the latter's from
 * what was made. */
struct columns norm_squares(const float *x, int groups, size_t rows, int channels);
struct columns norm_gradients(
	const float *dy, const struct norm_gradient *of, size_t rows, int channels);
void norm_gradients_put(const struct norm_gradient *of, const double *made, int channels);

/* Index of an element of the array. */
static inline size_t columns_at(const struct columns *in, int group, size_t row, int channel)
{
	return ((size_t)group * in->rows + row) * (size_t)in->channels + (size_t)channel;
}

/* Ask for the part of a row that lies some kilobytes after the one at x, `count` floats: where rows
 * are longer than some lines, processors do not see by themselves that memory is read in order. */
static inline void columns_ask_ahead(const float *x, size_t stride, int count)
{
	enum { FLOATS = 2048, LINE = 16, KEEP = 2 /* in the second cache */ };
	const float *ahead = x + (FLOATS / stride + 1) * stride;

	for (int i = 0; i < count; i += LINE)
		__builtin_prefetch(ahead + i, 0, KEEP);
}

#endif
