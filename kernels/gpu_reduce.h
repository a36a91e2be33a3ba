#ifndef KERNELS_GPU_REDUCE_H
#define KERNELS_GPU_REDUCE_H

#include "gpu.h"

/* Sums over the threads of a warp and of a block, maxima over those of a warp, in an order that is
 * always the same; S is float or double.  The only users of shuffles. */

enum { WARP = 32 };

/* Every thread of the warp gets the sum; all must call. */
template <class S> static inline __device__ S warp_sum(S value)
{
	for (int mask = WARP / 2; mask > 0; mask /= 2)
		value += __shfl_xor_sync(0xffffffffu, value, mask);
	return value;
}

/* The same of the largest. */
template <class S> static inline __device__ S warp_max(S value)
{
	for (int mask = WARP / 2; mask > 0; mask /= 2) {
		S other = __shfl_xor_sync(0xffffffffu, value, mask);

		value = other > value ? other : value;
	}
	return value;
}

/* Every thread of the block gets the sum; all must call. The block is of whole warps. */
template <class S> static inline __device__ S block_sum(S value)
{
	__shared__ S warps[WARP];
	S sum = 0;

	value = warp_sum(value);
	if (threadIdx.x % WARP == 0)
		warps[threadIdx.x / WARP] = value;
	__syncthreads();
	for (unsigned i = 0; i < blockDim.x / WARP; i++)
		sum += warps[i];
	__syncthreads(); /* before the next call writes warps */
	return sum;
}

#endif
