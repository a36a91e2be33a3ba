#ifndef KERNELS_HOST_DEVICE_H
#define KERNELS_HOST_DEVICE_H

/* Functions of the *_math.h headers are said once and compiled for the host and for the GPU; the
 * CUDA back end's header defines this to __host__ __device__ first. */
#ifndef HOST_DEVICE
#define HOST_DEVICE
#endif

#endif
