/* comm.c - the collectives as callers see them; how ranks are reached is in comm_mpi.c and
 * comm_tcp.c. */
#include "comm/comm.h"

#include "base/clock.h"
#include "comm/comm_ops.h"

struct comm *comm_open(const struct comm_options *options, char err[ERR_MAX])
{
	static const struct comm_options usual = { BOOTSTRAP_MPI, "", 1800 };
	const struct comm_options *o = options ? options : &usual;
	struct comm_base *b =
		o->bootstrap == BOOTSTRAP_MPI ? comm_mpi_open(o, err) : comm_tcp_open(o, err);

	return b ? &b->c : NULL;
}

void comm_close(struct comm *c)
{
	struct comm_base *b = comm_base_of(c);
	int none = 0;

	b->leaving = 1;
	if (c->size > 1) {
		comm_begin(b, "end", 1, "job");
		b->ops->reduce(b, &none, 1, COMM_MAX_INT);
	}
	b->ops->close(b);
}

void comm_begin(struct comm_base *b, const char *verb, size_t n, const char *unit)
{
	b->call = (struct comm_call){ verb, unit, n, b->call.seq + 1 };
	b->began = clock_seconds();
}

/* Nothing to do, and nothing to count: size and n are the same on all ranks. */
static int alone(const struct comm *c, size_t n)
{
	return c->size == 1 || n == 0;
}

static void reduce(struct comm *c, void *x, size_t n, enum comm_reduction how, const char *verb,
	const char *unit)
{
	struct comm_base *b = comm_base_of(c);

	if (alone(c, n))
		return;
	comm_begin(b, verb, n, unit);
	b->ops->reduce(b, x, n, how);
}

void comm_sum_float(struct comm *c, float *x, size_t n)
{
	reduce(c, x, n, COMM_SUM_FLOAT, "sum", "floats");
}

void comm_sum_double(struct comm *c, double *x, size_t n)
{
	reduce(c, x, n, COMM_SUM_DOUBLE, "sum", "doubles");
}

void comm_max_int(struct comm *c, int *x, size_t n)
{
	reduce(c, x, n, COMM_MAX_INT, "maximum", "integers");
}

void comm_sum_start(struct comm *c, float *x, size_t n)
{
	if (!alone(c, n))
		comm_base_of(c)->ops->sum_start(comm_base_of(c), x, n);
}

void comm_sum_finish(struct comm *c)
{
	comm_base_of(c)->ops->sum_finish(comm_base_of(c));
}

static void gather(
	struct comm *c, void *all, const void *x, size_t n, size_t size, const char *unit)
{
	struct comm_base *b = comm_base_of(c);

	if (n == 0)
		return;
	comm_begin(b, "gathering", n, unit);
	b->ops->gather(b, all, x, n * size);
}

void comm_gather_float(struct comm *c, float *all, const float *x, size_t n)
{
	gather(c, all, x, n, sizeof *x, "floats");
}

void comm_gather_int64(struct comm *c, int64_t *all, const int64_t *x, size_t n)
{
	gather(c, all, x, n, sizeof *x, "integers");
}

void comm_gather_bytes(struct comm *c, void *all, const void *x, size_t bytes)
{
	gather(c, all, x, bytes, 1, "bytes");
}

void comm_broadcast(struct comm *c, void *x, size_t bytes, int root)
{
	struct comm_base *b = comm_base_of(c);

	if (alone(c, bytes))
		return;
	comm_begin(b, "broadcast", bytes, "bytes");
	b->ops->broadcast(b, x, bytes, root);
}

int comm_agree(struct comm *c, int rc, char *err)
{
	int failed = rc == 0 ? 0 : c->size - c->rank; /* most on the lowest rank */

	reduce(c, &failed, 1, COMM_MAX_INT, "agreement", "result");
	if (failed == 0)
		return 0;
	comm_broadcast(c, err, ERR_MAX, c->size - failed);
	return -1;
}

void comm_at_step(struct comm *c, int64_t step)
{
	comm_base_of(c)->step = step;
}

int64_t comm_step(const struct comm *c)
{
	return comm_base_of((struct comm *)c)->step;
}

void comm_describe(const struct comm *c, char text[ERR_MAX])
{
	((const struct comm_base *)c)->ops->describe(text);
}

double comm_timeout(const struct comm *c)
{
	return ((const struct comm_base *)c)->timeout_s;
}
