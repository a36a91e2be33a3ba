#ifndef COMM_COMM_H
#define COMM_COMM_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

/* The ranks of a job and their collectives on host memory, over MPI or over TCP.  mpi.h is included
 * in comm/ and base/die.c only.  All functions are collective unless said otherwise, and are called
 * from the main thread, by all ranks in the same order.
 *
 * No wait for other ranks is endless: after timeout_s the ranks that wait find out who has not
 * arrived, and the job ends with one message. It ends too when a library reports a fault or a rank
 * has died. */

struct comm {
	int rank, size;
	int local_rank, local_size; /* among the ranks of this host */
};

/* The settings comm.* of the configuration. */
struct comm_options {
	enum bootstrap bootstrap;
	const char *address;
	double timeout_s;
};

/* Join the other ranks (once a process) and describe this one.  NULL with err: settings or
 * environment do not say which rank this is or where the others are, or some have not come in time;
 * not every rank need have failed then. options NULL: by MPI, with the default timeout. */
struct comm *comm_open(const struct comm_options *options, char err[ERR_MAX]);
/* When all ranks have come here. */
void comm_close(struct comm *c);

/* The rank as far as the launcher has put it into the environment, else 0; not collective.  For
 * what is to be said once before there is a communicator. */
int comm_environment_rank(void);

/* The launcher that has numbered the ranks, by the environment ("srun"), NULL: none; *ranks: how
 * many it says there are, 0 when it does not.  Not collective. */
const char *comm_environment_launcher(int *ranks);

/* Does the MPI that is linked find the other ranks by PMIx or PMI only, which srun must offer?  0:
 * it may have means of its own, and only comm_open tells.  Not collective, also before comm_open.
 */
int comm_mpi_needs_pmi(void);

/* For people: the library that reaches the other ranks, its version, what threads it allows.  Of
 * MPI only after comm_open.  Not collective. */
void comm_describe(const struct comm *c, char text[ERR_MAX]);

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

void comm_gather_bytes(struct comm *c, void *all, const void *x, size_t bytes);

/* All ranks get the bytes that x holds on root. */
void comm_broadcast(struct comm *c, void *x, size_t bytes, int root);

/* Agree on an input fault: rc is 0 or -1 on each rank; when any rank has -1, all return -1 and hold
 * the lowest such rank's err (ERR_MAX bytes). So no rank goes on while another has stopped. */
int comm_agree(struct comm *c, int rc, char *err);

/* ---- the watchdog; none of these is collective ---- */

/* The step that begins, and which it was last; for messages. */
void comm_at_step(struct comm *c, int64_t step);
int64_t comm_step(const struct comm *c);

/* Seconds that a wait for other ranks may last. */
double comm_timeout(const struct comm *c);

/* For waits that are not comm's own (a GPU's for the other GPUs): called over and over while this
 * rank waits since `began` (clock_seconds) for collective number seq of its own count, described by
 * what ("sum of 128 doubles on the device").  Pauses: not at all at first, then longer and longer.
 * Ends the job by comm_missing when the wait has lasted too long or another rank asks who is
 * missing, and at once when a rank has died. */
void comm_waiting(struct comm *c, const char *what, long seq, double began);

/* This rank has waited in vain for collective number seq, what: find out who has not arrived, and
 * end the job with one message by the lowest rank that waits.  Takes some 10 s at most, twice that
 * where that rank dies of it. */
_Noreturn void comm_missing(struct comm *c, const char *what, long seq, double waited_s);

#endif
