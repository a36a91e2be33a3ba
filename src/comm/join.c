/* join.c - what rank 0 and the others do alike to join. */
#include "comm/join.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "comm/socket.h"

int join_parse(char *host, int *port, const char *address, char err[ERR_MAX])
{
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : 0;
	char *end = NULL;
	long x = colon ? strtol(colon + 1, &end, 10) : 0;

	if (n == 0 || n > 255 || end == colon + 1 || *end || x < 1 || x > 65535)
		return fail(err,
			"comm.address='%.300s' is not HOST:PORT, as comm.bootstrap=tcp needs it",
			address);
	memcpy(host, address, n);
	host[n] = 0;
	*port = (int)x;
	return 0;
}

static int check(const struct comm_options *o, char err[ERR_MAX])
{
	char host[256];
	int port;

	if (o->bootstrap == BOOTSTRAP_TCP)
		return join_parse(host, &port, o->address, err);
	return *o->address
		? 0
		: fail(err,
			  "comm.address is not set: comm.bootstrap=file needs the path of a file that all ranks can see");
}

int join_ranks(struct links *l, const struct comm_options *o, const struct comm_place *p,
	char err[ERR_MAX])
{
	int port, rc;

	*l = (struct links){ .size = p->size, .reports = -1 };
	if (check(o, err) != 0)
		return -1;
	l->reports = socket_datagrams(&port, err);
	if (l->reports < 0)
		return -1;
	l->mailbox = xcalloc((size_t)p->size, sizeof *l->mailbox);
	l->to = xmalloc((size_t)p->size * sizeof *l->to);
	for (int r = 0; r < p->size; r++)
		l->to[r] = -1;
	if (p->size == 1)
		return 0;
	rc = p->rank == 0 ? join_chief(l, o, p, port, err) : join_other(l, o, p, port, err);
	if (rc != 0)
		join_leave(l);
	return rc;
}

void join_leave(struct links *l)
{
	for (int r = 0; l->to && r < l->size; r++)
		if (l->to[r] >= 0)
			close(l->to[r]);
	if (l->reports >= 0)
		close(l->reports);
	xfree(l->to);
	xfree(l->mailbox);
	l->reports = -1;
}
