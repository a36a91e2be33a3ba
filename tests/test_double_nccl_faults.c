/* The double of NCCL: arguments that the library refuses, with its answers, collectives that do not
 * match, and faults put in by NCCL_DOUBLE_FAIL. */

#include "test.h"
#include "double_fixture.h"
#include "double_ranks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refused(struct rank *r)
{
	float x[4] = { 0 }, *dev = rank_upload(r, x, sizeof x);
	ncclComm_t comm = r->comm;
	cudaStream_t s = r->stream;
	ncclResult_t state;
	int n;

	NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, NULL, s) == ncclInvalidArgument);
	NEED(strcmp(ncclGetLastError(NULL), "AllReduce : comm argument is NULL") == 0);
	NEED(ncclAllReduce(NULL, dev, 1, ncclFloat, ncclSum, comm, s) == ncclInvalidArgument);
	NEED(ncclAllReduce(dev, NULL, 1, ncclFloat, ncclSum, comm, s) == ncclInvalidArgument);
	NEED(ncclAllReduce(dev, dev, 1, 77, ncclSum, comm, s) == ncclInvalidArgument);
	NEED(ncclAllReduce(dev, dev, 1, ncclFloat, 77, comm, s) == ncclInvalidArgument);
	NEED(ncclAllGather(NULL, dev, 1, ncclFloat, comm, s) == ncclInvalidArgument);
	NEED(ncclBroadcast(dev, dev, 1, ncclFloat, 1, comm, s) == ncclInvalidArgument);
	NEED(ncclBroadcast(NULL, dev, 1, ncclFloat, 0, comm, s) == ncclInvalidArgument);
	NEED(ncclAllReduce(dev, dev, 0, ncclFloat, ncclSum, comm, s) == ncclSuccess);
	NEED(ncclGroupStart() == ncclSuccess);
	NEED(ncclAllReduce(NULL, dev, 1, ncclFloat, ncclSum, comm, s) == ncclInvalidArgument);
	NEED(ncclGroupEnd() == ncclInvalidArgument);
	NEED(ncclGroupEnd() == ncclInvalidUsage);
	NEED(ncclCommCount(comm, &n) == ncclSuccess && n == 1);
	NEED(ncclCommUserRank(comm, &n) == ncclSuccess && n == 0);
	NEED(ncclCommCount(comm, NULL) == ncclInvalidArgument);
	NEED(ncclCommGetAsyncError(comm, &state) == ncclSuccess && state == ncclSuccess);
	NEED(ncclCommGetAsyncError(comm, NULL) == ncclInvalidArgument);
	NEED(ncclCommGetAsyncError(NULL, &state) == ncclInvalidArgument);
	return 0;
}

static void arguments(void **state)
{
	ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
	ncclUniqueId id, zeros;
	ncclComm_t comm;
	int version;

	(void)state;
	assert_ranks(1, refused, 0, NULL);
	memset(&zeros, 0, sizeof zeros);
	assert_int_equal(ncclGetUniqueId(NULL), ncclInvalidArgument);
	assert_int_equal(ncclGetUniqueId(&id), ncclSuccess);
	assert_int_equal(ncclCommInitRank(&comm, 0, id, 0), ncclInvalidArgument);
	assert_int_equal(ncclCommInitRank(&comm, 2, id, 2), ncclInvalidArgument);
	assert_int_equal(ncclCommInitRank(&comm, 2, id, -1), ncclInvalidArgument);
	assert_int_equal(ncclCommInitRank(NULL, 1, id, 0), ncclInvalidArgument);
	assert_int_equal(ncclCommInitRank(&comm, 1, zeros, 0), ncclInvalidArgument);
	config.magic = 1;
	assert_int_equal(ncclCommInitRankConfig(&comm, 1, id, 0, &config), ncclInvalidArgument);
	assert_int_equal(ncclGetVersion(&version), ncclSuccess);
	assert_int_equal(version, NCCL_VERSION_CODE);
	assert_int_equal(ncclCommDestroy(NULL), ncclSuccess);
	assert_string_equal(ncclGetErrorString(ncclRemoteError),
		"remote process exited or there was a network error");
	assert_string_equal(ncclGetErrorString(77), "unknown result code");
}

/* One rank of one, that asks for something deadly. */
#define DEADLY(name, call)                                                                         \
	static int name(struct rank *r)                                                            \
	{                                                                                          \
		float host[8] = { 0 }, *dev = rank_upload(r, host, sizeof host);                   \
		cudaStream_t s = r->stream;                                                        \
                                                                                                   \
		NEED((call) == ncclSuccess);                                                       \
		(void)s;                                                                           \
		(void)dev;                                                                         \
		return 0;                                                                          \
	}

DEADLY(host_memory, ncclAllReduce(host, dev, 1, ncclFloat, ncclSum, r->comm, s))
DEADLY(too_long, ncclAllReduce(dev, dev, 9, ncclFloat, ncclSum, r->comm, s))
DEADLY(overlap, ncclAllReduce(dev, dev + 1, 4, ncclFloat, ncclSum, r->comm, s))
DEADLY(no_stream, ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, NULL))
DEADLY(maximum, ncclAllReduce(dev, dev, 1, ncclFloat, ncclMax, r->comm, s))
DEADLY(misaligned, ncclAllReduce(dev + 1, dev + 1, 1, ncclDouble, ncclSum, r->comm, s))
DEADLY(unfinished, ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, s))

static void deadly(void **state)
{
	(void)state;
	assert_ranks(1, host_memory, 0, "sendbuff");
	assert_ranks(1, too_long, 0, "is not 36 bytes of device memory");
	assert_ranks(1, overlap, 0, "overlap, but not in place");
	assert_ranks(1, no_stream, 0, "default stream");
	assert_ranks(1, maximum, 0, "has no double");
	assert_ranks(1, misaligned, 0, "not aligned");
	assert_ranks(1, unfinished, 0, "collectives are not done");
}

static int other_count(struct rank *r)
{
	float x[4] = { 0 }, *dev = rank_upload(r, x, sizeof x);

	NEED(ncclAllReduce(dev, dev, (size_t)r->rank + 1, ncclFloat, ncclSum, r->comm, r->stream) ==
		ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	return 0;
}

static int other_kind(struct rank *r)
{
	float x[4] = { 0 }, *dev = rank_upload(r, x, sizeof x);

	if (r->rank)
		NEED(ncclBroadcast(dev, dev, 1, ncclFloat, 0, r->comm, r->stream) == ncclSuccess);
	else
		NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, r->stream) ==
			ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	return 0;
}

static int other_type(struct rank *r)
{
	double x[2] = { 0 }, *dev = rank_upload(r, x, sizeof x);

	NEED(ncclAllReduce(dev, dev, 1, r->rank ? ncclFloat : ncclDouble, ncclSum, r->comm,
		     r->stream) == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	return 0;
}

static void mismatches(void **state)
{
	(void)state;
	assert_ranks(2, other_count, 0, "ncclAllReduce of 2 elements");
	assert_ranks(2, other_kind, 0, "ncclBroadcast of 1 elements");
	assert_ranks(2, other_type, 0, "of type 8");
}

/* The second of three collectives does not end; what is told of it? */
static int broken(struct rank *r, ncclResult_t want)
{
	float x = 1, *dev = rank_upload(r, &x, sizeof x);
	cudaEvent_t events[3];
	ncclResult_t state = ncclSuccess;

	for (int i = 0; i < 3; i++) {
		NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, r->stream) ==
			ncclSuccess);
		NEED(cudaEventCreate(&events[i]) == cudaSuccess);
		NEED(cudaEventRecord(events[i], r->stream) == cudaSuccess);
	}
	NEED(cudaEventSynchronize(events[0]) == cudaSuccess);
	for (int i = 0; i < 200 || (want != ncclSuccess && state == ncclSuccess); i++) {
		NEED(cudaEventQuery(events[1]) == cudaErrorNotReady);
		NEED(ncclCommGetAsyncError(r->comm, &state) == ncclSuccess);
		usleep(100);
	}
	NEED(state == want);
	NEED(cudaEventQuery(events[2]) == cudaErrorNotReady);
	if (want != ncclSuccess)
		NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, r->stream) == want);
	NEED(ncclCommAbort(r->comm) == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess); /* aborted work ends */
	return 0;
}

static int breaks_down(struct rank *r)
{
	return broken(r, r->rank == 1 ? ncclSystemError : ncclRemoteError);
}

static int hangs(struct rank *r)
{
	return broken(r, ncclSuccess);
}

static void *abort_later(void *arg)
{
	struct rank *r = arg;

	usleep(20000);
	return ncclCommAbort(r->comm) == ncclSuccess ? NULL : r;
}

/* A watchdog's thread ends what the main thread waits for. */
static int rescued(struct rank *r)
{
	float x = 1, *dev = rank_upload(r, &x, sizeof x);
	pthread_t watchdog;
	void *failed;

	NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, r->stream) == ncclSuccess);
	NEED(pthread_create(&watchdog, NULL, abort_later, r) == 0);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(pthread_join(watchdog, &failed) == 0);
	NEED(!failed);
	return 0;
}

static void seeded(void **state)
{
	(void)state;
	setenv("NCCL_DOUBLE_FAIL", "1:2", 1);
	assert_ranks(3, breaks_down, RANKS_ABORT, NULL);
	setenv("NCCL_DOUBLE_FAIL", "1:2:hang", 1);
	assert_ranks(3, hangs, RANKS_ABORT, NULL);
	setenv("NCCL_DOUBLE_FAIL", "0:1:hang", 1);
	assert_ranks(2, rescued, RANKS_ABORT, NULL);
	unsetenv("NCCL_DOUBLE_FAIL");
}

/* Two ranks on one GPU are refused. */
static void one_device(void **state)
{
	(void)state;
	assert_ranks(2, refused, RANKS_ONE_DEVICE, NULL);
	assert_ranks(2, refused, RANKS_ONE_DEVICE | RANKS_DO_NOT_BLOCK, NULL);
}

/* A communicator that does not block gets work on its stream only when it says ncclSuccess. */
static int polled(struct rank *r)
{
	float x = 1, *dev = rank_upload(r, &x, sizeof x);
	ncclResult_t state = ncclInProgress;

	NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, r->stream) == ncclInProgress);
	NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, r->stream) ==
		ncclInvalidArgument);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(cudaMemcpy(&x, dev, sizeof x, cudaMemcpyDeviceToHost) == cudaSuccess);
	NEED(x == 1);
	while (state == ncclInProgress)
		NEED(ncclCommGetAsyncError(r->comm, &state) == ncclSuccess);
	NEED(state == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(cudaMemcpy(&x, dev, sizeof x, cudaMemcpyDeviceToHost) == cudaSuccess);
	NEED(x == 2);
	return 0;
}

static void without_blocking(void **state)
{
	(void)state;
	assert_ranks(2, polled, RANKS_DO_NOT_BLOCK, NULL);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(arguments),
	cmocka_unit_test(deadly),
	cmocka_unit_test(mismatches),
	cmocka_unit_test(seeded),
	cmocka_unit_test(one_device),
	cmocka_unit_test(without_blocking),
};

TEST_MAIN(cases)
