/* The double of NCCL: what is asked of a communicator, checked, and kept until the group ends.
 *
 * A communicator that does not block answers ncclInProgress and puts the work on its stream only
 * when ncclCommGetAsyncError has been asked until it says ncclSuccess: an event recorded before is
 * recorded too early, with the library as here. */

#include "nccl_double.h"

#include <stdint.h>
#include <string.h>

#include "numbers.h"
#include "queue.h"

static struct {
	int depth, count;
	ncclResult_t error; /* the first within the group */
	struct collective list[NCCL_WAITING];
} group;

/* Queue it now, or when the communicator gets to it. */
static ncclResult_t launch(const struct collective *c)
{
	ncclComm_t comm = c->comm;

	if (comm->blocking) {
		collective_queue(c);
		return ncclSuccess;
	}
	pthread_mutex_lock(&comm->lock);
	if (comm->waiting_count == NCCL_WAITING)
		double_fault("NCCL: more than %d collectives in a group", NCCL_WAITING);
	comm->waiting[comm->waiting_count++] = *c;
	comm->busy = 2;
	pthread_mutex_unlock(&comm->lock);
	return ncclInProgress;
}

ncclResult_t ncclGroupStart(void)
{
	if (group.depth++ == 0) {
		group.count = 0;
		group.error = ncclSuccess;
	}
	return ncclSuccess;
}

ncclResult_t ncclGroupEnd(void)
{
	ncclResult_t result = ncclSuccess;

	if (group.depth == 0)
		return nccl_error(ncclInvalidUsage, "ncclGroupEnd: not in a group call.");
	if (--group.depth || group.error != ncclSuccess)
		return group.depth ? ncclSuccess : group.error;
	for (int i = 0; i < group.count; i++) {
		ncclResult_t one = launch(&group.list[i]);

		if (one != ncclSuccess)
			result = one;
	}
	return result;
}

static ncclResult_t submit(const struct collective *c)
{
	if (!group.depth)
		return launch(c);
	if (group.count == NCCL_WAITING)
		double_fault("NCCL: more than %d collectives in a group", NCCL_WAITING);
	group.list[group.count++] = *c;
	return ncclSuccess;
}

/* What a call reads and writes on this rank. */
struct buffers {
	const void *send, *recv;
	size_t send_bytes, recv_bytes;
	size_t in_place; /* where in recv send may be */
};

static void check_memory(const struct buffers *b, size_t element, const char *call)
{
	if (b->send && !double_is_device(b->send, b->send_bytes))
		double_fault("%s: sendbuff %p is not %zu bytes of device memory", call, b->send,
			b->send_bytes);
	if (!double_is_device(b->recv, b->recv_bytes))
		double_fault("%s: recvbuff %p is not %zu bytes of device memory", call, b->recv,
			b->recv_bytes);
	if ((uintptr_t)b->send % element || (uintptr_t)b->recv % element)
		double_fault(
			"%s: sendbuff %p or recvbuff %p is not aligned", call, b->send, b->recv);
	if (b->send && (const char *)b->send != (const char *)b->recv + b->in_place &&
		numbers_overlap(b->send, b->send_bytes, b->recv, b->recv_bytes))
		double_fault("%s: sendbuff and recvbuff overlap, but not in place", call);
}

/* In a group an error is told by its end too. */
static ncclResult_t in_group(ncclResult_t result)
{
	if (group.depth && group.error == ncclSuccess)
		group.error = result;
	return result;
}

/* What all collectives check; ncclSuccess with *element 0: nothing is to be done. */
static ncclResult_t check(ncclComm_t comm, const struct buffers *b, size_t count,
	ncclDataType_t type, cudaStream_t stream, size_t *element, const char *call)
{
	ncclResult_t ready = nccl_ready(comm, call);

	*element = 0;
	if (ready != ncclSuccess)
		return in_group(ready);
	if (!b->recv)
		return in_group(
			nccl_error(ncclInvalidArgument, "%s : recvbuff argument is NULL", call));
	if ((int)type < 0 || type >= ncclNumTypes)
		return in_group(
			nccl_error(ncclInvalidArgument, "%s : invalid type %d", call, (int)type));
	if (!collective_element(type))
		double_fault("%s: type %d has no double", call, (int)type);
	if (!stream)
		double_fault("%s: on the default stream", call);
	*element = count ? collective_element(type) : 0;
	return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void *sendbuff, void *recvbuff, size_t count,
	ncclDataType_t datatype, ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream)
{
	struct buffers b = { sendbuff, recvbuff, 0, 0, 0 };
	size_t element;
	ncclResult_t result = check(comm, &b, count, datatype, stream, &element, "AllReduce");

	if (result == ncclSuccess && (!sendbuff || (int)op < 0 || op >= ncclNumOps))
		return in_group(nccl_error(
			ncclInvalidArgument, "AllReduce : sendbuff is NULL or op %d", (int)op));
	if (result != ncclSuccess || !element)
		return result;
	if (op != ncclSum)
		double_fault("ncclAllReduce: operation %d has no double", (int)op);
	b.send_bytes = b.recv_bytes = count * element;
	check_memory(&b, element, "ncclAllReduce");
	return submit(&(struct collective){ .comm = comm,
		.stream = stream,
		.order = { .kind = ALL_REDUCE, .type = datatype, .op = op, .count = count },
		.send = sendbuff,
		.recv = recvbuff });
}

ncclResult_t ncclAllGather(const void *sendbuff, void *recvbuff, size_t sendcount,
	ncclDataType_t datatype, ncclComm_t comm, cudaStream_t stream)
{
	struct buffers b = { sendbuff, recvbuff, 0, 0, 0 };
	size_t element;
	ncclResult_t result = check(comm, &b, sendcount, datatype, stream, &element, "AllGather");

	if (result == ncclSuccess && !sendbuff)
		return in_group(
			nccl_error(ncclInvalidArgument, "AllGather : sendbuff argument is NULL"));
	if (result != ncclSuccess || !element)
		return result;
	b.send_bytes = sendcount * element;
	b.recv_bytes = b.send_bytes * (size_t)comm->ranks;
	b.in_place = b.send_bytes * (size_t)comm->rank;
	check_memory(&b, element, "ncclAllGather");
	return submit(&(struct collective){ .comm = comm,
		.stream = stream,
		.order = { .kind = ALL_GATHER, .type = datatype, .count = sendcount },
		.send = sendbuff,
		.recv = recvbuff });
}

ncclResult_t ncclBroadcast(const void *sendbuff, void *recvbuff, size_t count,
	ncclDataType_t datatype, int root, ncclComm_t comm, cudaStream_t stream)
{
	struct buffers b = { NULL, recvbuff, 0, 0, 0 };
	size_t element;
	ncclResult_t result = check(comm, &b, count, datatype, stream, &element, "Broadcast");

	if (result == ncclSuccess &&
		(root < 0 || root >= comm->ranks || (root == comm->rank && !sendbuff)))
		return in_group(nccl_error(ncclInvalidArgument,
			"Broadcast : invalid root %d (root should be in the 0..%d range), or no "
			"sendbuff",
			root, comm->ranks));
	if (result != ncclSuccess || !element)
		return result;
	b.send = root == comm->rank ? sendbuff : NULL;
	b.send_bytes = b.recv_bytes = count * element;
	check_memory(&b, element, "ncclBroadcast");
	return submit(&(struct collective){ .comm = comm,
		.stream = stream,
		.order = { .kind = BROADCAST, .type = datatype, .root = root, .count = count },
		.send = b.send,
		.recv = recvbuff });
}
