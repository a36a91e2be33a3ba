#include "comm/tcp_message.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "comm/socket.h"

static const uint64_t DATA = 0x4154414451455221, FAREWELL = 0x5245455741465221;

struct header {
	uint64_t kind;
	int64_t seq;
	uint64_t bytes; /* that follow */
	char what[COMM_WHAT];
};

struct farewell {
	struct header header;
	char text[ERR_MAX];
};

/* ---- the end ---- */

/* End the job.  Rank 0 tells the others why, who would see no more than that it is gone. */
static _Noreturn void end(struct tcp *t, const char *text)
{
	struct farewell f = { .header = { .kind = FAREWELL, .bytes = sizeof f.text } };

	snprintf(f.text, sizeof f.text, "%s", text);
	for (int r = 1; t->b.c.rank == 0 && r < t->b.c.size; r++)
		socket_send(t->links.to[r], &f, sizeof f, 0);
	die(__FILE__, __LINE__, "talking to other ranks", "%s", text);
}

/* The connection to the rank is closed; rank 0 may have said why. */
static _Noreturn void gone(struct tcp *t, int rank)
{
	char text[ERR_MAX] = "";
	struct farewell f;

	if (socket_peek(t->links.to[rank], &f, sizeof f) == (long)sizeof f &&
		f.header.kind == FAREWELL)
		end(t, f.text);
	comm_say(text, "rank %d is gone: its connection is closed (its own output may say why)",
		rank);
	end(t, text);
}

static _Noreturn void out_of_step(struct tcp *t, int rank, const struct header *h)
{
	const struct comm_call *own = &t->b.call;
	char text[ERR_MAX] = "";

	comm_say(text,
		"rank %d is at collective %lld (%.*s), rank %d at collective %ld (%s of %zu %s): do all ranks run "
		"the same program with the same settings?",
		rank, (long long)h->seq, COMM_WHAT, h->what, t->b.c.rank, own->seq, own->verb,
		own->n, own->unit);
	end(t, text);
}

/* ---- messages ---- */

static void send_all(struct tcp *t, int rank, const void *bytes, size_t n, int more)
{
	for (size_t done = 0; done < n;) {
		long sent =
			socket_send(t->links.to[rank], (const char *)bytes + done, n - done, more);

		if (sent < 0)
			gone(t, rank);
		if (sent == 0)
			comm_wait(&t->b);
		else
			t->b.began = clock_seconds();
		done += (size_t)sent;
	}
}

static void receive_all(struct tcp *t, int rank, void *bytes, size_t n)
{
	for (size_t done = 0; done < n;) {
		long got = socket_receive(t->links.to[rank], (char *)bytes + done, n - done);

		if (got < 0)
			gone(t, rank);
		if (got == 0)
			comm_wait(&t->b);
		else
			t->b.began = clock_seconds();
		done += (size_t)got;
	}
}

static void fill_header(struct header *h, const struct tcp *t, size_t bytes)
{
	const struct comm_call *call = &t->b.call;

	memset(h, 0, sizeof *h);
	h->kind = DATA;
	h->seq = call->seq;
	h->bytes = bytes;
	snprintf(h->what, sizeof h->what, "%s of %zu %s", call->verb, call->n, call->unit);
}

void tcp_send(struct tcp *t, int rank, const void *bytes, size_t n)
{
	struct header h;

	fill_header(&h, t, n);
	send_all(t, rank, &h, sizeof h, n > 0);
	send_all(t, rank, bytes, n, 0);
}

void tcp_receive(struct tcp *t, int rank, void *bytes, size_t n)
{
	struct header expected;
	struct farewell f;

	fill_header(&expected, t, n);
	receive_all(t, rank, &f.header, sizeof f.header);
	if (f.header.kind == FAREWELL) {
		receive_all(t, rank, f.text, sizeof f.text);
		end(t, f.text);
	}
	if (memcmp(&f.header, &expected, sizeof expected) != 0)
		out_of_step(t, rank, &f.header);
	receive_all(t, rank, bytes, n);
}

/* ---- the watchdog ---- */

/* Rank 0 looks for all; the others see the end of their connection to it, and have to look only
 * where they wait for something else.  What came before the end is for tcp_receive. */
void tcp_look(struct comm_base *b)
{
	struct tcp *t = tcp_of(b);
	struct farewell f;

	for (int r = 0; r < b->c.size && !b->leaving; r++) {
		int fd = t->links.to[r];
		long waiting;

		if (fd < 0 || !socket_is_closed(fd))
			continue;
		waiting = b->c.rank == 0 ? 0 : socket_peek(fd, &f, sizeof f);
		if (waiting <= 0 || (waiting == (long)sizeof f && f.header.kind == FAREWELL))
			gone(t, r);
	}
}

struct letter {
	uint64_t job; /* whose it is: ports are used again */
	struct comm_report report;
};

/* By datagrams, which need nobody's help: rank 0 may be the one that is stuck. */
void tcp_tell(struct comm_base *b, const struct comm_report *own)
{
	const struct links *l = &tcp_of(b)->links;
	struct letter letter;

	memset(&letter, 0, sizeof letter);
	letter.job = l->job;
	letter.report = *own;
	for (int r = 0; r < b->c.size; r++)
		if (r != b->c.rank)
			sendto(l->reports, &letter, sizeof letter, 0,
				(const struct sockaddr *)&l->mailbox[r], sizeof l->mailbox[r]);
}

int tcp_hear(struct comm_base *b, struct comm_report *other)
{
	const struct links *l = &tcp_of(b)->links;
	struct letter letter;
	ssize_t n;

	while ((n = recv(l->reports, &letter, sizeof letter, 0)) >= 0)
		if (n == (ssize_t)sizeof letter && letter.job == l->job) {
			*other = letter.report;
			return 1;
		}
	return 0;
}
