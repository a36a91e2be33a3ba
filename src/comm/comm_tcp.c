/* comm_tcp.c - the collectives over TCP, for jobs that MPI does not start.
 * A star: rank 0 adds up in rank order and passes the result on, so all ranks have the same bits.
 * Where the ranks compute on GPUs the large sums are not made here. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "comm/tcp_message.h"

/* ---- reductions ---- */

static void add_floats(void *to, const void *from, size_t n)
{
	float *x = to;
	const float *y = from;

	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

static void add_doubles(void *to, const void *from, size_t n)
{
	double *x = to;
	const double *y = from;

	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

static void raise_integers(void *to, const void *from, size_t n)
{
	int *x = to;
	const int *y = from;

	for (size_t i = 0; i < n; i++)
		x[i] = x[i] > y[i] ? x[i] : y[i];
}

static const struct reduction {
	size_t size;
	void (*take_in)(void *to, const void *from, size_t n);
} reductions[COMM_REDUCTIONS] = {
	[COMM_SUM_FLOAT] = { sizeof(float), add_floats },
	[COMM_SUM_DOUBLE] = { sizeof(double), add_doubles },
	[COMM_MAX_INT] = { sizeof(int), raise_integers },
};

static void reduce_piece(struct tcp *t, void *x, size_t n, const struct reduction *k)
{
	if (t->b.c.rank != 0) {
		tcp_send(t, 0, x, n * k->size);
		tcp_receive(t, 0, x, n * k->size);
		return;
	}
	for (int r = 1; r < t->b.c.size; r++) {
		tcp_receive(t, r, t->piece, n * k->size);
		k->take_in(x, t->piece, n);
	}
	for (int r = 1; r < t->b.c.size; r++)
		tcp_send(t, r, x, n * k->size);
}

static void reduce(struct comm_base *b, void *x, size_t n, enum comm_reduction how)
{
	const struct reduction *k = &reductions[how];
	size_t piece = TCP_PIECE / k->size;

	for (size_t i = 0; i < n; i += piece)
		reduce_piece(tcp_of(b), (char *)x + i * k->size, n - i < piece ? n - i : piece, k);
}

static void sum_start(struct comm_base *b, float *x, size_t n)
{
	struct tcp *t = tcp_of(b);

	CHECK(t->pending_count < COMM_PENDING, "%d sums are pending", t->pending_count);
	t->pending[t->pending_count].x = x;
	t->pending[t->pending_count++].n = n;
}

static void sum_finish(struct comm_base *b)
{
	struct tcp *t = tcp_of(b);

	for (int i = 0; i < t->pending_count; i++) {
		comm_begin(b, "background sum", t->pending[i].n, "floats");
		reduce(b, t->pending[i].x, t->pending[i].n, COMM_SUM_FLOAT);
	}
	t->pending_count = 0;
}

/* ---- gathering, broadcast ---- */

static void gather(struct comm_base *b, void *all, const void *x, size_t bytes)
{
	struct tcp *t = tcp_of(b);
	size_t total = bytes * (size_t)b->c.size;

	if (b->c.rank != 0) {
		tcp_send(t, 0, x, bytes);
		tcp_receive(t, 0, all, total);
		return;
	}
	memmove(all, x, bytes);
	for (int r = 1; r < b->c.size; r++)
		tcp_receive(t, r, (char *)all + (size_t)r * bytes, bytes);
	for (int r = 1; r < b->c.size; r++)
		tcp_send(t, r, all, total);
}

static void broadcast(struct comm_base *b, void *x, size_t bytes, int root)
{
	struct tcp *t = tcp_of(b);

	if (b->c.rank != 0 && b->c.rank == root)
		tcp_send(t, 0, x, bytes);
	else if (b->c.rank != 0)
		tcp_receive(t, 0, x, bytes);
	else if (root != 0)
		tcp_receive(t, root, x, bytes);
	for (int r = 1; b->c.rank == 0 && r < b->c.size; r++)
		if (r != root)
			tcp_send(t, r, x, bytes);
}

/* ---- beginning and end ---- */

static void leave(struct comm_base *b)
{
	struct tcp *t = tcp_of(b);

	join_leave(&t->links);
	xfree(t->piece);
	xfree(t);
}

static void describe(char text[ERR_MAX])
{
	snprintf(text, ERR_MAX, "none: the ranks are joined over TCP");
}

static const struct comm_ops ops = {
	.describe = describe,
	.reduce = reduce,
	.gather = gather,
	.broadcast = broadcast,
	.sum_start = sum_start,
	.sum_finish = sum_finish,
	.close = leave,
	.look = tcp_look,
	.tell = tcp_tell,
	.hear = tcp_hear,
};

/* Ranks with one host name share a host; their order there is the launcher's, if it says. */
static void describe_host(struct comm_base *b, int local_rank)
{
	enum { NAME = 256 };
	char *all = xcalloc((size_t)b->c.size, NAME), own[NAME] = "";

	gethostname(own, NAME - 1);
	comm_begin(b, "gathering", NAME, "bytes of host names");
	gather(b, all, own, NAME);
	for (int r = 0; r < b->c.size; r++) {
		int same = strcmp(all + (size_t)r * NAME, own) == 0;

		b->c.local_size += same;
		b->c.local_rank += same && r < b->c.rank;
	}
	if (local_rank >= 0)
		b->c.local_rank = local_rank;
	xfree(all);
}

struct comm_base *comm_tcp_open(const struct comm_options *options, char err[ERR_MAX])
{
	struct comm_place place;
	struct tcp *t;

	if (comm_environment(&place, err) != 0)
		return NULL;
	log_set_rank(place.rank);
	t = xcalloc(1, sizeof *t);
	if (join_ranks(&t->links, options, &place, err) != 0) {
		xfree(t);
		return NULL;
	}
	t->b = (struct comm_base){ .c = { .rank = place.rank, .size = place.size },
		.ops = &ops,
		.timeout_s = options->timeout_s,
		.step = -1 };
	t->piece = xmalloc(TCP_PIECE);
	describe_host(&t->b, place.local_rank);
	return &t->b;
}
