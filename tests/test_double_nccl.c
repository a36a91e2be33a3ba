/* The double of NCCL: ranks are processes of this program, which meet by the unique id. */

#include "test.h"
#include "double_ranks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 150001 }; /* floats: several windows of the shared memory, and a rest */

/* Whole numbers add up to the bit. */
static float number(int rank, size_t i)
{
	return (float)(rank * 1000 + (int)(i % 977));
}

static float sum_over(int ranks, size_t i)
{
	float sum = 0;

	for (int r = 0; r < ranks; r++)
		sum += number(r, i);
	return sum;
}

static int sum_floats(struct rank *r, size_t n, int in_place)
{
	float *x = malloc(n * sizeof *x), *dev, *out;
	int wrong = 0;

	for (size_t i = 0; i < n; i++)
		x[i] = number(r->rank, i);
	dev = rank_upload(r, x, n * sizeof *x);
	out = in_place ? dev : rank_upload(r, x, n * sizeof *x);
	NEED(ncclAllReduce(dev, out, n, ncclFloat, ncclSum, r->comm, r->stream) == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(cudaMemcpy(x, out, n * sizeof *x, cudaMemcpyDeviceToHost) == cudaSuccess);
	for (size_t i = 0; i < n; i++)
		wrong += x[i] != sum_over(r->ranks, i);
	free(x);
	NEED(wrong == 0);
	return 0;
}

static int floats(struct rank *r)
{
	static const size_t counts[] = { 1, 3, 1000, LARGE };

	for (int i = 0; i < 4; i++)
		for (int in_place = 0; in_place < 2; in_place++)
			if (sum_floats(r, counts[i], in_place))
				return 1;
	return 0;
}

/* 1e16 + 1 - 1e16 in double and the like in float: the order of ranks shows, and is the same on
 * all. */
static int order(struct rank *r)
{
	double x[2] = { (double[]){ 1e16, 1, -1e16 }[r->rank], r->rank };
	float y = (float[]){ 1, 0x1p25f, -0x1p25f }[r->rank];
	double *dx = rank_upload(r, x, sizeof x);
	float *dy = rank_upload(r, &y, sizeof y);

	NEED(ncclAllReduce(dx, dx, 2, ncclDouble, ncclSum, r->comm, r->stream) == ncclSuccess);
	NEED(ncclAllReduce(dy, dy, 1, ncclFloat, ncclSum, r->comm, r->stream) == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(cudaMemcpy(x, dx, sizeof x, cudaMemcpyDeviceToHost) == cudaSuccess);
	NEED(cudaMemcpy(&y, dy, sizeof y, cudaMemcpyDeviceToHost) == cudaSuccess);
	NEED(x[0] == 0 && x[1] == 3);
	NEED(y == 0);
	return 0;
}

/* Two views in one group: all (views, ranks, n) from own (views, n). */
static int gathers(struct rank *r)
{
	enum { VIEWS = 2 };
	size_t n = LARGE / 2, all_n = VIEWS * n * (size_t)r->ranks;
	float *own = malloc(VIEWS * n * sizeof *own), *all = calloc(all_n, sizeof *all);
	float *dev_own, *dev_all;
	int wrong = 0;

	for (size_t i = 0; i < VIEWS * n; i++)
		own[i] = number(r->rank, i);
	dev_own = rank_upload(r, own, VIEWS * n * sizeof *own);
	dev_all = rank_upload(r, all, all_n * sizeof *all);
	NEED(ncclGroupStart() == ncclSuccess);
	for (size_t v = 0; v < VIEWS; v++)
		NEED(ncclAllGather(dev_own + v * n, dev_all + v * n * (size_t)r->ranks, n,
			     ncclFloat, r->comm, r->stream) == ncclSuccess);
	NEED(ncclGroupEnd() == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(cudaMemcpy(all, dev_all, all_n * sizeof *all, cudaMemcpyDeviceToHost) == cudaSuccess);
	for (size_t i = 0; i < all_n; i++)
		wrong += all[i] != number((int)(i / n) % r->ranks, i / n / r->ranks * n + i % n);
	free(own);
	free(all);
	NEED(wrong == 0);
	return 0;
}

/* In place: a rank's own part lies where it will be in the whole. */
static int gathers_in_place(struct rank *r)
{
	float x[MAX_RANKS] = { 0 };
	float *dev;

	x[r->rank] = (float)(r->rank + 7);
	dev = rank_upload(r, x, (size_t)r->ranks * sizeof *x);
	NEED(ncclAllGather(dev + r->rank, dev, 1, ncclFloat, r->comm, r->stream) == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(cudaMemcpy(x, dev, (size_t)r->ranks * sizeof *x, cudaMemcpyDeviceToHost) ==
		cudaSuccess);
	for (int i = 0; i < r->ranks; i++)
		NEED(x[i] == (float)(i + 7));
	return 0;
}

static int broadcasts(struct rank *r)
{
	int root = r->ranks - 1;
	float *x = malloc(LARGE * sizeof *x), *dev;
	int wrong = 0;

	for (size_t i = 0; i < LARGE; i++)
		x[i] = number(r->rank, i);
	dev = rank_upload(r, x, LARGE * sizeof *x);
	NEED(ncclBroadcast(dev, dev, LARGE, ncclFloat, root, r->comm, r->stream) == ncclSuccess);
	NEED(cudaStreamSynchronize(r->stream) == cudaSuccess);
	NEED(cudaMemcpy(x, dev, LARGE * sizeof *x, cudaMemcpyDeviceToHost) == cudaSuccess);
	for (size_t i = 0; i < LARGE; i++)
		wrong += x[i] != number(root, i);
	free(x);
	NEED(wrong == 0);
	return 0;
}

/* What rank 0 asks for is not done until the others ask for it too. */
static int waits(struct rank *r)
{
	float x = 1, *dev = rank_upload(r, &x, sizeof x);
	cudaEvent_t event;

	NEED(cudaEventCreate(&event) == cudaSuccess);
	if (r->rank > 0)
		rank_wait(r, 0);
	NEED(ncclAllReduce(dev, dev, 1, ncclFloat, ncclSum, r->comm, r->stream) == ncclSuccess);
	NEED(cudaEventRecord(event, r->stream) == cudaSuccess);
	if (r->rank == 0) {
		for (int i = 0; i < 100 && r->ranks > 1; i++)
			NEED(cudaEventQuery(event) == cudaErrorNotReady);
		rank_tell(r, 0);
	}
	while (cudaEventQuery(event) == cudaErrorNotReady)
		usleep(100);
	NEED(cudaMemcpy(&x, dev, sizeof x, cudaMemcpyDeviceToHost) == cudaSuccess);
	NEED(x == (float)r->ranks);
	NEED(cudaEventDestroy(event) == cudaSuccess);
	return 0;
}

static void on_ranks(int (*body)(struct rank *), int from, int to)
{
	for (int ranks = from; ranks <= to; ranks++)
		assert_ranks(ranks, body, 0, NULL);
}

static void sums(void **state)
{
	(void)state;
	on_ranks(floats, 1, 3);
}

static void sums_in_order(void **state)
{
	(void)state;
	on_ranks(order, 3, 3);
}

static void gathering(void **state)
{
	(void)state;
	on_ranks(gathers, 1, 3);
	on_ranks(gathers_in_place, 1, 3);
}

static void broadcasting(void **state)
{
	(void)state;
	on_ranks(broadcasts, 1, 3);
}

static void waiting(void **state)
{
	(void)state;
	on_ranks(waits, 1, 3);
}

/* Nothing stays behind in the file system. */
static void leaves_nothing(void **state)
{
	DIR *folder = opendir("/dev/shm");
	const struct dirent *entry;
	char own[64];

	(void)state;
	if (!folder)
		skip();
	snprintf(own, sizeof own, "reliquary-nccl-%ld-", (long)getpid());
	while ((entry = readdir(folder)))
		assert_int_not_equal(strncmp(entry->d_name, own, strlen(own)), 0);
	closedir(folder);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(sums),
	cmocka_unit_test(sums_in_order),
	cmocka_unit_test(gathering),
	cmocka_unit_test(broadcasting),
	cmocka_unit_test(waiting),
	cmocka_unit_test(leaves_nothing),
};

TEST_MAIN(cases)
