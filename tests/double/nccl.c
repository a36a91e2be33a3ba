/* The double of NCCL: communicators between processes of one host.  Its answers to wrong arguments
 * are those of 2.28; what NCCL would not see ends the program. */

#include "nccl_double.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cudart.h"
#include "queue.h"

enum { COMM_ALIVE = 0x4cc1, CONFIG_MAGIC = 0xcafebeef, POLL_MICROSECONDS = 200 };

static char last_error[256];

ncclResult_t nccl_error(ncclResult_t error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(last_error, sizeof last_error, fmt, args);
	va_end(args);
	return error;
}

const char *ncclGetLastError(ncclComm_t comm)
{
	(void)comm; /* the library does not look at it either */
	return last_error;
}

const char *ncclGetErrorString(ncclResult_t result)
{
	static const char *const texts[] = {
		[ncclSuccess] = "no error",
		[ncclUnhandledCudaError] =
			"unhandled cuda error (run with NCCL_DEBUG=INFO for details)",
		[ncclSystemError] = "unhandled system error (run with NCCL_DEBUG=INFO for details)",
		[ncclInternalError] =
			"internal error - please report this issue to the NCCL developers",
		[ncclInvalidArgument] = "invalid argument (run with NCCL_DEBUG=WARN for details)",
		[ncclInvalidUsage] = "invalid usage (run with NCCL_DEBUG=WARN for details)",
		[ncclRemoteError] = "remote process exited or there was a network error",
		[ncclInProgress] = "NCCL operation in progress",
	};

	return (size_t)result < ncclNumResults ? texts[result] : "unknown result code";
}

ncclResult_t ncclGetVersion(int *version)
{
	if (!version)
		return nccl_error(ncclInvalidArgument, "GetVersion : version argument is NULL");
	*version = NCCL_VERSION_CODE;
	return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *uniqueId)
{
	if (!uniqueId)
		return nccl_error(ncclInvalidArgument, "GetUniqueId : uniqueId argument is NULL");
	_Static_assert(sizeof uniqueId->internal == MEETING_NAME, "the id is the name");
	meeting_name(uniqueId->internal);
	return ncclSuccess;
}

static ncclResult_t check_comm(ncclComm_t comm, const char *call)
{
	if (!comm)
		return nccl_error(ncclInvalidArgument, "%s : comm argument is NULL", call);
	if (comm->alive != COMM_ALIVE)
		double_fault("%s: the communicator is destroyed or aborted", call);
	return ncclSuccess;
}

/* What a call of ncclCommGetAsyncError would say now. */
static ncclResult_t state_of(ncclComm_t comm)
{
	int failed = meeting_failed(comm->meeting);

	if (failed >= 0)
		return failed == comm->rank ? ncclSystemError : ncclRemoteError;
	if (!meeting_complete(comm->meeting))
		return ncclInProgress;
	failed = meeting_shared_device(comm->meeting);
	if (failed >= 0)
		return nccl_error(ncclInvalidUsage,
			"Duplicate GPU detected : rank %d and another on one CUDA device", failed);
	return comm->busy ? ncclInProgress : ncclSuccess;
}

static int good_config(const ncclConfig_t *config)
{
	return config->size == sizeof *config && config->magic == CONFIG_MAGIC &&
		config->version == NCCL_VERSION_CODE &&
		(config->blocking == 0 || config->blocking == 1 ||
			config->blocking == NCCL_CONFIG_UNDEF_INT);
}

void comm_release(ncclComm_t comm)
{
	static _Atomic(ncclComm_t) destroyed;

	if (atomic_fetch_sub(&comm->references, 1) > 1)
		return;
	meeting_leave(comm->meeting);
	comm->meeting = NULL;
	comm->next = atomic_exchange(&destroyed, comm);
}

static ncclResult_t close_comm(ncclComm_t comm)
{
	atomic_store(&comm->alive, 0);
	comm_release(comm);
	return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t *comm, int nranks, ncclUniqueId commId, int rank)
{
	return ncclCommInitRankConfig(comm, nranks, commId, rank, NULL);
}

ncclResult_t ncclCommInitRankConfig(
	ncclComm_t *comm, int nranks, ncclUniqueId commId, int rank, ncclConfig_t *config)
{
	ncclResult_t state;
	ncclComm_t new;
	int device;

	if (!comm || nranks < 1 || rank < 0 || rank >= nranks)
		return nccl_error(
			ncclInvalidArgument, "Invalid rank requested : %d/%d", rank, nranks);
	if (config && !good_config(config))
		return nccl_error(ncclInvalidArgument,
			"ncclConfig_t argument not initialized via "
			"NCCL_CONFIG_INITIALIZER");
	if (!meeting_is_name(commId.internal))
		return nccl_error(ncclInvalidArgument, "the unique id is none of ncclGetUniqueId");
	if (cudaGetDevice(&device) != cudaSuccess)
		return nccl_error(ncclUnhandledCudaError, "Cuda failure");
	new = calloc(1, sizeof *new);
	if (!new)
		return nccl_error(ncclSystemError, "no memory");
	new->alive = COMM_ALIVE;
	new->references = 1;
	pthread_mutex_init(&new->lock, NULL);
	new->rank = rank;
	new->ranks = nranks;
	new->blocking = !config || config->blocking != 0;
	new->meeting = meeting_join(commId.internal, rank, nranks, device);
	*comm = new;
	if (!new->blocking)
		return ncclInProgress;
	while (!meeting_complete(new->meeting))
		usleep(POLL_MICROSECONDS);
	state = state_of(new);
	if (state != ncclSuccess) {
		close_comm(new);
		*comm = NULL;
	}
	return state;
}

ncclResult_t nccl_ready(ncclComm_t comm, const char *call)
{
	ncclResult_t state = check_comm(comm, call);

	if (state != ncclSuccess)
		return state;
	state = state_of(comm);
	if (state == ncclInProgress)
		return nccl_error(ncclInvalidArgument,
			"Attempt to use communicator before the "
			"previous operation returned ncclSuccess");
	return state;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *asyncError)
{
	ncclResult_t status = check_comm(comm, "ncclGetAsyncError");

	if (status != ncclSuccess)
		return status;
	if (!asyncError)
		return nccl_error(
			ncclInvalidArgument, "ncclGetAsyncError : asyncError argument is NULL");
	pthread_mutex_lock(&comm->lock);
	*asyncError = state_of(comm);
	if (comm->busy && --comm->busy == 0) {
		for (int i = 0; i < comm->waiting_count; i++)
			collective_queue(&comm->waiting[i]);
		comm->waiting_count = 0;
	}
	pthread_mutex_unlock(&comm->lock);
	return ncclSuccess;
}

ncclResult_t ncclCommCount(const ncclComm_t comm, int *count)
{
	ncclResult_t status = check_comm(comm, "CommCount");

	if (status == ncclSuccess && !count)
		status = nccl_error(ncclInvalidArgument, "CommCount : count argument is NULL");
	if (status == ncclSuccess)
		*count = comm->ranks;
	return status;
}

ncclResult_t ncclCommUserRank(const ncclComm_t comm, int *rank)
{
	ncclResult_t status = check_comm(comm, "CommUserRank");

	if (status == ncclSuccess && !rank)
		status = nccl_error(ncclInvalidArgument, "CommUserRank : rank argument is NULL");
	if (status == ncclSuccess)
		*rank = comm->rank;
	return status;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm)
{
	if (!comm)
		return ncclSuccess;
	check_comm(comm, "ncclCommDestroy");
	if (!double_idle() && (comm->references > 1 || comm->waiting_count))
		double_fault("ncclCommDestroy: collectives are not done; wait, or abort");
	return close_comm(comm);
}

ncclResult_t ncclCommAbort(ncclComm_t comm)
{
	if (!comm)
		return ncclSuccess;
	check_comm(comm, "ncclCommAbort");
	return close_comm(comm);
}
