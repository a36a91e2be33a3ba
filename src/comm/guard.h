#ifndef COMM_GUARD_H
#define COMM_GUARD_H

/* A watch over calls into a library that may never come back: MPI_Init and MPI_Finalize wait
 * without end for a launcher that was killed while they spoke with it. */

struct guard;

/* From now on until guard_end the process ends with a message when timeout_s have passed, or soon
 * after its parent, the launcher, has gone.  what: "MPI_Init"; a constant string. */
struct guard *guard_start(const char *what, double timeout_s);
void guard_end(struct guard *g);

#endif
