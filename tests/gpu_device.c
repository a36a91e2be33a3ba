/* gpu_device.c - which GPU check-gpu runs on: its name, then its peak in TFLOP/s with float32, tf32
 * and bf16 factors (0: not known here), one a line.  Without a usable one: the reason, status 77.
 *
 * Peaks: multiprocessors x clock x operations a clock, dense; from NVIDIA's whitepapers of the
 * architectures A100 (8.0) and H100 (9.0): a fused multiply-add counts two. */
#include <cuda_runtime_api.h>
#include <stdio.h>

enum { NO_DEVICE = 77 };

struct rate {
	int major, minor;
	int float32, tf32, bf16; /* operations a clock and multiprocessor */
};

static const struct rate rates[] = {
	{ 8, 0, 128, 1024, 2048 },
	{ 9, 0, 256, 2048, 4096 },
	{ 0, 0, 0, 0, 0 },
};

static int attribute(enum cudaDeviceAttr which)
{
	int value = 0;

	return cudaDeviceGetAttribute(&value, which, 0) == cudaSuccess ? value : 0;
}

static const struct rate *rate_of(int major, int minor)
{
	const struct rate *r = rates;

	while (r->major != 0 && (r->major != major || r->minor != minor))
		r++;
	return r;
}

int main(void)
{
	struct cudaDeviceProp device;
	int count = 0;
	cudaError_t error = cudaGetDeviceCount(&count);

	if (error == cudaSuccess && count > 0)
		error = cudaGetDeviceProperties(&device, 0);
	if (error != cudaSuccess || count == 0) {
		printf("%s\n", error != cudaSuccess ? cudaGetErrorString(error) : "no device");
		return NO_DEVICE;
	}
	const struct rate *r = rate_of(device.major, device.minor);
	double clocks = device.multiProcessorCount * 1e3 * attribute(cudaDevAttrClockRate);

	printf("%s\n%.4g\n%.4g\n%.4g\n", device.name, clocks * r->float32 / 1e12,
		clocks * r->tf32 / 1e12, clocks * r->bf16 / 1e12);
	return 0;
}
