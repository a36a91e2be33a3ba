#ifndef COMM_COMM_H
#define COMM_COMM_H

#include <stddef.h>
#include <stdint.h>

/* The ranks of a job.  mpi.h is included in comm/ and base/die.c only.  All functions are
 * collective unless said otherwise, are called from the main thread, and end the job when MPI
 * reports a fault. */

struct comm {
	int rank, size;
	int local_rank, local_size; /* among the ranks of this host */
};

/* Start MPI (once a process) and describe this rank; argc, argv as main got them. */
struct comm *comm_open(int *argc, char ***argv);
void comm_close(struct comm *c);

/* Element-wise sum over ranks, in place; the same bits on every rank. */
void comm_sum_float(struct comm *c, float *x, size_t n);
void comm_sum_double(struct comm *c, double *x, size_t n);
/* Element-wise maximum over ranks, in place. */
void comm_max_int(struct comm *c, int *x, size_t n);

/* Sums that run behind other work, in the order they were started; comm_sum_finish waits for all of
 * them.  The buffer is the communicator's until then. At most COMM_PENDING at a time. */
enum { COMM_PENDING = 64 };
void comm_sum_start(struct comm *c, float *x, size_t n);
void comm_sum_finish(struct comm *c);

/* all (size, n) = every rank's x [n], in rank order. */
void comm_gather_float(struct comm *c, float *all, const float *x, size_t n);
void comm_gather_int64(struct comm *c, int64_t *all, const int64_t *x, size_t n);

/* All ranks get the bytes that x holds on root. */
void comm_broadcast(struct comm *c, void *x, size_t bytes, int root);

/* Agree on an input fault: rc is 0 or -1 on each rank; when any rank has -1, all return -1 and hold
 * the lowest such rank's err (ERR_MAX bytes). So no rank goes on while another has stopped. */
int comm_agree(struct comm *c, int rc, char *err);

#endif
