/* cudart_function.c - the double of libcudart: what a kernel is compiled for.
 *
 * Environment: CUDA_DOUBLE_KERNELS=none: there are no kernels for this GPU in the program. */
#include "cudart.h"

#include <stdlib.h>
#include <string.h>

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function)
{
	const char *kernels = getenv("CUDA_DOUBLE_KERNELS");
	cudaError_t error = double_enter();

	memset(attributes, 0, sizeof *attributes);
	if (!error && !function)
		error = cudaErrorInvalidDeviceFunction;
	if (!error && kernels && strcmp(kernels, "none") == 0)
		error = cudaErrorNoKernelImageForDevice;
	return double_leave(error);
}
