/* For comm.sh: one rank of a job.
 *
 *   comm_ranks MODE BOOTSTRAP ADDRESS TIMEOUT [RANK]
 *
 * Exit status 0: all was as it should be; 1: the ranks did not meet; 2: a wrong result, told; 70:
 * the watchdog. RANK is the one that misbehaves. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/memory.h"
#include "comm/comm.h"

static const size_t sizes[] = { 1, 3, 17, 33, 100000 };
enum { SIZES = sizeof sizes / sizeof *sizes };

static void wrong(const struct comm *c, const char *what, size_t n, size_t i)
{
	printf("rank %d of %d: %s of %zu is wrong at %zu\n", c->rank, c->size, what, n, i);
	fflush(stdout);
	_exit(2);
}

#define EXPECT(condition, what, n, i)                                                              \
	do {                                                                                       \
		if (!(condition))                                                                  \
			wrong(c, what, n, i);                                                      \
	} while (0)

/* ---- collectives ---- */

/* Some number that does not fit a float or double exactly, and depends on all of its arguments. */
static double irregular(int rank, size_t i)
{
	return sin(1 + 0.7 * rank + 0.013 * (double)i) * pow(10, rank % 3);
}

/* The bytes are the same on every rank. */
static void expect_alike(struct comm *c, const void *x, size_t bytes, const char *what)
{
	int64_t own = crc32c(0, x, bytes), *all = xcalloc((size_t)c->size, sizeof *all);

	comm_gather_int64(c, all, &own, 1);
	for (int r = 0; r < c->size; r++)
		EXPECT(all[r] == own, what, bytes, (size_t)r);
	xfree(all);
}

/* Whole numbers add up exactly, in any order; sums of others are within rounding: size - 1
 * additions, each to half a unit of the largest partial sum. */
static void sums(struct comm *c, size_t n)
{
	int ranks = c->size * (c->size + 1) / 2;
	float *f = xmalloc(n * sizeof *f);
	double *d = xmalloc(n * sizeof *d);

	for (size_t i = 0; i < n; i++)
		f[i] = (float)(c->rank + 1) * (float)(i % 1000), d[i] = (c->rank + 1) * (double)i;
	comm_sum_float(c, f, n);
	comm_sum_double(c, d, n);
	for (size_t i = 0; i < n; i++) {
		EXPECT(f[i] == (float)ranks * (float)(i % 1000), "sum of whole floats", n, i);
		EXPECT(d[i] == ranks * (double)i, "sum of whole doubles", n, i);
	}
	for (size_t i = 0; i < n; i++)
		f[i] = (float)irregular(c->rank, i), d[i] = irregular(c->rank, i);
	comm_sum_float(c, f, n);
	comm_sum_double(c, d, n);
	for (size_t i = 0; i < n; i++) {
		double sum = 0, most = 0;

		for (int r = 0; r < c->size; r++)
			sum += irregular(r, i), most += fabs(irregular(r, i));
		EXPECT(fabs(f[i] - sum) <= c->size * 0x1p-24 * most, "sum of floats", n, i);
		EXPECT(fabs(d[i] - sum) <= c->size * 0x1p-52 * most, "sum of doubles", n, i);
	}
	expect_alike(c, f, n * sizeof *f, "sums of floats, alike");
	expect_alike(c, d, n * sizeof *d, "sums of doubles, alike");
	xfree(f);
	xfree(d);
}

/* As many as can be pending, of different lengths, with another collective between. */
static void background_sums(struct comm *c, size_t n)
{
	float *x[COMM_PENDING];
	double between = c->rank;

	for (int k = 0; k < COMM_PENDING; k++) {
		x[k] = xmalloc((n / 10 + (size_t)k + 1) * sizeof(float));
		for (size_t i = 0; i < n / 10 + (size_t)k + 1; i++)
			x[k][i] = (float)(c->rank * k) + (float)(i % 100);
		comm_sum_start(c, x[k], n / 10 + (size_t)k + 1);
	}
	comm_sum_double(c, &between, 1);
	EXPECT(between == c->size * (c->size - 1) / 2, "sum between", 1, 0);
	comm_sum_finish(c);
	for (int k = 0; k < COMM_PENDING; k++) {
		float base = (float)(c->size * (c->size - 1) / 2 * k);

		for (size_t i = 0; i < n / 10 + (size_t)k + 1; i++)
			EXPECT(x[k][i] == base + (float)c->size * (float)(i % 100),
				"sum in the background", n, i);
		xfree(x[k]);
	}
	comm_sum_finish(c); /* of nothing */
}

static void maxima(struct comm *c, size_t n)
{
	int *x = xmalloc(n * sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = ((int)i + c->rank) % c->size - 5;
	comm_max_int(c, x, n);
	for (size_t i = 0; i < n; i++)
		EXPECT(x[i] == c->size - 6, "maximum", n, i);
	xfree(x);
}

static void gatherings(struct comm *c, size_t n)
{
	size_t ranks = (size_t)c->size;
	float *f = xmalloc(n * sizeof *f), *all_f = xmalloc(ranks * n * sizeof *all_f);
	int64_t *k = xmalloc(n * sizeof *k), *all_k = xmalloc(ranks * n * sizeof *all_k);

	for (size_t i = 0; i < n; i++)
		f[i] = (float)irregular(c->rank, i), k[i] = ((int64_t)c->rank << 40) - (int64_t)i;
	comm_gather_float(c, all_f, f, n);
	comm_gather_int64(c, all_k, k, n);
	for (size_t r = 0; r < ranks; r++)
		for (size_t i = 0; i < n; i++) {
			EXPECT(all_f[r * n + i] == (float)irregular((int)r, i), "floats gathered",
				n, i);
			EXPECT(all_k[r * n + i] == ((int64_t)r << 40) - (int64_t)i,
				"integers gathered", n, i);
		}
	xfree(f);
	xfree(k);
	xfree(all_f);
	xfree(all_k);
}

static void broadcasts(struct comm *c, size_t n)
{
	unsigned char *x = xmalloc(n);

	for (int root = 0; root < c->size; root++) {
		for (size_t i = 0; i < n; i++)
			x[i] = c->rank == root ? (unsigned char)(i * 7 + (size_t)root) : 255;
		comm_broadcast(c, x, n, root);
		for (size_t i = 0; i < n; i++)
			EXPECT(x[i] == (unsigned char)(i * 7 + (size_t)root), "broadcast", n, i);
	}
	xfree(x);
}

/* The lowest rank that failed is heard by all, its own text included. */
static void agreements(struct comm *c)
{
	char err[ERR_MAX], expected[64];

	for (int failing = 0; failing <= c->size; failing++) {
		int rc = c->rank >= failing ? -1 : 0;

		snprintf(err, sizeof err, "rank %d has failed", c->rank);
		snprintf(expected, sizeof expected, "rank %d has failed", failing);
		rc = comm_agree(c, rc, err);
		EXPECT(rc == (failing < c->size ? -1 : 0), "agreement", 1, (size_t)failing);
		EXPECT(rc == 0 || strcmp(err, expected) == 0, "text", 1, (size_t)failing);
	}
}

static void collectives(struct comm *c, int rank)
{
	(void)rank;
	EXPECT(c->local_size == c->size, "ranks of the host", 1, 0);
	EXPECT(c->local_rank == c->rank, "rank within the host", 1, 0);
	for (int k = 0; k < SIZES; k++) {
		sums(c, sizes[k]);
		background_sums(c, sizes[k]);
		maxima(c, sizes[k]);
		gatherings(c, sizes[k]);
		broadcasts(c, sizes[k]);
		agreements(c);
	}
}

/* ---- ranks that misbehave: all in step 3, after one collective ---- */

static void sum_twice(struct comm *c, int rank, void (*misbehave)(void))
{
	double x[2] = { 1, 2 };

	comm_sum_double(c, x, 1);
	comm_at_step(c, 3);
	if (c->rank == rank)
		misbehave();
	comm_sum_double(c, x, 2);
}

static void stop(void)
{
	raise(SIGSTOP);
}

static void leave(void)
{
	_exit(3);
}

static void stopped(struct comm *c, int rank)
{
	sum_twice(c, rank, stop);
}

static void left(struct comm *c, int rank)
{
	sum_twice(c, rank, leave);
}

/* The rank waits for what another has not sent. */
static void out_of_step(struct comm *c, int rank)
{
	double x[2] = { 1, 2 };

	comm_sum_double(c, x, 1);
	comm_at_step(c, 3);
	if (c->rank == rank)
		comm_broadcast(c, x, sizeof x, c->size - 1 - rank);
	else
		comm_sum_double(c, x, 2);
}

/* The rank waits on its device, the others here, one of them not at all. */
static void elsewhere(struct comm *c, int rank)
{
	double x = 1, began = clock_seconds();

	comm_at_step(c, 3);
	if (c->rank == c->size - 1)
		pause();
	while (c->rank == rank)
		comm_waiting(c, "sum of 5 doubles on the device", 12, began);
	comm_sum_double(c, &x, 1);
}

static const struct {
	const char *name;
	void (*run)(struct comm *c, int rank);
} modes[] = {
	{ "collectives", collectives },
	{ "stopped", stopped },
	{ "left", left },
	{ "out-of-step", out_of_step },
	{ "elsewhere", elsewhere },
};

int main(int argc, char **argv)
{
	struct config config;
	char err[ERR_MAX];
	struct comm *c;

	config_default(&config);
	if (argc < 5 || config_set(&config, "comm.bootstrap", argv[2], err) != 0 ||
		config_set(&config, "comm.timeout_s", argv[4], err) != 0)
		return 2;
	c = comm_open(
		&(struct comm_options){ config.comm.bootstrap, argv[3], config.comm.timeout_s },
		err);
	config_free(&config);
	if (!c) {
		fprintf(stderr, "comm_ranks: %s\n", err);
		return 1;
	}
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			modes[i].run(c, argc > 5 ? atoi(argv[5]) : 0);
	comm_close(c);
	return 0;
}
