/* cuda_event.c - events, waiting for them, and what an error of CUDA means.
 * A fault of a kernel comes to light long after it was asked for, in a wait; so the message there
 * says what the network was at, and how to learn more. */
#include "cuda_device.h"

static const struct {
	cudaError_t error;
	const char *meaning;
} meanings[] = {
	{ cudaErrorInsufficientDriver, ": there is no NVIDIA driver on this machine" },
	{ cudaErrorNoDevice, ": no GPU is visible to this process" },
	{ cudaErrorStubLibrary,
		": the program found the toolkit's stub of libcuda.so in the place of the driver's; "
		"take lib64/stubs out of LD_LIBRARY_PATH" },
	{ cudaErrorSystemNotReady, ": a service of the driver is down (nvidia-fabricmanager?)" },
	{ cudaErrorSystemDriverMismatch,
		": the driver's kernel module and its libraries are of different versions; after an "
		"update the machine must be restarted" },
	{ cudaErrorCompatNotSupportedOnDevice,
		": CUDA's compatibility package does not support this GPU; update the driver" },
	{ cudaErrorDevicesUnavailable,
		": another process has this GPU for itself (nvidia-smi shows the compute mode)" },
	{ cudaErrorMemoryAllocation, ": another process uses its memory (nvidia-smi)" },
	{ cudaErrorNoKernelImageForDevice,
		": this build has no kernels for this GPU; build with NVCC_GENCODE for it" },
	{ cudaErrorInitializationError, ": the driver does not start; what does nvidia-smi say?" },
	{ cudaErrorOperatingSystem,
		": the driver's device files are missing or may not be opened (/dev/nvidia*)" },
	{ cudaErrorECCUncorrectable,
		": the GPU's memory is broken; take it out of use (nvidia-smi -q -d ECC)" },
};

const char *cuda_meaning(cudaError_t error)
{
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (meanings[i].error == error)
			return meanings[i].meaning;
	return "";
}

cudaEvent_t cuda_event(void)
{
	cudaEvent_t event;

	/* Blocking: a host that waits leaves its core to the threads that load images. */
	CUDA_CHECK(
		cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync));
	return event;
}

static _Noreturn void fault(struct cuda *cuda, cudaError_t error, const char *call)
{
	const char *layer = cuda->device.layer;

	die(__FILE__, __LINE__, call,
		"CUDA: %s (%s)%s; GPU %d failed in work that was queued before now, when the "
		"network was at %s; CUDA_LAUNCH_BLOCKING=1 shows in which call",
		cudaGetErrorString(error), cudaGetErrorName(error), cuda_meaning(error),
		cuda->index, layer ? layer : "no layer");
}

int cuda_event_done(struct cuda *cuda, cudaEvent_t event)
{
	cudaError_t error = cudaEventQuery(event);

	if (error == cudaSuccess)
		return 1;
	if (error != cudaErrorNotReady)
		fault(cuda, error, "cudaEventQuery");
	/* CUDA keeps it as an error, which the check of the next launch would find. */
	(void)cudaGetLastError();
	return 0;
}

void cuda_await(struct cuda *cuda, cudaEvent_t event)
{
	cudaError_t error;

	cuda->device.counts.waits++;
	if (cuda->ranks) {
		cuda_ranks_await(cuda, event);
		return;
	}
	error = cudaEventSynchronize(event);
	if (error != cudaSuccess)
		fault(cuda, error, "cudaEventSynchronize");
}
