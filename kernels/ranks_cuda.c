/* ranks_cuda.c - collectives over the GPUs of all ranks, by NCCL.
 * There is one communicator and one stream for it, so that collectives run in the order in which
 * they were asked for, which is the same on all ranks: two communicators could wait for each other.
 * The ranks' stream waits for what the compute stream has queued so far, by an event; the compute
 * stream waits for the result at once (sum_float ...) or in sum_finish.  With one rank there is no
 * communicator and nothing is launched. */
#include "ranks_cuda.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "comm/comm.h"

/* ncclCommInitRank in a thread of its own: it does not end where a network lets nothing through,
 * and then the watchdog is to say so. */
struct joining {
	int device, ranks, rank;
	ncclUniqueId id;
	ncclComm_t nccl;
	ncclResult_t result;
	atomic_int done;
};

static void *join_ranks(void *arg)
{
	struct joining *j = arg;

	CUDA_CHECK(cudaSetDevice(j->device));
	j->result = ncclCommInitRank(&j->nccl, j->ranks, j->id, j->rank);
	atomic_store(&j->done, 1);
	return NULL;
}

static void open_communicator(struct cuda *cuda, struct comm *comm)
{
	struct joining j = { .device = cuda->index, .ranks = comm->size, .rank = comm->rank };
	double began;
	pthread_t thread;

	if (comm->rank == 0)
		NCCL_CHECK(cuda, ncclGetUniqueId(&j.id));
	comm_broadcast(comm, &j.id, sizeof j.id, 0);
	/* All connections now: when the first collective of a kind makes them, its call waits for
	 * the other ranks, where nobody watches. */
	setenv("NCCL_RUNTIME_CONNECT", "0", 0);
	began = clock_seconds();
	CHECK(pthread_create(&thread, NULL, join_ranks, &j) == 0, "no thread to join ranks in");
	while (!atomic_load(&j.done))
		comm_waiting(comm, "NCCL's connections; NCCL_DEBUG=INFO tells more", 0, began);
	pthread_join(thread, NULL);
	NCCL_CHECK(cuda, j.result);
	cuda->ranks->nccl = j.nccl;
}

void connect_cuda(struct device *dev, struct comm *comm)
{
	struct cuda *cuda = cuda_of(dev);
	struct cuda_ranks *r;

	CHECK(!dev->comm, "the device is connected already");
	dev->comm = comm;
	if (comm->size == 1)
		return;
	r = cuda->ranks = xcalloc(1, sizeof *r);
	r->comm = comm;
	open_communicator(cuda, comm);
	for (int i = 0; i < RANKS_RING; i++) {
		r->ring[i].ready = cuda_event();
		r->ring[i].done = cuda_event();
	}
}

void cuda_ranks_close(struct cuda *cuda)
{
	struct cuda_ranks *r = cuda->ranks;

	if (!r)
		return;
	NCCL_CHECK(cuda, ncclCommDestroy(r->nccl));
	for (int i = 0; i < RANKS_RING; i++) {
		CUDA_CHECK(cudaEventDestroy(r->ring[i].ready));
		CUDA_CHECK(cudaEventDestroy(r->ring[i].done));
	}
	xfree(cuda->ranks);
}

/* Where the next collective is noted: the ring's oldest place, once that is complete. */
static struct ranks_call *take_call(struct cuda *cuda)
{
	struct cuda_ranks *r = cuda->ranks;
	struct ranks_call *call = &r->ring[r->asked % RANKS_RING];

	if (r->asked - r->complete == RANKS_RING) {
		if (!cuda_event_done(cuda, call->done))
			cuda_await(cuda, call->done);
		r->complete = r->asked - RANKS_RING + 1;
		r->since = 0;
	}
	return call;
}

/* The communicator, its stream behind the compute stream; NULL with one rank: nothing to do. */
static struct cuda_ranks *begin(struct cuda *cuda, const char *kind, size_t bytes)
{
	struct cuda_ranks *r = cuda->ranks;
	struct ranks_call *call;

	CHECK(cuda->device.comm, "%s before connect", kind);
	if (!r || bytes == 0)
		return NULL;
	call = take_call(cuda);
	call->kind = kind;
	call->layer = cuda->device.layer;
	call->bytes = bytes;
	CUDA_CHECK(cudaEventRecord(call->ready, cuda->compute));
	CUDA_CHECK(cudaStreamWaitEvent(cuda->ranks_stream, call->ready, 0));
	return r;
}

static void end(struct cuda *cuda)
{
	struct cuda_ranks *r = cuda->ranks;

	CUDA_CHECK(cudaEventRecord(r->ring[r->asked % RANKS_RING].done, cuda->ranks_stream));
	r->asked++;
	cuda->device.counts.collectives++;
}

/* What follows on the compute stream sees the results of all collectives so far. */
static void join(struct cuda *cuda)
{
	struct cuda_ranks *r = cuda->ranks;

	if (r && r->asked > 0)
		CUDA_CHECK(cudaStreamWaitEvent(
			cuda->compute, r->ring[(r->asked - 1) % RANKS_RING].done, 0));
}

static void start_sum(
	struct cuda *cuda, const char *kind, void *x, size_t n, ncclDataType_t type, size_t size)
{
	struct cuda_ranks *r = begin(cuda, kind, n * size);

	if (!r)
		return;
	NCCL_CHECK(cuda, ncclAllReduce(x, x, n, type, ncclSum, r->nccl, cuda->ranks_stream));
	end(cuda);
}

void sum_double_cuda(struct device *dev, double *x, size_t n)
{
	start_sum(cuda_of(dev), "sum of doubles", x, n, ncclDouble, sizeof *x);
	join(cuda_of(dev));
}

void sum_float_cuda(struct device *dev, float *x, size_t n)
{
	start_sum(cuda_of(dev), "sum of floats", x, n, ncclFloat, sizeof *x);
	join(cuda_of(dev));
}

void sum_start_cuda(struct device *dev, float *x, size_t n)
{
	start_sum(cuda_of(dev), "sum of gradients", x, n, ncclFloat, sizeof *x);
}

void sum_finish_cuda(struct device *dev)
{
	join(cuda_of(dev));
}

void gather_cuda(struct device *dev, float *all, const float *own, int views, size_t n)
{
	struct cuda *cuda = cuda_of(dev);
	size_t count = (size_t)views * n, ranks = (size_t)(dev->comm ? dev->comm->size : 1);
	struct cuda_ranks *r = begin(cuda, "gather", count * sizeof *own);

	if (!r) {
		copy_cuda(dev, all, own, count * sizeof *own);
		return;
	}
	/* In a group the views are one launch. */
	NCCL_CHECK(cuda, ncclGroupStart());
	for (size_t v = 0; v < (size_t)views; v++)
		NCCL_CHECK(cuda,
			ncclAllGather(own + v * n, all + v * ranks * n, n, ncclFloat, r->nccl,
				cuda->ranks_stream));
	NCCL_CHECK(cuda, ncclGroupEnd());
	end(cuda);
	join(cuda);
}
