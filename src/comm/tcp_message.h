#ifndef COMM_TCP_MESSAGE_H
#define COMM_TCP_MESSAGE_H

#include "comm/comm_ops.h"
#include "comm/join.h"

/* Messages between rank 0 and another rank.  Each says at which collective its sender is, so that
 * ranks that have got out of step are told apart from slow ones. */

enum { TCP_PIECE = 1 << 18 }; /* bytes of a sum that travel at once */

struct tcp {
	struct comm_base b; /* first */
	struct links links;
	void *piece; /* TCP_PIECE bytes */
	struct {
		float *x;
		size_t n;
	} pending[COMM_PENDING];
	int pending_count;
};

static inline struct tcp *tcp_of(struct comm_base *b)
{
	return (struct tcp *)b;
}

/* All n bytes to or from a rank, waiting by comm_wait.  The job ends when the rank is gone or at
 * another collective. */
void tcp_send(struct tcp *t, int rank, const void *bytes, size_t n);
void tcp_receive(struct tcp *t, int rank, void *bytes, size_t n);

/* The watchdog's half: see struct comm_ops. */
void tcp_look(struct comm_base *b);
void tcp_tell(struct comm_base *b, const struct comm_report *own);
int tcp_hear(struct comm_base *b, struct comm_report *other);

#endif
