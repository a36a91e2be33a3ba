/* The double of libcudart: memory, and who must not touch it. */
#include "double/scene.h"
#include "double/trial.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Ends of odd sizes are as near to the untouchable as alignment allows. */
static int allocation(int which)
{
	struct scene s = scene_new();
	size_t before, after, total;
	float *p[20];

	(void)which;
	CUDA_CHECK(cudaMemGetInfo(&before, &total));
	for (int i = 0; i < 20; i++) {
		CUDA_CHECK(cudaMalloc((void **)&p[i], (size_t)(1 + 997 * i)));
		EXPECT((uintptr_t)p[i] % 64 == 0);
		EXPECT(double_is_device(p[i], (size_t)(1 + 997 * i)));
		EXPECT(!double_is_device(p[i], (size_t)(2 + 997 * i)));
		EXPECT(!double_is_device((char *)p[i] - 1, 1));
	}
	CUDA_CHECK(cudaMemGetInfo(&after, &total));
	EXPECT(before - after == 20 + 997 * 190);
	copy(s.result, s.a, cudaMemcpyDeviceToHost, s.compute);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	for (int i = 0; i < N; i++)
		EXPECT(isnan(s.result[i]) && isnan(s.pinned[i]));
	for (int i = 0; i < 20; i++)
		CUDA_CHECK(cudaFree(p[i]));
	CUDA_CHECK(cudaFree(NULL));
	CUDA_CHECK(cudaFreeHost(NULL));
	CUDA_CHECK(cudaFreeHost(s.pinned));
	CUDA_CHECK(cudaMalloc((void **)&p[0], 0));
	return p[0] == NULL && !double_is_device(p[1], 1);
}

static int out_of_memory(int which)
{
	void *p = "";
	size_t bytes, total;

	(void)which;
	setenv("CUDA_DOUBLE_MEMORY", "1000000", 1);
	CUDA_CHECK(cudaMalloc(&p, 600000));
	EXPECT(cudaMalloc(&p, 600000) == cudaErrorMemoryAllocation && !p);
	EXPECT(cudaMemGetInfo(&bytes, &total) == cudaSuccess);
	EXPECT(bytes == 400000 && total == 1000000);
	EXPECT(cudaPeekAtLastError() == cudaErrorMemoryAllocation);
	EXPECT(cudaGetLastError() == cudaErrorMemoryAllocation);
	EXPECT(strcmp(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation") ==
		0);
	return cudaGetLastError() == cudaSuccess;
}

enum touch { READ, WRITE };

/* Volatile: the read itself is the point. */
static void touch(float *p, int how)
{
	volatile float *q = p;

	if (how == READ)
		(void)*q;
	else
		*q = 0;
}

static int host_touches(int how)
{
	struct scene s = scene_new();

	touch(s.a + 1, how);
	return 1;
}

static int host_touches_later(int how)
{
	struct scene s = scene_new();

	queue_count(s.compute);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	touch(s.a + 1, how);
	return 1;
}

static int host_touches_past_pinned(int how)
{
	float *p;

	CUDA_CHECK(cudaMallocHost((void **)&p, 64));
	touch(p + 15, how);
	touch(p + 16, how);
	return 1;
}

static int host_touches_freed_pinned(int how)
{
	struct scene s = scene_new();

	CUDA_CHECK(cudaFreeHost(s.pinned));
	touch(s.pinned, how);
	return 1;
}

struct place {
	float *p;
	int how;
};

static int touch_place(void *arg)
{
	const struct place *place = arg;

	touch(place->p, place->how);
	return 1;
}

/* In a piece of work, as a kernel or a library would. */
static int touch_in_work(float *p, int how)
{
	struct scene s = scene_new();
	struct place place = { p ? p : s.a, how };

	if (!p)
		CUDA_CHECK(cudaFree(s.a));
	double_enqueue(s.upload, DOUBLE_LAUNCH, "touch", touch_place, &place, sizeof place);
	CUDA_CHECK(cudaDeviceSynchronize());
	return 1;
}

static int work_touches(int how)
{
	struct scene s = scene_new();

	return touch_in_work(s.a + N - 1, how);
}

static int work_touches_freed(int how)
{
	return touch_in_work(NULL, how);
}

static int work_touches_past(int how)
{
	struct scene s = scene_new();

	return touch_in_work(s.a + N + 12, how); /* 448 bytes: a multiple of 64 */
}

/* The few bytes that alignment leaves are looked at after a wait, or after each piece of work. */
static int work_writes_just_past(int each)
{
	struct scene s = scene_new();

	if (each)
		setenv("CUDA_DOUBLE_CHECK", "each", 1);
	return touch_in_work(s.a + N, WRITE);
}

static int freed_twice(int pinned)
{
	struct scene s = scene_new();

	for (int i = 0; i < 2; i++)
		CUDA_CHECK(pinned ? cudaFreeHost(s.pinned) : cudaFree(s.a));
	return 1;
}

static int freed_within(int which)
{
	struct scene s = scene_new();

	CUDA_CHECK(cudaFree(s.a + which));
	return 1;
}

static const struct trial trials[] = {
	{ "allocations", allocation, 0, RIGHT, NULL },
	{ "out of memory", out_of_memory, 0, RIGHT, NULL },
	{ "the host reads device memory", host_touches, READ, DIES,
		"the host, outside of all queued work, touches device memory, byte 4 of 400" },
	{ "the host writes device memory", host_touches, WRITE, DIES, "byte 4 of 400" },
	{ "the host reads it after a wait", host_touches_later, READ, DIES, "byte 4 of 400" },
	{ "the host writes it after a wait", host_touches_later, WRITE, DIES, "byte 4 of 400" },
	{ "past pinned memory", host_touches_past_pinned, READ, DIES,
		"0 bytes behind pinned memory of 64" },
	{ "freed pinned memory", host_touches_freed_pinned, WRITE, DIES, "freed pinned memory" },
	{ "work reads device memory", work_touches, READ, RIGHT, NULL },
	{ "work writes device memory", work_touches, WRITE, RIGHT, NULL },
	{ "work reads freed memory", work_touches_freed, READ, DIES,
		"freed device memory, byte 0\n    in touch of stream 2" },
	{ "work writes freed memory", work_touches_freed, WRITE, DIES, "freed device memory" },
	{ "work reads past device memory", work_touches_past, READ, DIES,
		"48 bytes behind device memory of 400 bytes" },
	{ "work writes past device memory", work_touches_past, WRITE, DIES,
		"48 bytes behind device memory of 400 bytes" },
	{ "work writes just past device memory", work_writes_just_past, 0, DIES, "just behind" },
	{ "which work it was", work_writes_just_past, 1, DIES, "400 bytes by touch" },
	{ "device memory is freed twice", freed_twice, 0, DIES, "freed already" },
	{ "pinned memory is freed twice", freed_twice, 1, DIES, "freed already" },
	{ "what was not allocated is freed", freed_within, 1, DIES, "no allocation" },
};

int main(void)
{
	return trial_main(trials, sizeof trials / sizeof trials[0]);
}
