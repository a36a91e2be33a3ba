#ifndef DOUBLE_FAULTY_H
#define DOUBLE_FAULTY_H

#include <stddef.h>

/* Kernels for tests of the double: one that is right, and the same with one mistake. */

enum fault { /* in the order of the table in faulty.cc */
	FINE,
	NO_FIRST_BARRIER,
	NO_SECOND_BARRIER,
	BARRIER_IN_BRANCH,
	ONE_BARRIER_MORE,
	ANOTHER_BARRIER,
	EARLY_RETURN,
	EARLY_RETURN_OF_FIRST,
	EARLY_RETURN_OF_WARP,
	HALF_WARP_SHUFFLES,
	PARTIAL_MASK,
	LANES_OUTSIDE,
	UNWRITTEN_SHARED,
	PAST_SHARED,
	PAST_DEVICE,
	WRITE_PAST_DEVICE,
	WRITE_BEFORE_DEVICE,
	FAULTS
};

struct cuda;

/* sums dev (rows, 2): sum of x and of x^2 of each row of x dev (rows, cols), with a fault. */
void faulty_sums(
	struct cuda *cuda, enum fault fault, float *sums, const float *x, int rows, int cols);
/* The same with a warp for each row, four rows a block: no barriers, and warps that return early.
 */
void faulty_warp_sums(struct cuda *cuda, float *sums, const float *x, int rows, int cols);
/* Odd blocks only meet barriers: y[b] = the sum of 0..63 in those, 1 in others. */
void faulty_odd_blocks(struct cuda *cuda, float *y, int blocks);
/* Threads of block b write b to y[0]. */
void faulty_race(struct cuda *cuda, float *y, int blocks);
/* y[i] = value, i < n; and the launch has this shape; grid 0: as many as needed. */
void faulty_fill(struct cuda *cuda, float *y, float value, size_t n, long grid, int block);
void faulty_fill_grid(struct cuda *cuda, float *y, int x, int y_blocks, int z);
/* As faulty_fill with pointer and size in a struct. */
void faulty_fill_struct(struct cuda *cuda, float *y, float value, size_t n);
/* Two launches, the second with what has been changed between them: y[0] = 1, y[1] = 2. */
void faulty_changed_arguments(struct cuda *cuda, float *y);
/* Shared arrays of 24 + 23 KiB, or of 24 + 25. */
void faulty_shared(struct cuda *cuda, float *y, int too_many);
/* y[i..i+3] = 1 as one vector. */
void faulty_vector(struct cuda *cuda, float *y, int i);
/* Threads of a block of 4 x 4 x 2 write their number to y (32). */
void faulty_three_dimensions(struct cuda *cuda, float *y);
/* Sum over a warp of double, and of int: y[0], y[1]. */
void faulty_shuffle_types(struct cuda *cuda, double *y);
/* y[b] = 1 + a shared float, which the first block only writes. */
void faulty_uninitialised(struct cuda *cuda, float *y, int blocks);

#endif
