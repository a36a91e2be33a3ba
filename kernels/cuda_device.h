#ifndef KERNELS_CUDA_DEVICE_H
#define KERNELS_CUDA_DEVICE_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <nccl.h>

#include "base/die.h"
#include "nn/backend.h"

/* The CUDA back end: kernels of ours, cuDNN for convolutions, cuBLAS for matrix products, NCCL over
 * ranks.  The functions below are the slots of struct backend of the same names, with the same
 * contracts; all queue their work on the compute stream and return.
 *
 * Streams: `compute` runs kernels and library calls, `upload` brings images, `ranks` runs NCCL.
 * They wait for each other by events only; the host waits in download and wait. */

enum { CUDA_SLOTS = 2 };

struct cuda_images; /* one slot of images: view_cuda's */
struct cuda_ranks;  /* NCCL's communicator and its watchdog: ranks_cuda.c's */

struct cuda {
	struct device device; /* first: a struct device of this back end is a struct cuda */
	int index;
	int multiprocessors;
	cudaStream_t compute, upload, ranks_stream;
	cublasHandle_t blas;
	cudnnHandle_t dnn;
	size_t workspace_limit; /* of a convolution's algorithm */
	void *scratch;          /* dev: one piece for all operations of the compute stream */
	size_t scratch_bytes;
	struct cuda_images *images[CUDA_SLOTS];
	struct cuda_ranks *ranks;
};

static inline struct cuda *cuda_of(struct device *dev)
{
	return (struct cuda *)dev;
}

/* Device memory of at least so many bytes, 256-byte aligned, with any content, until the next call:
 * an operation asks once.  Grows (and then waits) in the first steps only. */
void *cuda_scratch(struct cuda *cuda, size_t bytes);

/* A failed call ends the job, naming call, place and the layer the network is at. */
#define CUDA_CHECK(call)                                                                           \
	do {                                                                                       \
		cudaError_t cuda_error_ = (call);                                                  \
		if (cuda_error_ != cudaSuccess)                                                    \
			die(__FILE__, __LINE__, #call, "CUDA: %s (%s)",                            \
				cudaGetErrorString(cuda_error_), cudaGetErrorName(cuda_error_));   \
	} while (0)

#define CUBLAS_CHECK(call)                                                                         \
	do {                                                                                       \
		cublasStatus_t blas_status_ = (call);                                              \
		if (blas_status_ != CUBLAS_STATUS_SUCCESS)                                         \
			die(__FILE__, __LINE__, #call, "cuBLAS: %s",                               \
				cublasGetStatusString(blas_status_));                              \
	} while (0)

#define CUDNN_CHECK(call)                                                                          \
	do {                                                                                       \
		cudnnStatus_t dnn_status_ = (call);                                                \
		if (dnn_status_ != CUDNN_STATUS_SUCCESS)                                           \
			die(__FILE__, __LINE__, #call, "cuDNN: %s",                                \
				cudnnGetErrorString(dnn_status_));                                 \
	} while (0)

#endif
