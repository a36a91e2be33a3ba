#ifndef DOUBLE_NCCL_DOUBLE_H
#define DOUBLE_NCCL_DOUBLE_H

#include <nccl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "nccl_meeting.h"

/* Between the files of the double of NCCL. */

enum { NCCL_WAITING = 64 };

/* nccl.h declares them without a prototype. */
ncclResult_t ncclGroupStart(void);
ncclResult_t ncclGroupEnd(void);

enum collective_kind { ALL_REDUCE, ALL_GATHER, BROADCAST };

/* One collective of one rank, asked for or queued. */
struct collective {
	ncclComm_t comm;
	cudaStream_t stream;
	struct order order;
	const char *send; /* NULL: nothing to give (a broadcast of another's) */
	char *recv;
	size_t done; /* elements */
	int posted;  /* this piece's part */
};

/* A watchdog may ask for its state or abort it from a thread of its own, while another thread runs
 * what is queued; who lets go of it last leaves the
 * meeting. */
struct ncclComm {
	atomic_int alive;
	struct ncclComm *next; /* of those destroyed: never freed, so that a later use is found */
	atomic_int references; /* the program's, and one for each collective on a stream */
	int rank, ranks;
	struct meeting *meeting;
	long asked, finished; /* collectives; they happen in the order asked for */
	int blocking;
	/* Of a communicator that does not block: ncclInProgress is answered so often more, and what
	 * was asked for gets on its stream only then. */
	pthread_mutex_t lock; /* of these; never taken by what runs on a stream */
	int busy;
	int waiting_count;
	struct collective waiting[NCCL_WAITING];
};

/* Bytes of one element, or 0 where the double does not know the type. */
size_t collective_element(ncclDataType_t type);

/* The program, or a collective, is done with it. */
void comm_release(ncclComm_t comm);

/* Put it on its stream. */
void collective_queue(const struct collective *c);

/* Keep the reason of an error for ncclGetLastError and return the error. */
ncclResult_t nccl_error(ncclResult_t error, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether collectives can be asked for: ncclSuccess, or why not. */
ncclResult_t nccl_ready(ncclComm_t comm, const char *call);

#endif
