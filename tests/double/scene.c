#include "double/scene.h"

struct scene scene_new(void)
{
	struct scene s;

	CUDA_CHECK(cudaStreamCreateWithFlags(&s.compute, cudaStreamNonBlocking));
	CUDA_CHECK(cudaStreamCreateWithFlags(&s.upload, cudaStreamNonBlocking));
	CUDA_CHECK(cudaEventCreateWithFlags(&s.event, cudaEventDisableTiming));
	CUDA_CHECK(cudaMalloc((void **)&s.a, BYTES));
	CUDA_CHECK(cudaMalloc((void **)&s.b, BYTES));
	CUDA_CHECK(cudaMallocHost((void **)&s.pinned, BYTES));
	CUDA_CHECK(cudaHostAlloc((void **)&s.result, BYTES, cudaHostAllocDefault));
	return s;
}

void set(float *x, float value)
{
	for (int i = 0; i < N; i++)
		x[i] = value;
}

int all(const float *x, float value)
{
	for (int i = 0; i < N; i++)
		if (!(x[i] == value))
			return 0;
	return 1;
}

void copy(void *to, const void *from, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	CUDA_CHECK(cudaMemcpyAsync(to, from, BYTES, kind, stream));
}

void order(cudaStream_t first, cudaStream_t then, cudaEvent_t event)
{
	CUDA_CHECK(cudaEventRecord(event, first));
	CUDA_CHECK(cudaStreamWaitEvent(then, event, 0));
}

int counted;

static int count(void *arg)
{
	(void)arg;
	counted++;
	return 1;
}

void queue_count(cudaStream_t stream)
{
	double_enqueue(stream, DOUBLE_LAUNCH, "count", count, "", 1);
}
