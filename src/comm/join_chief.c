/* join_chief.c - rank 0 waits for the others. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "comm/join.h"
#include "comm/socket.h"

struct chief {
	struct links *links;
	const struct comm_options *options;
	uint64_t cookie; /* 0 where all know the address */
	int listener, port, missing;
};

static uint64_t random_number(void)
{
	uint64_t x;

	CHECK(getrandom(&x, sizeof x, 0) == (ssize_t)sizeof x, "%s", strerror(errno));
	return x;
}

static int leave_address(const struct chief *k, char err[ERR_MAX])
{
	char host[256] = "", why[ERR_MAX], *text;
	int rc;

	gethostname(host, sizeof host - 1);
	text = xasprintf("reliquary %s %d %016" PRIx64 "\n", host, k->port, k->cookie);
	rc = file_write_atomic(k->options->address, text, strlen(text), why);
	xfree(text);
	return rc == 0 ? 0 : fail(err, "comm.address: %.900s", why);
}

static int open_gate(struct chief *k, char err[ERR_MAX])
{
	char host[256];

	if (k->options->bootstrap == BOOTSTRAP_TCP &&
		join_parse(host, &k->port, k->options->address, err) != 0)
		return -1;
	k->listener = socket_listen(&k->port, err);
	if (k->listener < 0)
		return -1;
	if (k->options->bootstrap == BOOTSTRAP_TCP)
		return 0;
	k->cookie = random_number();
	return leave_address(k, err);
}

static void answer(const struct chief *k, int fd, const char *refusal)
{
	struct join_answer a = { .magic = JOIN_MAGIC,
		.cookie = k->cookie,
		.refused = refusal != NULL,
		.job = k->links->job };

	snprintf(a.text, sizeof a.text, "%s", refusal ? refusal : "");
	/* Who does not take it is missed at the first collective. */
	socket_send_all(fd, &a, sizeof a, JOIN_ANSWER_S);
}

/* Why rank 0 will not have this one; NULL: it is welcome. */
static const char *refuse(const struct chief *k, const struct join_hello *h, char text[JOIN_TEXT])
{
	if (h->size != k->links->size)
		snprintf(text, JOIN_TEXT,
			"rank %d was started as one of %d ranks, rank 0 as one of %d", h->rank,
			h->size, k->links->size);
	else if (h->rank < 1 || h->rank >= h->size)
		snprintf(
			text, JOIN_TEXT, "rank %d does not exist among %d ranks", h->rank, h->size);
	else if (k->links->to[h->rank] >= 0)
		snprintf(text, JOIN_TEXT,
			"there is a rank %d already: was one number given twice, or has another job the same "
			"comm.address?",
			h->rank);
	else
		return NULL;
	return text;
}

static void admit(struct chief *k, int fd)
{
	struct sockaddr_in from = { 0 };
	socklen_t n = sizeof from;
	struct join_hello h;
	char text[JOIN_TEXT];
	const char *refusal;

	/* Strangers, and who has the cookie of another job, get no answer. */
	if (socket_receive_all(fd, &h, sizeof h, JOIN_ANSWER_S) != 0 || h.magic != JOIN_MAGIC ||
		h.cookie != k->cookie || getpeername(fd, (struct sockaddr *)&from, &n) != 0) {
		close(fd);
		return;
	}
	refusal = refuse(k, &h, text);
	answer(k, fd, refusal);
	if (refusal) {
		log_warn("refused a process that wants to join: %s", refusal);
		close(fd);
		return;
	}
	from.sin_port = htons((uint16_t)h.port);
	k->links->mailbox[h.rank] = from;
	k->links->to[h.rank] = fd;
	k->missing--;
}

static int missing_ranks(const struct chief *k, char err[ERR_MAX])
{
	char *missing = xcalloc((size_t)k->links->size, 1), host[256] = "";
	int count;

	gethostname(host, sizeof host - 1);
	for (int r = 1; r < k->links->size; r++)
		missing[r] = k->links->to[r] < 0;
	err[0] = 0;
	count = comm_say_ranks(err, missing, k->links->size);
	comm_say(err,
		" of %d %s not joined within %.0f s (comm.timeout_s); rank 0 listens at %s:%d, as told by %s",
		k->links->size, count == 1 ? "has" : "have", k->options->timeout_s, host, k->port,
		k->options->address);
	xfree(missing);
	return -1;
}

static int wait_for_all(struct chief *k, char err[ERR_MAX])
{
	double end = clock_seconds() + k->options->timeout_s;

	while (k->missing > 0) {
		int fd = socket_accept(k->listener);

		if (fd >= 0)
			admit(k, fd);
		else if (clock_seconds() > end)
			return missing_ranks(k, err);
		else if (usleep(1000) != 0)
			return fail(err, "stopped by a signal before all ranks had joined");
	}
	return 0;
}

/* The second answer, and where each rank gets its datagrams. */
static void start(const struct chief *k, int port, const char *refusal)
{
	struct links *l = k->links;
	size_t n = (size_t)l->size;
	struct join_mailbox *all = xcalloc(n, sizeof *all);

	all[0].port = (uint32_t)port;
	for (int r = 1; r < l->size; r++) {
		all[r].address = l->mailbox[r].sin_addr.s_addr;
		all[r].port = ntohs(l->mailbox[r].sin_port);
	}
	for (int r = 1; r < l->size; r++)
		if (l->to[r] >= 0) {
			answer(k, l->to[r], refusal);
			if (!refusal)
				socket_send_all(l->to[r], all, n * sizeof *all, JOIN_ANSWER_S);
		}
	xfree(all);
}

int join_chief(struct links *l, const struct comm_options *o, const struct comm_place *p, int port,
	char err[ERR_MAX])
{
	struct chief k = { .links = l, .options = o, .listener = -1, .missing = p->size - 1 };
	int rc = open_gate(&k, err);

	l->job = random_number();
	if (rc == 0) {
		rc = wait_for_all(&k, err);
		start(&k, port, rc == 0 ? NULL : err);
	}
	if (o->bootstrap == BOOTSTRAP_FILE && k.cookie)
		unlink(o->address);
	if (k.listener >= 0)
		close(k.listener);
	return rc;
}
