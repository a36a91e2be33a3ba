/* join_other.c - the other ranks look for rank 0. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "comm/join.h"
#include "comm/socket.h"

/* Where rank 0 is said to be. */
struct place {
	char host[256];
	int port;
	uint64_t cookie;
};

enum found { NOT_YET, JOINED, NEVER };

/* 0, or -1 with the reason: rank 0 has not written the file yet. */
static int read_address(struct place *to, const char *path, char why[ERR_MAX])
{
	unsigned char *text;
	size_t n;
	int fields;

	if (file_read_all(path, 4096, &text, &n, why) != 0)
		return -1;
	fields = sscanf(
		(char *)text, "reliquary %255s %d %" SCNx64, to->host, &to->port, &to->cookie);
	xfree(text);
	if (fields != 3 || to->port < 1 || to->port > 65535)
		return fail(why, "%s holds no address", path);
	return 0;
}

/* Is it rank 0 of this job that listens there?  JOINED: its socket is in *fd. */
static enum found greet(
	int *fd, const struct sockaddr_in *at, const struct join_hello *h, char why[ERR_MAX])
{
	struct join_answer a;

	*fd = socket_connect(at, JOIN_ANSWER_S);
	if (*fd >= 0 && socket_send_all(*fd, h, sizeof *h, JOIN_ANSWER_S) == 0 &&
		socket_receive_all(*fd, &a, sizeof a, JOIN_ANSWER_S) == 0 &&
		a.magic == JOIN_MAGIC && a.cookie == h->cookie) {
		if (!a.refused)
			return JOINED;
		close(*fd);
		fail(why, "%.*s", JOIN_TEXT - 1, a.text);
		return NEVER;
	}
	fail(why, "%s", *fd < 0 ? "nobody listens there" : "who listens there is not rank 0");
	if (*fd >= 0)
		close(*fd);
	return NOT_YET;
}

static enum found try_once(
	int *fd, const struct comm_options *o, struct join_hello *h, char why[ERR_MAX])
{
	struct place place = { .cookie = 0 };
	struct sockaddr_in at;
	char reason[ERR_MAX];
	enum found found;

	if (o->bootstrap == BOOTSTRAP_FILE && read_address(&place, o->address, why) != 0)
		return NOT_YET;
	if (o->bootstrap == BOOTSTRAP_TCP &&
		join_parse(place.host, &place.port, o->address, why) != 0)
		return NEVER;
	/* What a file says may be old. */
	if (socket_resolve(&at, place.host, place.port, why) != 0)
		return o->bootstrap == BOOTSTRAP_FILE ? NOT_YET : NEVER;
	h->cookie = place.cookie;
	found = greet(fd, &at, h, reason);
	if (found == NOT_YET)
		fail(why, "%s:%d: %.200s", place.host, place.port, reason);
	if (found == NEVER)
		fail(why, "%.600s", reason);
	return found;
}

/* Rank 0 knows when time is over; it is waited for a little longer, so that it can say. */
static int wait_for_start(struct links *l, const struct comm_options *o, char err[ERR_MAX])
{
	size_t n = (size_t)l->size;
	struct join_mailbox *all = xcalloc(n, sizeof *all);
	struct join_answer a = { 0 };
	int rc = socket_receive_all(l->to[0], &a, sizeof a, o->timeout_s + JOIN_ANSWER_S);

	if (rc == 0 && a.refused)
		rc = fail(err, "%.*s", JOIN_TEXT - 1, a.text);
	else if (rc != 0 || socket_receive_all(l->to[0], all, n * sizeof *all, JOIN_ANSWER_S) != 0)
		rc = fail(err,
			"rank 0 has ended, or does not answer any more, before all had joined");
	l->job = a.job;
	for (int r = 0; rc == 0 && r < l->size; r++)
		l->mailbox[r] = (struct sockaddr_in){ .sin_family = AF_INET,
			.sin_addr.s_addr = all[r].address,
			.sin_port = htons((uint16_t)all[r].port) };
	xfree(all);
	return rc;
}

/* Rank 0 itself, and ranks that it sees at 127.x.x.x, are on the host that we see rank 0 at. */
static void settle_mailboxes(struct links *l)
{
	struct sockaddr_in chief = { 0 };
	socklen_t n = sizeof chief;

	CHECK(getpeername(l->to[0], (struct sockaddr *)&chief, &n) == 0, "rank 0 is gone");
	for (int r = 0; r < l->size; r++) {
		in_addr_t *address = &l->mailbox[r].sin_addr.s_addr;

		if (r == 0 || ntohl(*address) >> 24 == 127)
			*address = chief.sin_addr.s_addr;
	}
}

int join_other(struct links *l, const struct comm_options *o, const struct comm_place *p, int port,
	char err[ERR_MAX])
{
	struct join_hello h = {
		.magic = JOIN_MAGIC, .rank = p->rank, .size = p->size, .port = port
	};
	double end = clock_seconds() + o->timeout_s;
	char why[ERR_MAX];
	enum found found;

	while ((found = try_once(&l->to[0], o, &h, why)) == NOT_YET && clock_seconds() < end)
		if (usleep(50000) != 0)
			return fail(err, "stopped by a signal while looking for rank 0");
	if (found == NEVER)
		return fail(err, "rank %d cannot join: %.900s", p->rank, why);
	if (found == NOT_YET)
		return fail(err,
			"rank %d has not found rank 0 within %.0f s (comm.timeout_s): %.600s; is rank 0 started, and is "
			"comm.address the same for all?",
			p->rank, o->timeout_s, why);
	if (wait_for_start(l, o, err) != 0)
		return -1;
	settle_mailboxes(l);
	return 0;
}
