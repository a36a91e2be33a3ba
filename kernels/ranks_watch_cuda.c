/* ranks_watch_cuda.c - waiting for the device when it may wait for other ranks.
 * A collective whose peers do not come never ends, and a host that waits for it by
 * cudaEventSynchronize would not either.  So with several ranks the host asks again and again: has
 * the event come, has NCCL met a fault, which is the oldest collective that is not complete, and
 * how long has it been nothing but waiting for other ranks?  The time of this rank's own work does
 * not count. */
#include "ranks_cuda.h"

#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "comm/comm.h"

static const struct ranks_call *oldest(const struct cuda_ranks *r)
{
	return &r->ring[r->complete % RANKS_RING];
}

/* Move on past the collectives that are complete; returns the oldest that is not, or NULL. */
static const struct ranks_call *advance(struct cuda *cuda)
{
	struct cuda_ranks *r = cuda->ranks;

	for (; r->complete < r->asked; r->complete++) {
		if (!cuda_event_done(cuda, oldest(r)->done))
			return oldest(r);
		r->since = 0;
	}
	return NULL;
}

enum { DESCRIPTION = 128 };

/* "sum of gradients of 1048576 bytes at layer layer1.0.conv1" */
static const char *describe(char text[DESCRIPTION], const struct ranks_call *call)
{
	snprintf(text, DESCRIPTION, "%s of %zu bytes%s%s", call->kind, call->bytes,
		call->layer ? " at layer " : "", call->layer ? call->layer : "");
	return text;
}

void ranks_fault(struct cuda *cuda, ncclResult_t fault, const char *call)
{
	struct cuda_ranks *r = cuda->ranks;
	const struct ranks_call *at = advance(cuda);
	char text[DESCRIPTION] = "none is under way";

	if (at)
		describe(text, at);
	die(__FILE__, __LINE__, call,
		"NCCL on rank %d of %d: %s; %s; step %ld, collective %ld of this run (%s); "
		"NCCL_DEBUG=INFO tells more",
		r->comm->rank, r->comm->size, ncclGetErrorString(fault), ncclGetLastError(r->nccl),
		(long)comm_step(r->comm), r->complete + 1, text);
}

/* A fault that came up behind what was asked for. */
static void check_fault(struct cuda *cuda)
{
	ncclResult_t fault = ncclSuccess;

	NCCL_CHECK(cuda, ncclCommGetAsyncError(cuda->ranks->nccl, &fault));
	if (fault != ncclSuccess && fault != ncclInProgress)
		ranks_fault(cuda, fault, "ncclCommGetAsyncError");
}

/* The collective in which this rank does nothing but wait for others, since r->since; else NULL. */
static const struct ranks_call *waiting(struct cuda *cuda)
{
	struct cuda_ranks *r = cuda->ranks;
	const struct ranks_call *call = advance(cuda);

	if (!call || !cuda_event_done(cuda, call->ready)) {
		r->since = 0;
		return NULL;
	}
	if (r->since == 0)
		r->since = clock_seconds();
	return call;
}

static void watch(struct cuda *cuda)
{
	struct cuda_ranks *r = cuda->ranks;
	const struct ranks_call *call = waiting(cuda);
	char text[DESCRIPTION];

	check_fault(cuda);
	if (call)
		comm_waiting(r->comm, describe(text, call), r->complete + 1, r->since);
}

/* At first another thread may have the core, and soon the core may rest. */
static void rest(double waited)
{
	const struct timespec nap = { .tv_nsec = 50000 };

	if (waited < 1e-3)
		sched_yield();
	else
		nanosleep(&nap, NULL);
}

void cuda_ranks_await(struct cuda *cuda, cudaEvent_t event)
{
	const double look_s = 2e-3; /* a fault need not be seen sooner */
	double began = clock_seconds(), looked = began;

	while (!cuda_event_done(cuda, event)) {
		double now = clock_seconds();

		rest(now - began);
		if (now - looked < look_s)
			continue;
		watch(cuda);
		looked = now;
	}
}
