/* cudart_memory.c - the double of libcudart: cudaMalloc and its like, on the arenas. */
#include "cudart.h"

#include <sys/mman.h>

static struct double_arena device = { .what = "device", .size = (size_t)256 << 30 };
static struct double_arena pinned = { .what = "pinned", .size = (size_t)64 << 30 };
static int open_count; /* of double_open_memory */

enum double_place double_place(const void *p)
{
	const char *address = p;

	if (device.base && address >= device.base && address < device.base + device.size)
		return PLACE_DEVICE;
	if (pinned.base && address >= pinned.base && address < pinned.base + pinned.size)
		return PLACE_PINNED;
	return PLACE_HOST;
}

int double_is_device(const void *p, size_t bytes)
{
	int is;

	double_enter();
	is = double_arena_holds(&device, p, bytes);
	double_leave(cudaSuccess);
	return is;
}

int double_is_pinned(const void *p, size_t bytes)
{
	return double_arena_holds(&pinned, p, bytes);
}

void double_open_memory(void)
{
	if (open_count++ == 0)
		double_arena_protect(&device, NULL, PROT_READ | PROT_WRITE);
}

void double_close_memory(void)
{
	if (--open_count == 0)
		double_arena_protect(&device, NULL, PROT_NONE);
}

void double_check_margins(const char *by)
{
	size_t bytes;
	const char *where = double_arena_margins(&device, &bytes);

	if (double_idle())
		return;
	if (where)
		double_fault("something was written just %s device memory of %zu bytes%s%s", where,
			bytes, by ? " by " : "; CUDA_DOUBLE_CHECK=each tells by whom",
			by ? by : "");
}

int double_describe(const void *p, char *text, size_t size)
{
	enum double_place place = double_place(p);

	if (place == PLACE_HOST)
		return 0;
	double_arena_describe(place == PLACE_DEVICE ? &device : &pinned, p, text, size);
	return 1;
}

cudaError_t cudaMalloc(void **p, size_t bytes)
{
	cudaError_t error = double_enter();

	*p = NULL;
	if (error || bytes == 0)
		return double_leave(error);
	double_counts.implicit_waits++;
	double_counts.allocations++;
	double_note("allocate", "cudaMalloc", NULL);
	if (bytes > double_device_bytes() - double_counts.bytes)
		return double_leave(cudaErrorMemoryAllocation);
	*p = double_arena_alloc(&device, bytes);
	if (open_count == 0)
		double_arena_protect(&device, *p, PROT_NONE);
	double_counts.bytes += bytes;
	if (double_counts.peak < double_counts.bytes)
		double_counts.peak = double_counts.bytes;
	return double_leave(cudaSuccess);
}

/* Waits for all that was asked for, as CUDA's does. */
cudaError_t cudaFree(void *p)
{
	cudaError_t error = double_enter();

	if (error || !p)
		return double_leave(error);
	double_counts.implicit_waits++;
	double_note("free", "cudaFree", NULL);
	double_drain(0);
	double_counts.bytes -= double_arena_free(&device, p, "cudaFree");
	return double_leave(cudaSuccess);
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
	cudaError_t error = double_enter();

	*total = double_device_bytes();
	*free_bytes = *total - double_counts.bytes;
	return double_leave(error);
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned flags)
{
	cudaError_t error = double_enter();

	(void)flags;
	*p = NULL;
	if (error || bytes == 0)
		return double_leave(error);
	double_counts.implicit_waits++;
	double_counts.allocations++;
	double_note("allocate", "cudaHostAlloc", NULL);
	*p = double_arena_alloc(&pinned, bytes);
	return double_leave(cudaSuccess);
}

cudaError_t cudaMallocHost(void **p, size_t bytes)
{
	return cudaHostAlloc(p, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void *p)
{
	cudaError_t error = double_enter();

	if (error || !p)
		return double_leave(error);
	double_counts.implicit_waits++;
	double_note("free", "cudaFreeHost", NULL);
	double_arena_free(&pinned, p, "cudaFreeHost");
	return double_leave(cudaSuccess);
}
