#ifndef KERNELS_CUDA_SIZES_H
#define KERNELS_CUDA_SIZES_H

#include <stddef.h>

/* Device memory that the CUDA back end takes for itself; the tally counts the same. */

enum {
	CUDA_BLAS_WORKSPACE = 32 << 20, /* cuBLAS recommends that for Hopper, 4 MiB for others */
	CUDA_SCRATCH_MORE = 16 << 20,   /* beside the workspace: partial sums, tables */
	CUDA_SCRATCH_UNIT = 2 << 20,
	CUDA_SLOT_UNIT = 1 << 20
};

static inline size_t cuda_in_units(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

/* Scratch memory for an operation that needs so many bytes, where the workspace is so large: all of
 * it at once, so that it grows only where this does not do (TensorFlow's padding of large arrays).
 */
static inline size_t cuda_scratch_room(size_t bytes, size_t workspace)
{
	size_t usual = workspace + CUDA_SCRATCH_MORE;

	return cuda_in_units(bytes > usual ? bytes : usual, CUDA_SCRATCH_UNIT);
}

/* A slot of images of so many bytes: batches differ, and later ones shall find room. */
static inline size_t cuda_slot_room(size_t bytes)
{
	return cuda_in_units(bytes + bytes / 2, CUDA_SLOT_UNIT);
}

#endif
