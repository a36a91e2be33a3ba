/* The double of libcudart: streams, events and copies, in every order of streams. */
#include "double/scene.h"
#include "double/trial.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* ---- order between streams; which: 1 with the wait, 0 without ---- */

static int consumer(int waits)
{
	struct scene s = scene_new();

	set(s.pinned, 1);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.upload);
	if (waits)
		order(s.upload, s.compute, s.event);
	copy(s.b, s.a, cudaMemcpyDeviceToDevice, s.compute);
	copy(s.result, s.b, cudaMemcpyDeviceToHost, s.compute);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return all(s.result, 1);
}

/* The next batch goes where the present one is still read. */
static int producer(int waits)
{
	struct scene s = scene_new();
	float next[N];

	set(s.pinned, 1);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.upload);
	order(s.upload, s.compute, s.event);
	copy(s.b, s.a, cudaMemcpyDeviceToDevice, s.compute);
	if (waits)
		order(s.compute, s.upload, s.event);
	set(next, 2);
	copy(s.a, next, cudaMemcpyHostToDevice, s.upload); /* staged */
	copy(s.result, s.b, cudaMemcpyDeviceToHost, s.compute);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return all(s.result, 1);
}

/* Of two streams that nobody awaits one overwrites what the other reads: only a random order has
 * the first run first. */
static int bystander(int waits)
{
	struct scene s = scene_new();
	cudaStream_t third;

	CUDA_CHECK(cudaStreamCreateWithFlags(&third, cudaStreamNonBlocking));
	CUDA_CHECK(cudaMemsetAsync(s.a, 0, BYTES, s.compute));
	order(s.compute, s.upload, s.event);
	copy(s.b, s.a, cudaMemcpyDeviceToDevice, s.compute);
	if (waits)
		order(s.compute, s.upload, s.event);
	CUDA_CHECK(cudaMemsetAsync(s.a, 1, BYTES, s.upload));
	order(s.compute, third, s.event);
	copy(s.result, s.b, cudaMemcpyDeviceToHost, third);
	CUDA_CHECK(cudaStreamSynchronize(third));
	return all(s.result, 0);
}

/* The host writes, or reads, a pinned buffer before the copy has run. */
static int pinned_too_early(int waits)
{
	struct scene s = scene_new();

	set(s.pinned, 1);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.upload);
	CUDA_CHECK(cudaEventRecord(s.event, s.upload));
	if (waits)
		CUDA_CHECK(cudaEventSynchronize(s.event));
	set(s.pinned, 2);
	copy(s.result, s.a, cudaMemcpyDeviceToHost, s.upload);
	CUDA_CHECK(cudaDeviceSynchronize());
	return all(s.result, 1);
}

static int result_too_early(int waits)
{
	struct scene s = scene_new();

	set(s.pinned, 1);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.compute);
	copy(s.result, s.a, cudaMemcpyDeviceToHost, s.compute);
	if (waits)
		CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return all(s.result, 1);
}

/* The calls without a stream wait for the streams that were created to be waited for. */
static int copy_without_stream(int blocking)
{
	struct scene s = scene_new();
	float host[N];

	if (blocking)
		CUDA_CHECK(cudaStreamCreate(&s.compute));
	CUDA_CHECK(cudaMemset(s.a, 0, BYTES));
	set(s.pinned, 1);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.compute);
	CUDA_CHECK(cudaMemcpy(host, s.a, BYTES, cudaMemcpyDeviceToHost));
	return all(host, 1);
}

/* Work goes back and forth between streams, in order. */
static int ping_pong(int which)
{
	struct scene s = scene_new();

	(void)which;
	set(s.pinned, 7);
	copy(s.a, s.pinned, cudaMemcpyHostToDevice, s.upload);
	for (int i = 0; i < 1000; i++) {
		order(s.upload, s.compute, s.event);
		copy(s.b, s.a, cudaMemcpyDeviceToDevice, s.compute);
		CUDA_CHECK(cudaMemsetAsync(s.a, 0, BYTES, s.compute));
		order(s.compute, s.upload, s.event);
		copy(s.a, s.b, cudaMemcpyDeviceToDevice, s.upload);
	}
	copy(s.result, s.a, cudaMemcpyDeviceToHost, s.upload);
	CUDA_CHECK(cudaStreamSynchronize(s.upload));
	return all(s.result, 7);
}

/* ---- events ---- */

static int event_never_recorded(int which)
{
	struct scene s = scene_new();

	(void)which;
	EXPECT(cudaEventQuery(s.event) == cudaSuccess);
	EXPECT(cudaEventSynchronize(s.event) == cudaSuccess);
	CUDA_CHECK(cudaStreamWaitEvent(s.compute, s.event, 0));
	queue_count(s.compute);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return counted == 1;
}

/* Who waited for the first record does not wait for the second. */
static int event_recorded_again(int which)
{
	struct scene s = scene_new();

	(void)which;
	queue_count(s.upload);
	order(s.upload, s.compute, s.event);
	queue_count(s.upload);
	CUDA_CHECK(cudaEventRecord(s.event, s.upload));
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	EXPECT(!trial_is_order("lazy") || counted == 1);
	EXPECT(!trial_is_order("eager") || counted == 2);
	CUDA_CHECK(cudaEventSynchronize(s.event));
	return counted == 2;
}

static int event_destroyed(int which)
{
	struct scene s = scene_new();

	(void)which;
	queue_count(s.upload);
	order(s.upload, s.compute, s.event);
	CUDA_CHECK(cudaEventDestroy(s.event));
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return counted == 1;
}

/* ---- questions ---- */

/* In lazy order a question is answered by what was done before. */
static int query(int of_event)
{
	struct scene s = scene_new();
	cudaError_t first = trial_is_order("lazy") ? cudaErrorNotReady : cudaSuccess;

	EXPECT(cudaStreamQuery(s.compute) == cudaSuccess);
	queue_count(s.compute);
	CUDA_CHECK(cudaEventRecord(s.event, s.compute));
	EXPECT(first == (of_event ? cudaEventQuery(s.event) : cudaStreamQuery(s.compute)));
	EXPECT((of_event ? cudaEventQuery(s.event) : cudaStreamQuery(s.compute)) == cudaSuccess);
	EXPECT(counted == 1);
	return cudaGetLastError() == cudaSuccess;
}

static void *ask(void *arg)
{
	const struct scene *s = arg;

	for (int i = 0; i < 3; i++)
		EXPECT(cudaStreamQuery(s->compute) == cudaErrorNotReady);
	return NULL;
}

/* A watchdog may look, but does no work: that belongs to the thread that asked for it. */
static int query_of_another_thread(int which)
{
	struct scene s = scene_new();
	pthread_t thread;

	(void)which;
	queue_count(s.compute);
	EXPECT(pthread_create(&thread, NULL, ask, &s) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	EXPECT(counted == 0);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return counted == 1;
}

/* Like a collective whose peers come late. */
static int not_yet(void *arg)
{
	int *left = *(int **)arg;

	return (*left)-- == 0;
}

static int work_that_waits(int which)
{
	struct scene s = scene_new();
	int left = which, *p = &left;

	double_enqueue(s.upload, DOUBLE_COLLECTIVE, "not yet", not_yet, &p, sizeof p);
	order(s.upload, s.compute, s.event);
	queue_count(s.compute);
	EXPECT(cudaStreamQuery(s.compute) == cudaErrorNotReady);
	EXPECT(counted == 0 && left < which);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return counted == 1 && left == -1;
}

static int has_counted(void *arg)
{
	(void)arg;
	return counted > 0;
}

/* Somebody else needs what another stream has to give, and says so by no event. */
static int work_that_waits_for_another(int which)
{
	struct scene s = scene_new();

	(void)which;
	double_enqueue(s.compute, DOUBLE_COLLECTIVE, "has counted", has_counted, "", 1);
	queue_count(s.upload);
	CUDA_CHECK(cudaStreamSynchronize(s.compute));
	return counted == 1;
}

/* A device goes on while the host is elsewhere. */
static int absence(int which)
{
	const struct timespec pause = { 0, 10000000 };
	struct scene s;

	(void)which;
	setenv("CUDA_DOUBLE_ABSENCE", "0.1", 1);
	s = scene_new();
	queue_count(s.compute);
	for (int i = 0; i < 1000 && *(volatile int *)&counted == 0; i++)
		nanosleep(&pause, NULL);
	return counted == 1;
}

static const struct trial trials[] = {
	{ "a stream waits for what it reads", consumer, 1, RIGHT, NULL },
	{ "a stream reads too early", consumer, 0, WRONG, NULL },
	{ "a stream waits for who reads before it writes", producer, 1, RIGHT, NULL },
	{ "a stream overwrites too early", producer, 0, WRONG, NULL },
	{ "a stream that nobody awaits waits", bystander, 1, RIGHT, NULL },
	{ "a stream that nobody awaits overwrites too early", bystander, 0, WRONG, NULL },
	{ "the host waits before it writes a pinned buffer", pinned_too_early, 1, RIGHT, NULL },
	{ "the host writes a pinned buffer too early", pinned_too_early, 0, WRONG, NULL },
	{ "the host waits for a result", result_too_early, 1, RIGHT, NULL },
	{ "the host reads a result too early", result_too_early, 0, WRONG, NULL },
	{ "a copy without stream waits for a blocking stream", copy_without_stream, 1, RIGHT,
		NULL },
	{ "but not for others", copy_without_stream, 0, WRONG, NULL },
	{ "back and forth between streams", ping_pong, 0, RIGHT, NULL },
	{ "an event that was never recorded", event_never_recorded, 0, RIGHT, NULL },
	{ "an event that is recorded again", event_recorded_again, 0, RIGHT, NULL },
	{ "an event that is destroyed", event_destroyed, 0, RIGHT, NULL },
	{ "asking a stream", query, 0, RIGHT, NULL },
	{ "asking an event", query, 1, RIGHT, NULL },
	{ "another thread asks", query_of_another_thread, 0, RIGHT, NULL },
	{ "work that cannot go on yet", work_that_waits, 5, RIGHT, NULL },
	{ "work that needs another stream", work_that_waits_for_another, 0, RIGHT, NULL },
	{ "work while the host is elsewhere", absence, 0, RIGHT, NULL },
};

int main(void)
{
	return trial_main(trials, sizeof trials / sizeof trials[0]);
}
