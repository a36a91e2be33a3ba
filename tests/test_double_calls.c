/* The double of libcudart: devices, copies, what is counted; and calls that cannot be. */
#include "double/scene.h"
#include "double/trial.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- copies that cannot be ---- */

static int bad_copy(int which)
{
	struct scene s = scene_new();
	float host[2 * N];

	if (which == 0)
		copy(s.a, s.b, cudaMemcpyHostToDevice, s.compute);
	else if (which == 1)
		copy(host, host + N, cudaMemcpyHostToDevice, s.compute);
	else if (which == 2)
		copy(s.a + 1, s.pinned, cudaMemcpyHostToDevice, s.compute);
	else if (which == 3)
		copy(s.a, s.pinned + 1, cudaMemcpyHostToDevice, s.compute);
	else if (which == 4)
		CUDA_CHECK(cudaMemsetAsync(host, 0, BYTES, s.compute));
	else
		CUDA_CHECK(cudaMemcpy2DAsync(
			s.a, 8, s.pinned, 8, 12, 3, cudaMemcpyHostToDevice, s.compute));
	return 1;
}

/* ---- streams and events that cannot be ---- */

static int bad_handle(int which)
{
	struct scene s = scene_new();

	if (which == 0)
		queue_count(NULL);
	else if (which == 1)
		copy(s.a, s.pinned, cudaMemcpyHostToDevice, NULL);
	else if (which == 2)
		CUDA_CHECK(cudaMemsetAsync(s.a, 0, BYTES, cudaStreamLegacy));
	else if (which == 3)
		CUDA_CHECK(cudaEventRecord(s.event, cudaStreamPerThread));
	else if (which == 4)
		CUDA_CHECK(cudaStreamSynchronize(NULL));
	if (which < 5)
		return 1;
	CUDA_CHECK(cudaStreamDestroy(s.upload));
	CUDA_CHECK(cudaEventDestroy(s.event));
	if (which == 5)
		queue_count(s.upload);
	else if (which == 6)
		CUDA_CHECK(cudaStreamWaitEvent(s.compute, s.event, 0));
	else
		CUDA_CHECK(cudaStreamSynchronize((cudaStream_t)&s));
	return 1;
}

static int event_time(int which)
{
	struct scene s = scene_new();
	cudaEvent_t from, to;
	float ms = -1;

	(void)which;
	CUDA_CHECK(cudaEventCreate(&from));
	CUDA_CHECK(cudaEventCreate(&to));
	EXPECT(cudaEventElapsedTime(&ms, from, to) == cudaErrorInvalidResourceHandle);
	CUDA_CHECK(cudaEventRecord(from, s.compute));
	CUDA_CHECK(cudaEventRecord(to, s.compute));
	CUDA_CHECK(cudaEventRecord(s.event, s.compute));
	EXPECT(cudaEventElapsedTime(&ms, from, to) == cudaErrorNotReady);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	EXPECT(cudaEventElapsedTime(&ms, from, to) == cudaSuccess);
	EXPECT(ms >= 0);
	return cudaEventElapsedTime(&ms, from, s.event) == cudaErrorInvalidResourceHandle;
}

/* ---- ends of streams ---- */

static int stream_destroyed(int which)
{
	struct scene s = scene_new();

	(void)which;
	queue_count(s.compute);
	CUDA_CHECK(cudaStreamDestroy(s.compute));
	CUDA_CHECK(cudaDeviceSynchronize());
	return counted == 1;
}

static int free_waits(int which)
{
	struct scene s = scene_new();

	(void)which;
	queue_count(s.compute);
	CUDA_CHECK(cudaMemsetAsync(s.a, 0, BYTES, s.upload));
	CUDA_CHECK(cudaFree(s.a));
	return counted == 1;
}

/* ---- devices ---- */

static int devices(int which)
{
	struct cudaDeviceProp prop;
	int count = -1, device = -1, value = 0;

	(void)which;
	EXPECT(cudaGetDeviceCount(&count) == cudaSuccess && count == 8);
	EXPECT(cudaSetDevice(8) == cudaErrorInvalidDevice && cudaSetDevice(7) == cudaSuccess);
	EXPECT(cudaGetDevice(&device) == cudaSuccess && device == 7);
	EXPECT(cudaGetDeviceProperties(&prop, 7) == cudaSuccess);
	EXPECT(strcmp(prop.name, "gpu double") == 0 && prop.major == 9);
	EXPECT(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0) == cudaSuccess);
	return value == prop.multiProcessorCount;
}

static int no_device(int which)
{
	static const struct {
		const char *setting;
		cudaError_t error;
	} cases[] = { { "0", cudaErrorNoDevice }, { "driver", cudaErrorInsufficientDriver } };
	cudaError_t error = cases[which].error;
	cudaStream_t stream;
	int count = -1;
	void *p;

	setenv("CUDA_DOUBLE_DEVICES", cases[which].setting, 1);
	EXPECT(cudaGetDeviceCount(&count) == error && count == 0);
	EXPECT(cudaSetDevice(0) == error && cudaMalloc(&p, 1) == error);
	EXPECT(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == error);
	EXPECT(cudaDeviceSynchronize() == error);
	return cudaGetLastError() == error;
}

/* A thread that has not chosen its device launches in a stream of another. */
static int other_device(int which)
{
	struct scene s = scene_new();

	CUDA_CHECK(cudaSetDevice(which));
	queue_count(s.compute);
	return 1;
}

static int done(void *arg)
{
	(void)arg;
	return 1;
}

/* ---- pageable memory ---- */

static int pageable(int which)
{
	struct scene s = scene_new();
	float host[N];
	long waits = double_trace()->implicit_waits;

	(void)which;
	set(host, 1);
	copy(s.a, host, cudaMemcpyHostToDevice, s.compute);
	set(host, 2);
	EXPECT(double_trace()->implicit_waits == waits + 1);
	copy(host, s.a, cudaMemcpyDeviceToHost, s.compute);
	EXPECT(double_trace()->implicit_waits == waits + 2);
	return all(host, 1);
}

static int rows(int pageable)
{
	struct scene s = scene_new();
	float host[N], *from = pageable ? host : s.pinned;

	for (int i = 0; i < N; i++)
		from[i] = (float)i;
	/* 10 rows of 10, of which 4 columns become the middle of 9 rows of 6 */
	CUDA_CHECK(cudaMemsetAsync(s.a, 0, BYTES, s.compute));
	CUDA_CHECK(cudaMemcpy2DAsync(s.a + 1, 6 * sizeof(float), from + 13, 10 * sizeof(float),
		4 * sizeof(float), 9, cudaMemcpyHostToDevice, s.compute));
	copy(s.result, s.a, cudaMemcpyDeviceToHost, s.compute);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	for (int y = 0; y < 9; y++)
		for (int x = 0; x < 6; x++)
			EXPECT(s.result[y * 6 + x] ==
				(x > 0 && x < 5 ? (float)((y + 1) * 10 + x + 2) : 0));
	return s.result[54] == 0;
}

/* ---- what is counted ---- */

static int counts(int which)
{
	const struct double_trace *t = double_trace();
	struct scene s = scene_new();

	(void)which;
	EXPECT(t->allocations == 4 && t->bytes == 2 * BYTES && t->peak == 2 * BYTES);
	queue_count(s.compute);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.compute);
	copy(s.b, s.a, cudaMemcpyDeviceToDevice, s.compute);
	CUDA_CHECK(cudaMemsetAsync(s.b, 0, BYTES, s.compute));
	double_enqueue(s.compute, DOUBLE_COLLECTIVE, "collective", done, "", 1);
	CUDA_CHECK(cudaEventRecord(s.event, s.compute));
	CUDA_CHECK(cudaStreamWaitEvent(s.upload, s.event, 0));
	EXPECT(t->launches == 1 && t->copies == 1 && t->inside == 2 && t->collectives == 1);
	EXPECT(t->waits == 0 && t->implicit_waits == 4);
	CUDA_CHECK(cudaStreamSynchronize(s.upload));
	CUDA_CHECK(cudaEventSynchronize(s.event));
	CUDA_CHECK(cudaDeviceSynchronize());
	EXPECT(t->waits == 3);
	CUDA_CHECK(cudaFree(s.b));
	return t->bytes == BYTES && t->peak == 2 * BYTES;
}

static int trace_file(int which)
{
	char name[] = "/tmp/reliquary-trace-XXXXXX", text[2000];
	int file = mkstemp(name);
	struct scene s;
	ssize_t n;

	(void)which;
	setenv("CUDA_DOUBLE_TRACE", name, 1);
	s = scene_new();
	queue_count(s.upload);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.compute);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	n = read(file, text, sizeof text - 1);
	unlink(name);
	EXPECT(n > 0);
	text[n] = 0;
	EXPECT(strstr(text, "launch     count 2\n"));
	EXPECT(strstr(text, "copy       cudaMemcpyAsync 1\n"));
	return strstr(text, "wait       cudaStreamSynchronize 1\n") != NULL;
}

static const struct trial trials[] = {
	{ "a copy from the wrong side", bad_copy, 0, DIES,
		"the source of a copy is device memory" },
	{ "a copy to the wrong side", bad_copy, 1, DIES, "the target of a copy is host memory" },
	{ "a copy past device memory", bad_copy, 2, DIES,
		"the target of a copy of 400 bytes begins at device memory, byte 4" },
	{ "a copy past pinned memory", bad_copy, 3, DIES, "pinned memory, byte 4 of 400" },
	{ "a fill of host memory", bad_copy, 4, DIES, "the target of a fill is host memory" },
	{ "rows longer than their pitch", bad_copy, 5, DIES, "longer than their pitch" },
	{ "work in the default stream", bad_handle, 0, DIES, "in the default stream" },
	{ "a copy in the default stream", bad_handle, 1, DIES, "in the default stream" },
	{ "a fill in the default stream", bad_handle, 2, DIES, "in the default stream" },
	{ "an event of the thread's stream", bad_handle, 3, DIES, "in the default stream" },
	{ "a wait for the default stream", bad_handle, 4, DIES, "in the default stream" },
	{ "work in a destroyed stream", bad_handle, 5, DIES, "a stream that is destroyed" },
	{ "a wait for a destroyed event", bad_handle, 6, DIES, "an event that is destroyed" },
	{ "a wait for no stream", bad_handle, 7, DIES, "a stream that is none" },
	{ "times of events", event_time, 0, RIGHT, NULL },
	{ "a stream that is destroyed", stream_destroyed, 0, RIGHT, NULL },
	{ "cudaFree waits for all", free_waits, 0, RIGHT, NULL },
	{ "devices", devices, 0, RIGHT, NULL },
	{ "no device", no_device, 0, RIGHT, NULL },
	{ "a driver that is too old", no_device, 1, RIGHT, NULL },
	{ "work on another device", other_device, 1, DIES,
		"the stream belongs to device 0, this thread uses 1" },
	{ "copies of pageable memory", pageable, 0, RIGHT, NULL },
	{ "copies of rows", rows, 0, RIGHT, NULL },
	{ "copies of pageable rows", rows, 1, RIGHT, NULL },
	{ "counts", counts, 0, RIGHT, NULL },
	{ "the trace for people", trace_file, 0, RIGHT, NULL },
};

int main(void)
{
	return trial_main(trials, sizeof trials / sizeof trials[0]);
}
