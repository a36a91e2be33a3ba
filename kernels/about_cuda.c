/* about_cuda.c - what the CUDA libraries and a GPU say of themselves.
 * Nothing here ends the job: it is asked where something may be missing. */
#include <stdio.h>

#include "cuda_device.h"
#include "nn/about.h"

/* "13.0" of 13000; "none" of 0 */
static const char *cuda_version(char text[16], cudaError_t (*ask)(int *))
{
	int version = 0;

	if (ask(&version) != cudaSuccess || version == 0)
		return "none";
	snprintf(text, 16, "%d.%d", version / 1000, version % 1000 / 10);
	return text;
}

static void about_libraries(struct device_about *about)
{
	char driver[16], runtime[16];
	int nccl = 0, dnn = (int)cudnnGetVersion();

	if (ncclGetVersion(&nccl) != ncclSuccess)
		nccl = 0;
	snprintf(about->libraries, sizeof about->libraries,
		"driver for CUDA %s, runtime %s, cuDNN %d.%d.%d, NCCL %d.%d.%d",
		cuda_version(driver, cudaDriverGetVersion),
		cuda_version(runtime, cudaRuntimeGetVersion), dnn / 10000, dnn % 10000 / 100,
		dnn % 100, nccl / 10000, nccl % 10000 / 100, nccl % 100);
}

void about_cuda(struct device_about *about, struct device *dev)
{
	struct cudaDeviceProp card;
	size_t free_bytes, all;

	*about = (struct device_about){ 0 };
	about_libraries(about);
	if (!dev || cudaGetDeviceProperties(&card, cuda_of(dev)->index) != cudaSuccess ||
		cudaMemGetInfo(&free_bytes, &all) != cudaSuccess ||
		cudaDeviceGetPCIBusId(about->place, sizeof about->place, cuda_of(dev)->index) !=
			cudaSuccess)
		return;
	snprintf(about->name, sizeof about->name, "%.95s", card.name);
	about->major = card.major;
	about->minor = card.minor;
	about->memory = all;
	about->free = free_bytes;
}
