#ifndef DOUBLE_NCCL_MEETING_H
#define DOUBLE_NCCL_MEETING_H

#include <stddef.h>

/* Where the ranks of the double of NCCL meet: a POSIX shared memory object with a window for each
 * rank's data.  They go through it in turns: every rank posts a piece, sees those of all, is done.
 * Nothing here waits; what cannot be done yet returns 0. */

enum { MEETING_RANKS = 16, MEETING_WINDOW = 1 << 18, MEETING_NAME = 128 };

struct meeting;

/* What a rank's turn is about, so that the others can see whether they mean the same. */
struct order {
	int kind, type, op, root;
	size_t count; /* elements */
	long number;  /* which collective, from 1 */
};

/* A name that no other meeting has or had. */
void meeting_name(char name[MEETING_NAME]);

int meeting_is_name(const char name[MEETING_NAME]);

/* Come in as rank of ranks, with a device; the object goes from the file system with the last one.
 */
struct meeting *meeting_join(const char *name, int rank, int ranks, int device);
int meeting_complete(const struct meeting *m);
/* Of a complete one: two ranks with one device, the first of them, or -1. */
int meeting_shared_device(const struct meeting *m);
void meeting_leave(struct meeting *m);

/* Post a piece of at most MEETING_WINDOW bytes: 0 while others are not done with the last one. */
int meeting_post(struct meeting *m, const struct order *order, const void *data, size_t bytes);
/* Whether all have posted theirs; then all orders and windows are readable until done. */
int meeting_ready(const struct meeting *m);
const struct order *meeting_order(const struct meeting *m, int rank);
const void *meeting_window(const struct meeting *m, int rank);
void meeting_done(struct meeting *m);

/* A rank breaks down, and all hear of it: which, or -1. */
void meeting_fail(struct meeting *m);
int meeting_failed(const struct meeting *m);

#endif
