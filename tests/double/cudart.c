/* cudart.c - the double of libcudart: devices and errors.
 *
 * The functions of cuda_runtime_api.h, compiled against NVIDIA's own header and linked in the place
 * of -lcudart, so that the CUDA back end runs where there is no GPU:
 *   cudart.c         devices, errors, the lock
 *   cudart_queue.c   what runs when
 *   cudart_stream.c  streams and events
 *   cudart_memory.c  device memory and pinned memory
 *   cudart_copy.c    copies and fills
 *   cudart_absence.c what runs while the host does something else
 *   cudart_fault.c   faults and the trace
 * It is stricter than a GPU: what a GPU may forgive by luck ends the program here.
 *
 * Environment:
 *   CUDA_DOUBLE_ORDER    lazy, eager or random:SEED; see cudart_queue.c
 *   CUDA_DOUBLE_DEVICES  how many (8), or "driver": the driver is too old
 *   CUDA_DOUBLE_MEMORY   bytes of a device (16 GiB)
 *   CUDA_DOUBLE_TRACE    a file that gets a line for each call
 *   CUDA_DOUBLE_ABSENCE  seconds (5) without a call, after which the device goes on; 0: never
 *   CUDA_DOUBLE_CHECK    "each": look at the margins of memory after each piece of work
 *   CUDA_DOUBLE_IDLE     1: count what is asked for, but do nothing
 *   CUDA_DOUBLE_KERNELS  none: see cudart_function.c */
#include "cudart.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MULTIPROCESSORS = 4 }; /* few: grids are made from it, and each thread costs time here */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock;
static double last_call; /* when */
static int devices = 8;
static size_t device_bytes = (size_t)16 << 30;
static cudaError_t no_device = cudaSuccess;
static _Thread_local int current_device;
static _Thread_local cudaError_t last_error;

static void begin(void)
{
	const char *count = getenv("CUDA_DOUBLE_DEVICES"), *bytes = getenv("CUDA_DOUBLE_MEMORY");
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	if (count && strcmp(count, "driver") == 0)
		no_device = cudaErrorInsufficientDriver;
	else if (count)
		devices = atoi(count);
	if (no_device == cudaSuccess && devices < 1)
		no_device = cudaErrorNoDevice;
	if (bytes)
		device_bytes = strtoull(bytes, NULL, 0);
	double_catch_signals();
	if (no_device == cudaSuccess)
		double_watch_absence();
}

double double_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

cudaError_t double_enter(void)
{
	pthread_once(&once, begin);
	pthread_mutex_lock(&lock);
	last_call = double_now();
	return no_device;
}

int double_enter_if_absent(double seconds)
{
	pthread_mutex_lock(&lock);
	if (double_now() - last_call >= seconds)
		return 1;
	pthread_mutex_unlock(&lock);
	return 0;
}

cudaError_t double_leave(cudaError_t error)
{
	/* cudaErrorNotReady is an answer, no error. */
	if (error != cudaSuccess && error != cudaErrorNotReady)
		last_error = error;
	pthread_mutex_unlock(&lock);
	return error;
}

int double_device(void)
{
	return current_device;
}

size_t double_device_bytes(void)
{
	return device_bytes;
}

int double_idle(void)
{
	static int idle = -1;

	if (idle < 0)
		idle = getenv("CUDA_DOUBLE_IDLE") && strcmp(getenv("CUDA_DOUBLE_IDLE"), "1") == 0;
	return idle;
}

cudaError_t cudaGetDeviceCount(int *count)
{
	cudaError_t error = double_enter();

	*count = error ? 0 : devices;
	return double_leave(error);
}

cudaError_t cudaSetDevice(int device)
{
	cudaError_t error = double_enter();

	if (!error && (device < 0 || device >= devices))
		error = cudaErrorInvalidDevice;
	if (!error)
		current_device = device;
	return double_leave(error);
}

cudaError_t cudaGetDevice(int *device)
{
	cudaError_t error = double_enter();

	*device = current_device;
	return double_leave(error);
}

/* Those of an H100, but for the multiprocessors. */
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
	cudaError_t error = double_enter();

	if (!error && (device < 0 || device >= devices))
		error = cudaErrorInvalidDevice;
	if (error)
		return double_leave(error);
	*prop = (struct cudaDeviceProp){
		.name = "gpu double",
		.totalGlobalMem = device_bytes,
		.sharedMemPerBlock = 48 << 10,
		.regsPerBlock = 65536,
		.warpSize = 32,
		.maxThreadsPerBlock = 1024,
		.maxThreadsDim = { 1024, 1024, 64 },
		.maxGridSize = { 2147483647, 65535, 65535 },
		.major = 9,
		.minor = 0,
		.multiProcessorCount = MULTIPROCESSORS,
		.canMapHostMemory = 1,
		.pciBusID = device + 1,
		.asyncEngineCount = 2,
		.unifiedAddressing = 1,
		.l2CacheSize = 50 << 20,
		.maxThreadsPerMultiProcessor = 2048,
	};
	return double_leave(error);
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
	static const struct {
		enum cudaDeviceAttr attribute;
		int value;
	} table[] = {
		{ cudaDevAttrMaxThreadsPerBlock, 1024 },
		{ cudaDevAttrMaxSharedMemoryPerBlock, 48 << 10 },
		{ cudaDevAttrWarpSize, 32 },
		{ cudaDevAttrMultiProcessorCount, MULTIPROCESSORS },
		{ cudaDevAttrMaxThreadsPerMultiProcessor, 2048 },
		{ cudaDevAttrUnifiedAddressing, 1 },
		{ cudaDevAttrComputeCapabilityMajor, 9 },
		{ cudaDevAttrComputeCapabilityMinor, 0 },
	};
	cudaError_t error = double_enter();

	if (error)
		return double_leave(error);
	if (device < 0 || device >= devices)
		return double_leave(cudaErrorInvalidDevice);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].attribute == attribute) {
			*value = table[i].value;
			return double_leave(cudaSuccess);
		}
	double_fault(
		"cudaDeviceGetAttribute: the double does not know attribute %d", (int)attribute);
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int size, int device)
{
	cudaError_t error = double_enter();

	if (!error && (device < 0 || device >= devices))
		error = cudaErrorInvalidDevice;
	if (!error)
		snprintf(id, size, "0000:%02X:00.0", (unsigned)(device + 1) & 0xff);
	return double_leave(error);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
	cudaError_t error = double_enter();

	*least = 0;
	*greatest = -5;
	return double_leave(error);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
	*version = CUDART_VERSION;
	return cudaSuccess;
}

/* 0 stands for "no driver", as with the real library. */
cudaError_t cudaDriverGetVersion(int *version)
{
	*version = double_enter() ? 0 : CUDART_VERSION;
	double_leave(cudaSuccess);
	return cudaSuccess;
}

cudaError_t cudaGetLastError(void)
{
	cudaError_t error = last_error;

	last_error = cudaSuccess;
	return error;
}

cudaError_t cudaPeekAtLastError(void)
{
	return last_error;
}

static const struct {
	cudaError_t error;
	const char *name, *text;
} errors[] = {
	{ cudaSuccess, "cudaSuccess", "no error" },
	{ cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument" },
	{ cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory" },
	{ cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
		"invalid configuration argument" },
	{ cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
		"CUDA driver version is insufficient for CUDA runtime version" },
	{ cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected" },
	{ cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal" },
	{ cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle",
		"invalid resource handle" },
	{ cudaErrorNotReady, "cudaErrorNotReady", "device not ready" },
};

const char *cudaGetErrorName(cudaError_t error)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].error == error)
			return errors[i].name;
	return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].error == error)
			return errors[i].text;
	return "unrecognized error code";
}
