/* The double that runs kernels: what is right passes in every order, each mistake is found. */
#include "double/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_device.h"
#include "double/faulty.h"

enum { ROWS = 5, COLS = 304 }; /* a row is no multiple of a block; all ends at a page */

static struct cuda cuda_new(void)
{
	struct cuda cuda = { 0 };

	CUDA_CHECK(cudaStreamCreateWithFlags(&cuda.compute, cudaStreamNonBlocking));
	return cuda;
}

static void *device_of(struct cuda *cuda, const void *from, size_t bytes)
{
	void *p;

	CUDA_CHECK(cudaMalloc(&p, bytes));
	if (from)
		CUDA_CHECK(cudaMemcpyAsync(p, from, bytes, cudaMemcpyHostToDevice, cuda->compute));
	return p;
}

static void fetch(struct cuda *cuda, void *to, const void *from, size_t bytes)
{
	CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, cuda->compute));
	CUDA_CHECK(cudaStreamSynchronize(cuda->compute));
}

/* The sums of these small whole numbers are exact in any order. */
static int sums_are_right(const float *sums, const float *x)
{
	for (int r = 0; r < ROWS; r++) {
		double sum = 0, squares = 0;

		for (int c = 0; c < COLS; c++) {
			sum += x[r * COLS + c];
			squares += (double)x[r * COLS + c] * x[r * COLS + c];
		}
		if (!(sums[2 * r] == sum) || !(sums[2 * r + 1] == squares))
			return 0;
	}
	return 1;
}

/* which: a fault, or FAULTS for a warp a row. */
static int sums(int which)
{
	struct cuda cuda = cuda_new();
	float host[ROWS * COLS], result[2 * ROWS], *x, *y;

	for (int i = 0; i < ROWS * COLS; i++)
		host[i] = (float)(i % 17 - 8);
	x = device_of(&cuda, host, sizeof host);
	y = device_of(&cuda, NULL, sizeof result);
	if (which == FAULTS)
		faulty_warp_sums(&cuda, y, x, ROWS, COLS);
	else
		faulty_sums(&cuda, (enum fault)which, y, x, ROWS, COLS);
	fetch(&cuda, result, y, sizeof result);
	return sums_are_right(result, host);
}

/* Twice: the fill of shared arrays, and the fibers, are used again. */
static int odd_blocks(int which)
{
	struct cuda cuda = cuda_new();
	float y[7], *d = device_of(&cuda, NULL, sizeof y);

	(void)which;
	for (int i = 0; i < 2; i++)
		faulty_odd_blocks(&cuda, d, 7);
	fetch(&cuda, y, d, sizeof y);
	for (int i = 0; i < 7; i++)
		EXPECT(y[i] == (i % 2 ? 64 * 63 / 2 : 1));
	return 1;
}

static int race(int which)
{
	struct cuda cuda = cuda_new();
	float y, *d = device_of(&cuda, NULL, sizeof y);

	(void)which;
	faulty_race(&cuda, d, 7);
	fetch(&cuda, &y, d, sizeof y);
	return y == 6;
}

enum { N = 100 };

static const struct {
	long grid;
	int block;
} shapes[] = { { 4, 32 }, { 1, 48 }, { 1, 2048 }, { 1, 0 }, { 1, -32 }, { 0, 32 }, { -1, 32 },
	{ 3000000000, 32 } };

static int fill(int which)
{
	struct cuda cuda = cuda_new();
	float y[N], *d = device_of(&cuda, NULL, sizeof y);

	faulty_fill(&cuda, d, 3, N, shapes[which].grid, shapes[which].block);
	EXPECT(cuda.device.counts.launches == 1);
	fetch(&cuda, y, d, sizeof y);
	for (int i = 0; i < N; i++)
		EXPECT(y[i] == 3);
	return 1;
}

static int fill_grid(int which)
{
	static const int grids[][3] = { { 1, 1, 1 }, { 1, 0, 1 }, { 1, 65536, 1 },
		{ 1, 1, 65536 } };
	struct cuda cuda = cuda_new();

	faulty_fill_grid(&cuda, NULL, grids[which][0], grids[which][1], grids[which][2]);
	CUDA_CHECK(cudaStreamSynchronize(cuda.compute));
	return 1;
}

enum memory { DEVICE, PINNED, HOST, STACK };

static float *memory_of(struct cuda *cuda, enum memory memory, float *stack, size_t bytes)
{
	void *p = stack;

	if (memory == DEVICE)
		p = device_of(cuda, NULL, bytes);
	else if (memory == PINNED)
		CUDA_CHECK(cudaMallocHost(&p, bytes));
	else if (memory == HOST)
		p = malloc(bytes);
	return p;
}

static int fill_memory(int which)
{
	struct cuda cuda = cuda_new();
	float stack[N];

	faulty_fill(&cuda, memory_of(&cuda, (enum memory)which, stack, sizeof stack), 3, N, 1, 32);
	CUDA_CHECK(cudaStreamSynchronize(cuda.compute));
	return 1;
}

static int fill_struct(int which)
{
	struct cuda cuda = cuda_new();
	float stack[N], *p = memory_of(&cuda, (enum memory)which, stack, sizeof stack);

	faulty_fill_struct(&cuda, p, 3, N);
	if (which == DEVICE)
		fetch(&cuda, stack, p, sizeof stack);
	CUDA_CHECK(cudaStreamSynchronize(cuda.compute));
	return which == DEVICE ? stack[N - 1] == 3 : p[N - 1] == 3;
}

static int changed_arguments(int which)
{
	struct cuda cuda = cuda_new();
	float y[2], *d = device_of(&cuda, NULL, sizeof y);

	(void)which;
	faulty_changed_arguments(&cuda, d);
	fetch(&cuda, y, d, sizeof y);
	return y[0] == 1 && y[1] == 2;
}

static int shared(int which)
{
	struct cuda cuda = cuda_new();
	float y = 1, *d = device_of(&cuda, &y, sizeof y);

	faulty_shared(&cuda, d, which);
	fetch(&cuda, &y, d, sizeof y);
	return y == 3;
}

static int vector(int which)
{
	struct cuda cuda = cuda_new();
	float y[16], *d = device_of(&cuda, NULL, sizeof y);

	faulty_vector(&cuda, d, which);
	fetch(&cuda, y, d, sizeof y);
	return y[which] == 1 && y[which + 3] == 1;
}

static int three_dimensions(int which)
{
	struct cuda cuda = cuda_new();
	float y[32], *d = device_of(&cuda, NULL, sizeof y);

	(void)which;
	faulty_three_dimensions(&cuda, d);
	fetch(&cuda, y, d, sizeof y);
	for (int i = 0; i < 32; i++)
		EXPECT(y[i] == (float)i);
	return 1;
}

static int shuffle_types(int which)
{
	struct cuda cuda = cuda_new();
	double y[2], *d = device_of(&cuda, NULL, sizeof y);

	(void)which;
	faulty_shuffle_types(&cuda, d);
	fetch(&cuda, y, d, sizeof y);
	/* Rounded five times to a double near 496: within 5 of its last places, 2^-44 each. */
	EXPECT(fabs(y[0] - (496 + 32e-12)) <= 5 * 0x1p-44);
	return y[1] == 496 - 32 * 32;
}

static int uninitialised(int launches)
{
	struct cuda cuda = cuda_new();
	float y[2], *d = device_of(&cuda, NULL, sizeof y);

	for (int i = 0; i < launches; i++)
		faulty_uninitialised(&cuda, d, 2);
	fetch(&cuda, y, d, sizeof y);
	EXPECT(!isnan(y[0]) || isnan(y[1]));
	return !isnan(y[1]);
}

static const struct trial trials[] = {
	{ "sums with barriers and shuffles", sums, FINE, RIGHT, NULL },
	{ "warps that return early", sums, FAULTS, RIGHT, NULL },
	{ "barriers in some blocks only", odd_blocks, 0, RIGHT, NULL },
	{ "a block of three dimensions", three_dimensions, 0, RIGHT, NULL },
	{ "shuffles of double and int", shuffle_types, 0, RIGHT, NULL },
	{ "arguments are copied at the launch", changed_arguments, 0, RIGHT, NULL },
	{ "no barrier before reading", sums, NO_FIRST_BARRIER, WRONG, NULL },
	{ "no barrier before writing again", sums, NO_SECOND_BARRIER, WRONG, NULL },
	{ "a barrier for one thread", sums, BARRIER_IN_BRANCH, DIES,
		"not all threads reach the same barrier" },
	{ "a barrier more for some threads", sums, ONE_BARRIER_MORE, DIES,
		"not all threads reach the same barrier" },
	{ "different barriers", sums, ANOTHER_BARRIER, DIES,
		"not all threads reach the same barrier" },
	{ "a thread that returned before a barrier", sums, EARLY_RETURN, DIES,
		"thread 100 has returned" },
	{ "the first thread returned before a barrier", sums, EARLY_RETURN_OF_FIRST, DIES,
		"thread 0 has returned" },
	{ "a warp that returned before a barrier", sums, EARLY_RETURN_OF_WARP, DIES,
		"not all threads reach the same barrier" },
	{ "half a warp shuffles", sums, HALF_WARP_SHUFFLES, DIES, "only part of a warp shuffles" },
	{ "a mask of half a warp", sums, PARTIAL_MASK, DIES, "partial warp mask 0xffff" },
	{ "a shuffle beyond the warp", sums, LANES_OUTSIDE, DIES, "lane mask 32" },
	{ "a shared element that nobody wrote", sums, UNWRITTEN_SHARED, WRONG, NULL },
	{ "a shared array that another block wrote", uninitialised, 1, WRONG, NULL },
	{ "a shared array that another launch wrote", uninitialised, 2, WRONG, NULL },
	{ "past a shared array", sums, PAST_SHARED, DIES, "out of bounds" },
	{ "past a device array", sums, PAST_DEVICE, DIES, "0 bytes behind device memory of 6080" },
	{ "writing past a device array", sums, WRITE_PAST_DEVICE, DIES,
		"something was written just behind device memory of 40 bytes" },
	{ "writing before a device array", sums, WRITE_BEFORE_DEVICE, DIES,
		"something was written just before device memory of 40 bytes" },
	{ "blocks that race", race, 0, WRONG, NULL },
	{ "a grid and a block", fill, 0, RIGHT, NULL },
	{ "48 threads", fill, 1, DIES, "a block of 48 x 1 x 1 threads" },
	{ "2048 threads", fill, 2, DIES, "a block of 2048 x 1 x 1 threads" },
	{ "no threads", fill, 3, DIES, "a block of 0 x 1 x 1 threads" },
	{ "fewer than no threads", fill, 4, DIES, "a block of 0 x 1 x 1 threads" },
	{ "an empty grid", fill, 5, DIES, "a grid of 0 x 1 x 1 blocks" },
	{ "less than an empty grid", fill, 6, DIES, "a grid of 0 x 1 x 1 blocks" },
	{ "too many blocks", fill, 7, DIES, "a grid of 0 x 1 x 1 blocks" },
	{ "a grid of three dimensions", fill_grid, 0, RIGHT, NULL },
	{ "an empty grid of three dimensions", fill_grid, 1, DIES, "a grid of 1 x 0 x 1 blocks" },
	{ "too many blocks in y", fill_grid, 2, DIES, "a grid of 1 x 65536 x 1 blocks" },
	{ "too many blocks in z", fill_grid, 3, DIES, "a grid of 1 x 1 x 65536 blocks" },
	{ "pinned memory for a kernel", fill_memory, PINNED, RIGHT, NULL },
	{ "memory of malloc for a kernel", fill_memory, HOST, DIES, "the host's memory" },
	{ "the stack for a kernel", fill_memory, STACK, DIES, "the host's memory" },
	{ "device memory in a struct", fill_struct, DEVICE, RIGHT, NULL },
	{ "pinned memory in a struct", fill_struct, PINNED, RIGHT, NULL },
	{ "47 KiB of shared arrays", shared, 0, RIGHT, NULL },
	{ "49 KiB of shared arrays", shared, 1, DIES, "50176 bytes of shared arrays" },
	{ "an aligned vector", vector, 4, RIGHT, NULL },
#ifndef __clang__ /* which cannot clear gaps, and whose sanitizer does not look at structs */
	{ "memory of malloc in a struct", fill_struct, HOST, DIES, "the host's memory" },
	{ "the stack in a struct", fill_struct, STACK, DIES, "the host's memory" },
	{ "a misaligned vector", vector, 2, DIES, "misaligned" },
#endif
};

int main(void)
{
	return trial_main(trials, sizeof trials / sizeof trials[0]);
}
