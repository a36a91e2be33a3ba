/* The double of NCCL: collectives.  Data go through the windows of the meeting piece by piece; sums
 * are taken in the order of ranks, the same bits on each.  A queued collective whose peers have not
 * come is "not yet", so that the host sees a stream that does not get ready, as with a GPU.
 *
 * NCCL_DOUBLE_FAIL=RANK:NTH makes that rank's NTH collective (from 1) break down: it never ends,
 * and all ranks hear of it from ncclCommGetAsyncError.  RANK:NTH:hang: and nobody hears of it. */

#include "nccl_double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

static const char *const kind_names[] = { "ncclAllReduce", "ncclAllGather", "ncclBroadcast" };

size_t collective_element(ncclDataType_t type)
{
	return type == ncclFloat ? sizeof(float) : type == ncclDouble ? sizeof(double) : 0;
}

/* A real job would hang or add what does not belong together. */
static void check_orders(const struct collective *c)
{
	const struct order *own = &c->order;

	for (int r = 0; r < c->comm->ranks; r++) {
		const struct order *other = meeting_order(c->comm->meeting, r);

		if (own->number != other->number || own->kind != other->kind ||
			own->type != other->type || own->count != other->count ||
			own->root != other->root)
			double_fault("collective %ld of rank %d is %s of %zu elements of type %d, "
				     "root %d; collective %ld of rank %d is %s of %zu elements of "
				     "type %d, root %d",
				own->number, c->comm->rank, kind_names[own->kind], own->count,
				own->type, own->root, other->number, r, kind_names[other->kind],
				other->count, other->type, other->root);
	}
}

static void add_floats(float *to, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += x[i];
}

static void add_doubles(double *to, const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += x[i];
}

static void reduce_piece(const struct collective *c, size_t n, size_t element)
{
	char *to = c->recv + c->done * element;

	memcpy(to, meeting_window(c->comm->meeting, 0), n * element);
	for (int r = 1; r < c->comm->ranks; r++) {
		const void *x = meeting_window(c->comm->meeting, r);

		if (c->order.type == ncclFloat)
			add_floats((float *)to, x, n);
		else
			add_doubles((double *)to, x, n);
	}
}

static void gather_piece(const struct collective *c, size_t n, size_t element)
{
	for (int r = 0; r < c->comm->ranks; r++)
		memcpy(c->recv + (r * c->order.count + c->done) * element,
			meeting_window(c->comm->meeting, r), n * element);
}

static void broadcast_piece(const struct collective *c, size_t n, size_t element)
{
	memcpy(c->recv + c->done * element, meeting_window(c->comm->meeting, c->order.root),
		n * element);
}

static void (*const pieces[])(const struct collective *c, size_t n,
	size_t element) = { reduce_piece, gather_piece, broadcast_piece };

/* One piece, or 0 when a peer is not there yet. */
static int step(struct collective *c)
{
	struct meeting *m = c->comm->meeting;
	size_t element = collective_element((ncclDataType_t)c->order.type);
	size_t n = c->order.count - c->done;

	if (n > MEETING_WINDOW / element)
		n = MEETING_WINDOW / element;
	if (!c->posted)
		c->posted = meeting_post(m, &c->order, c->send ? c->send + c->done * element : NULL,
			c->send ? n * element : 0);
	if (!c->posted || !meeting_ready(m))
		return 0;
	check_orders(c);
	pieces[c->order.kind](c, n, element);
	meeting_done(m);
	c->posted = 0;
	c->done += n;
	return 1;
}

/* Whether the environment wants this one to break down, and then breaks it. */
static int seeded_failure(const struct collective *c)
{
	const char *wanted = getenv("NCCL_DOUBLE_FAIL");
	char kind[8] = "";
	int rank;
	long number;

	if (!wanted || sscanf(wanted, "%d:%ld:%7s", &rank, &number, kind) < 2 ||
		rank != c->comm->rank || number != c->order.number)
		return 0;
	if (strcmp(kind, "hang") != 0)
		meeting_fail(c->comm->meeting);
	return 1;
}

static int finish(const struct collective *c)
{
	c->comm->finished++;
	comm_release(c->comm);
	return 1;
}

static int run_collective(void *arg)
{
	struct collective *c = arg;

	if (!c->comm->alive)
		return finish(c);
	if (c->comm->finished + 1 != c->order.number || seeded_failure(c))
		return 0;
	while (c->done < c->order.count)
		if (!step(c))
			return 0;
	return finish(c);
}

void collective_queue(const struct collective *c)
{
	struct collective next = *c;

	next.order.number = ++c->comm->asked;
	atomic_fetch_add(&c->comm->references, 1);
	double_enqueue(c->stream, DOUBLE_COLLECTIVE, kind_names[c->order.kind], run_collective,
		&next, sizeof next);
}
