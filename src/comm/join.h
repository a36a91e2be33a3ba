#ifndef COMM_JOIN_H
#define COMM_JOIN_H

#include <netinet/in.h>
#include <stdint.h>

#include "comm/comm_ops.h"

/* How ranks without MPI find each other: rank 0 listens, the others connect to it.  With
 * comm.bootstrap=tcp all know where; with file rank 0 leaves host, port and a random cookie in a
 * file. Who connects shows the cookie, so that the file of an earlier job leads nowhere. */

struct links {
	int size;
	int *to;     /* sockets: rank 0's to all others, theirs to rank 0; else -1 */
	int reports; /* for datagrams */
	struct sockaddr_in *mailbox; /* where each rank gets datagrams */
	uint64_t job;                /* random, the same on all ranks */
};

/* Join.  -1 with err: who is missing, or what is wrong. */
int join_ranks(struct links *l, const struct comm_options *o, const struct comm_place *p,
	char err[ERR_MAX]);
/* Close all; nothing is freed twice, and a zeroed struct is fine. */
void join_leave(struct links *l);

/* ---- between the two halves, join_chief.c (rank 0) and join_other.c ---- */

enum { JOIN_TEXT = 512 };
static const uint64_t JOIN_MAGIC = 0x3130514c45522121; /* "!!RELQ01" */
static const double JOIN_ANSWER_S = 5;                 /* who listens answers in that time */

struct join_hello {
	uint64_t magic, cookie;
	int32_t rank, size;
	int32_t port; /* for datagrams */
	int32_t unused;
};

/* Sent twice: at once, and when all ranks are there or time is over. */
struct join_answer {
	uint64_t magic, cookie;
	int32_t refused; /* then text says why */
	int32_t unused;
	uint64_t job;
	char text[JOIN_TEXT];
};

/* Follows the second answer, once for each rank. */
struct join_mailbox {
	uint32_t address; /* in network order, as rank 0 sees it; rank 0's own is 0 */
	uint32_t port;
};

/* HOST:PORT; host holds 256 bytes. */
int join_parse(char *host, int *port, const char *address, char err[ERR_MAX]);

int join_chief(struct links *l, const struct comm_options *o, const struct comm_place *p, int port,
	char err[ERR_MAX]);
int join_other(struct links *l, const struct comm_options *o, const struct comm_place *p, int port,
	char err[ERR_MAX]);

#endif
