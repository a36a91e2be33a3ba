#ifndef KERNELS_GPU_H
#define KERNELS_GPU_H

/* What every .cu file includes first.  A .cu file is compiled by nvcc for the GPU, and by g++ for
 * the tests, which run it with one fibre a thread (tests/double/simt.h).  It is C with __global__
 * functions and templates over the element type; HACKING.md has the rules. */

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define HOST_DEVICE __host__ __device__
/* The only launch: on the compute stream, counted, checked. */
#define LAUNCH(kernel, grid, block, cuda, ...)                                                     \
	do {                                                                                       \
		(kernel)<<<(grid), (block), 0, (cuda)->compute>>>(__VA_ARGS__);                    \
		CUDA_CHECK(cudaGetLastError());                                                    \
		(cuda)->device.counts.launches++;                                                  \
	} while (0)
/* Before a loop over an array that must stay in registers, where the compiler would not see to it.
 */
#define UNROLLED _Pragma("unroll")
#else
#include "simt.h"
#define UNROLLED
#endif

/* The vendors' headers see to C++ themselves; ours are C. */
#include <cublas_v2.h>
#include <cudnn.h>
#include <nccl.h>
#define _Noreturn [[noreturn]]
extern "C" {
#include "cuda_device.h"
}

#endif
