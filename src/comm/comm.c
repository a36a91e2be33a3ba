/* comm.c - the ranks of a job, over MPI, for buffers in host memory. */
#include "comm/comm.h"

#include <mpi.h>

#include "base/die.h"
#include "base/log.h"
#include "base/memory.h"

#define MPI_CHECK(call) mpi_check((call), #call, __FILE__, __LINE__)

static void mpi_check(int rc, const char *call, const char *file, int line)
{
	char text[MPI_MAX_ERROR_STRING];
	int n = 0;

	if (rc == MPI_SUCCESS)
		return;
	MPI_Error_string(rc, text, &n);
	die(file, line, call, "MPI: %.*s", n, text);
}

enum { PIECE = 1 << 30 }; /* MPI counts in int; elements of one call */

struct state {
	struct comm c; /* first: what users see */
	MPI_Comm world;
	MPI_Comm behind; /* of its own, so that sums in the background do not mix with the others */
	MPI_Request pending[COMM_PENDING];
	int pending_count;
};

static struct state *state_of(struct comm *c)
{
	return (struct state *)c;
}

struct comm *comm_open(int *argc, char ***argv)
{
	struct state *s = xcalloc(1, sizeof *s);
	MPI_Comm host;
	int level;

	MPI_CHECK(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level));
	/* Otherwise MPI ends the job itself, before MPI_CHECK can say where. */
	MPI_CHECK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
	MPI_CHECK(MPI_Comm_dup(MPI_COMM_WORLD, &s->world));
	MPI_CHECK(MPI_Comm_dup(MPI_COMM_WORLD, &s->behind));
	MPI_CHECK(MPI_Comm_rank(s->world, &s->c.rank));
	MPI_CHECK(MPI_Comm_size(s->world, &s->c.size));
	MPI_CHECK(MPI_Comm_split_type(s->world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host));
	MPI_CHECK(MPI_Comm_rank(host, &s->c.local_rank));
	MPI_CHECK(MPI_Comm_size(host, &s->c.local_size));
	MPI_CHECK(MPI_Comm_free(&host));
	log_set_rank(s->c.rank);
	return &s->c;
}

void comm_close(struct comm *c)
{
	struct state *s = state_of(c);

	MPI_CHECK(MPI_Comm_free(&s->behind));
	MPI_CHECK(MPI_Comm_free(&s->world));
	MPI_CHECK(MPI_Finalize());
	xfree(s);
}

static void sum(struct comm *c, void *x, size_t n, MPI_Datatype type, size_t size)
{
	for (size_t i = 0; c->size > 1 && i < n; i += PIECE)
		MPI_CHECK(MPI_Allreduce(MPI_IN_PLACE, (char *)x + i * size,
			(int)(n - i < PIECE ? n - i : PIECE), type, MPI_SUM, state_of(c)->world));
}

void comm_sum_float(struct comm *c, float *x, size_t n)
{
	sum(c, x, n, MPI_FLOAT, sizeof *x);
}

void comm_sum_double(struct comm *c, double *x, size_t n)
{
	sum(c, x, n, MPI_DOUBLE, sizeof *x);
}

void comm_max_int(struct comm *c, int *x, size_t n)
{
	CHECK(n <= PIECE, "%zu integers", n);
	MPI_CHECK(MPI_Allreduce(MPI_IN_PLACE, x, (int)n, MPI_INT, MPI_MAX, state_of(c)->world));
}

void comm_sum_start(struct comm *c, float *x, size_t n)
{
	struct state *s = state_of(c);

	if (c->size == 1 || n == 0)
		return;
	CHECK(s->pending_count < COMM_PENDING && n <= PIECE, "%d sums are pending; %zu floats",
		s->pending_count, n);
	MPI_CHECK(MPI_Iallreduce(MPI_IN_PLACE, x, (int)n, MPI_FLOAT, MPI_SUM, s->behind,
		&s->pending[s->pending_count++]));
}

void comm_sum_finish(struct comm *c)
{
	struct state *s = state_of(c);

	MPI_CHECK(MPI_Waitall(s->pending_count, s->pending, MPI_STATUSES_IGNORE));
	s->pending_count = 0;
}

void comm_gather_float(struct comm *c, float *all, const float *x, size_t n)
{
	CHECK(n <= PIECE, "%zu floats", n);
	MPI_CHECK(MPI_Allgather(x, (int)n, MPI_FLOAT, all, (int)n, MPI_FLOAT, state_of(c)->world));
}

void comm_gather_int64(struct comm *c, int64_t *all, const int64_t *x, size_t n)
{
	CHECK(n <= PIECE, "%zu integers", n);
	MPI_CHECK(MPI_Allgather(
		x, (int)n, MPI_INT64_T, all, (int)n, MPI_INT64_T, state_of(c)->world));
}

void comm_broadcast(struct comm *c, void *x, size_t bytes, int root)
{
	for (size_t i = 0; i < bytes; i += PIECE)
		MPI_CHECK(MPI_Bcast((char *)x + i, (int)(bytes - i < PIECE ? bytes - i : PIECE),
			MPI_BYTE, root, state_of(c)->world));
}

int comm_agree(struct comm *c, int rc, char *err)
{
	int first = rc == 0 ? c->size : c->rank;

	MPI_CHECK(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, state_of(c)->world));
	if (first == c->size)
		return 0;
	comm_broadcast(c, err, ERR_MAX, first);
	return -1;
}
