/* cuda_ranks.c - collectives of the CUDA back end, for cuda_ranks.sh: one process a rank, one case
 * a run.  Ends with status 0 when all is right here; what is wrong ends the job by CHECK. */
#include "autoconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "comm/comm.h"
#include "nn/backend.h"

#include "base/die.h"

#ifdef HAVE_CUDA

struct job {
	struct comm *comm;
	struct device *dev;
	const struct backend *be;
};

/* What rank r gives as element i of array `seed`: integers, whose sums are exact in any order. */
static double value(int r, size_t i, int seed)
{
	return (double)((i * 31 + (size_t)r * 17 + (size_t)seed * 7) % 1009) - 504;
}

static double sum_of(const struct job *j, size_t i, int seed)
{
	double sum = 0;

	for (int r = 0; r < j->comm->size; r++)
		sum += value(r, i, seed);
	return sum;
}

static float *floats(const struct job *j, size_t n, int seed)
{
	float *host = xmalloc(n * sizeof *host), *p;

	for (size_t i = 0; i < n; i++)
		host[i] = (float)value(j->comm->rank, i, seed);
	p = j->be->alloc(j->dev, n * sizeof *p, "test");
	j->be->upload(j->dev, p, host, n * sizeof *p);
	xfree(host);
	return p;
}

static double *doubles(const struct job *j, size_t n, int seed)
{
	double *host = xmalloc(n * sizeof *host), *p;

	for (size_t i = 0; i < n; i++)
		host[i] = value(j->comm->rank, i, seed);
	p = j->be->alloc(j->dev, n * sizeof *p, "test");
	j->be->upload(j->dev, p, host, n * sizeof *p);
	xfree(host);
	return p;
}

/* p holds the sums of the floats of `seed`, times `times`; frees p. */
static void check_floats(const struct job *j, float *p, size_t n, int seed, double times)
{
	float *host = xmalloc(n * sizeof *host);

	j->be->download(j->dev, host, p, n * sizeof *p);
	for (size_t i = 0; i < n; i++)
		CHECK(host[i] == (float)(times * sum_of(j, i, seed)),
			"array %d, element %zu of %zu is %g, not %g", seed, i, n, (double)host[i],
			times * sum_of(j, i, seed));
	xfree(host);
	j->be->free(j->dev, p);
}

static void check_doubles(const struct job *j, double *p, size_t n, int seed)
{
	double *host = xmalloc(n * sizeof *host);

	j->be->download(j->dev, host, p, n * sizeof *p);
	for (size_t i = 0; i < n; i++)
		CHECK(host[i] == sum_of(j, i, seed), "array %d, element %zu of %zu is %g, not %g",
			seed, i, n, host[i], sum_of(j, i, seed));
	xfree(host);
	j->be->free(j->dev, p);
}

/* ---- cases ---- */

static void sums(struct job *j)
{
	static const size_t sizes[] = { 1, 3, 17, 1000, 300001 };
	long collectives = j->dev->counts.collectives, asked = 0;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		float *x = floats(j, sizes[i], 1);
		double *y = doubles(j, sizes[i], 2);

		j->be->sum_float(j->dev, x, sizes[i]);
		j->be->sum_double(j->dev, y, sizes[i]);
		check_floats(j, x, sizes[i], 1, 1);
		check_doubles(j, y, sizes[i], 2);
		asked += 2;
	}
	j->be->sum_float(j->dev, NULL, 0);
	CHECK(j->dev->counts.collectives - collectives == (j->comm->size > 1 ? asked : 0),
		"%ld collectives were counted", j->dev->counts.collectives - collectives);
}

/* Numbers whose sum depends on the order: every rank has the same bits. */
static void same_bits(struct job *j)
{
	enum { N = 4099 };
	float *host = xmalloc(N * sizeof *host), *root = xmalloc(N * sizeof *root);
	float *x = j->be->alloc(j->dev, N * sizeof *x, "test");

	for (int i = 0; i < N; i++)
		host[i] = 1.0f / (float)(1 + i + 3 * j->comm->rank);
	j->be->upload(j->dev, x, host, N * sizeof *x);
	j->be->sum_float(j->dev, x, N);
	j->be->download(j->dev, host, x, N * sizeof *x);
	memcpy(root, host, N * sizeof *root);
	comm_broadcast(j->comm, root, N * sizeof *root, 0);
	CHECK(memcmp(root, host, N * sizeof *root) == 0, "not the bits of rank 0");
	j->be->free(j->dev, x);
	xfree(host);
	xfree(root);
}

/* Gradients are summed behind products and batch norm's sums; what comes after sum_finish sees the
 * sums: here a product with 2. */
static void behind(struct job *j)
{
	enum { N = 50000, BUCKETS = 5, ROUNDS = 3 };
	const float two = 2;
	float *scale = j->be->alloc(j->dev, sizeof *scale, "test");

	j->be->upload(j->dev, scale, &two, sizeof two);
	for (int round = 0; round < ROUNDS; round++) {
		float *bucket[BUCKETS], *out[BUCKETS];
		double *norm[BUCKETS];

		for (int i = 0; i < BUCKETS; i++) {
			bucket[i] = floats(j, N, 10 * round + i);
			out[i] = j->be->alloc(j->dev, N * sizeof(float), "test");
			norm[i] = doubles(j, 64, 100 + i);
		}
		for (int i = 0; i < BUCKETS; i++) {
			j->be->sum_double(j->dev, norm[i], 64);
			j->be->gemm(j->dev, out[i], scale, scale, 1, 1, 1, 0, 0, 0);
			j->be->sum_start(j->dev, bucket[i], N);
		}
		j->be->sum_finish(j->dev);
		for (int i = 0; i < BUCKETS; i++)
			j->be->gemm(j->dev, out[i], bucket[i], scale, N, 1, 1, 0, 0, 0);
		for (int i = 0; i < BUCKETS; i++) {
			check_floats(j, out[i], N, 10 * round + i, 2);
			check_floats(j, bucket[i], N, 10 * round + i, 1);
			check_doubles(j, norm[i], 64, 100 + i);
		}
	}
	j->be->sum_finish(j->dev); /* of nothing */
	j->be->free(j->dev, scale);
}

/* wait is for what was started as well. */
static void waits(struct job *j)
{
	enum { N = 1000 };
	float *x = floats(j, N, 5);

	j->be->sum_start(j->dev, x, N);
	j->be->wait(j->dev);
	check_floats(j, x, N, 5, 1);
}

static void gathers(struct job *j)
{
	enum { VIEWS = 3 };
	static const size_t sizes[] = { 1, 17, 3000 };
	size_t ranks = (size_t)j->comm->size;

	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		size_t n = sizes[s];
		float *own = floats(j, VIEWS * n, 3), *host = xmalloc(VIEWS * ranks * n * 4);
		float *all = j->be->alloc(j->dev, VIEWS * ranks * n * sizeof *all, "test");

		j->be->gather(j->dev, all, own, VIEWS, n);
		j->be->download(j->dev, host, all, VIEWS * ranks * n * sizeof *all);
		for (size_t v = 0; v < VIEWS; v++)
			for (size_t r = 0; r < ranks; r++)
				for (size_t i = 0; i < n; i++)
					CHECK(host[(v * ranks + r) * n + i] ==
							(float)value((int)r, v * n + i, 3),
						"view %zu, rank %zu, element %zu of %zu", v, r, i,
						n);
		j->be->free(j->dev, all);
		j->be->free(j->dev, own);
		xfree(host);
	}
}

/* More than the back end keeps track of, without a wait of ours; nothing is allocated. */
static void many(struct job *j)
{
	enum { COUNT = 600, SEED = 4 };
	double *x = doubles(j, COUNT, SEED);
	long allocations = j->dev->counts.allocations, host = xalloc_count();

	for (int i = 0; i < COUNT; i++)
		j->be->sum_double(j->dev, x + i, 1);
	j->be->wait(j->dev);
	CHECK(j->dev->counts.allocations == allocations && xalloc_count() == host, "allocations");
	check_doubles(j, x, COUNT, SEED);
}

/* Five sums, the third of which NCCL's double lets break down on rank 1 (NCCL_DOUBLE_FAIL). */
static void fault(struct job *j)
{
	float *x = floats(j, 1000, 6);

	comm_at_step(j->comm, 42);
	for (int i = 0; i < 5; i++) {
		j->dev->layer = i == 2 ? "layer2.1.conv2" : "layer1.0.conv1";
		j->be->sum_start(j->dev, x, 1000);
	}
	j->be->sum_finish(j->dev);
	j->be->wait(j->dev);
}

/* Rank 1 asks for one collective less than the others, and sleeps. */
static void missing(struct job *j)
{
	double *x = doubles(j, 100, 7);

	comm_at_step(j->comm, 42);
	j->dev->layer = "layer3.0.bn1";
	j->be->sum_double(j->dev, x, 50);
	j->be->wait(j->dev);
	if (j->comm->rank == 1)
		sleep(120);
	j->be->sum_double(j->dev, x, 100);
	j->be->wait(j->dev);
}

static const struct {
	const char *name;
	void (*run)(struct job *j);
} cases[] = { { "sums", sums }, { "same_bits", same_bits }, { "behind", behind },
	{ "waits", waits }, { "gathers", gathers }, { "many", many }, { "fault", fault },
	{ "missing", missing } };

enum { CASES = sizeof cases / sizeof *cases };

int main(int argc, char **argv)
{
	const struct comm_options options = {
		.bootstrap = BOOTSTRAP_MPI, .address = "", .timeout_s = 2
	};
	char err[ERR_MAX] = "";
	struct job j = { .comm = comm_open(&options, err), .be = &backend_cuda };
	struct device_options device = { .threads = 1 };

	CHECK(j.comm, "%s", err);
	device.index = j.comm->local_rank;
	j.dev = j.be->open(&device, err);
	CHECK(j.dev, "%s", err);
	j.be->connect(j.dev, j.comm);
	for (int i = 1; i < argc; i++)
		for (int k = 0; k < CASES; k++)
			if (strcmp(argv[i], cases[k].name) == 0)
				cases[k].run(&j);
	j.be->close(j.dev);
	comm_close(j.comm);
	return 0;
}

#else

int main(void)
{
	return 77;
}

#endif
