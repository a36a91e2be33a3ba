/* bench_card.c - what the device at hand can do, measured: memory and matrix products. */
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "cli/bench.h"

enum { SIDE = 2048 /* of the matrices */, TIMES = 5 };

static double larger(double a, double b)
{
	return a > b ? a : b;
}

/* Bytes of an array that no cache holds. */
static size_t array_bytes(void)
{
	const size_t least = (size_t)128 << 20, most = (size_t)1 << 30;
	size_t bytes = least;

#ifdef _SC_LEVEL3_CACHE_SIZE
	long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);

	if (cache > 0)
		bytes = 4 * (size_t)cache;
#endif
	return bytes < least ? least : bytes > most ? most : bytes;
}

/* What one measurement works on, dev. */
struct arrays {
	struct device *dev;
	void *y, *x, *w;
	size_t n; /* elements */
};

static void copy(struct arrays *a)
{
	a->dev->be->copy(a->dev, a->y, a->x, a->n * a->dev->element);
}

static void add(struct arrays *a)
{
	a->dev->be->axpy(a->dev, a->y, 1, a->x, a->n * a->dev->element / sizeof(float));
}

static void multiply(struct arrays *a)
{
	a->dev->be->linear_forward(a->dev, a->y, a->x, a->w, SIDE, SIDE, SIDE);
}

/* Least of some, after one: others may be at work here, and a bound is asked for. */
static double least_seconds(struct arrays *a, void (*work)(struct arrays *a))
{
	double least = 0;

	for (int i = 0; i <= TIMES; i++) {
		double start = clock_seconds(), took;

		work(a);
		a->dev->be->wait(a->dev);
		took = clock_seconds() - start;
		least = i <= 1 || took < least ? took : least;
	}
	return least;
}

/* Bytes read and written a second.  The CPU copies by one thread and adds by all. */
static double measure_bandwidth(struct device *dev, size_t bytes)
{
	struct arrays a = { .dev = dev, .n = bytes / dev->element };
	double rate;

	a.x = dev->be->alloc(dev, bytes, "bench");
	a.y = dev->be->alloc(dev, bytes, "bench");
	rate = larger(2 * (double)bytes / least_seconds(&a, copy),
		3 * (double)bytes / least_seconds(&a, add));
	dev->be->free(dev, a.x);
	dev->be->free(dev, a.y);
	return rate;
}

/* Numbers that are not 0: a GPU multiplies zeros faster. */
static void fill(struct device *dev, void *x, float *memory)
{
	struct rng r = rng_at(1, RNG_PROBE, 0, 0, 0);
	float *host = xmalloc(SIDE * SIDE * sizeof *host);

	for (int i = 0; i < SIDE * SIDE; i++)
		host[i] = (float)rng_uniform(&r) - 0.5f;
	dev->be->upload(dev, memory, host, SIDE * SIDE * sizeof *host);
	dev->be->from_float(dev, x, memory, SIDE * SIDE);
	dev->be->wait(dev);
	xfree(host);
}

/* Operations a second of a product of matrices of the device's elements. */
static double measure_rate(struct device *dev)
{
	const size_t bytes = SIDE * SIDE * dev->element;
	float *memory = dev->be->alloc(dev, SIDE * SIDE * sizeof *memory, "bench");
	struct arrays a = { .dev = dev };
	double rate;

	a.x = dev->be->alloc(dev, bytes, "bench");
	a.w = dev->be->alloc(dev, bytes, "bench");
	a.y = dev->be->alloc(dev, bytes, "bench");
	fill(dev, a.x, memory);
	fill(dev, a.w, memory);
	dev->be->free(dev, memory);
	rate = 2. * SIDE * SIDE * SIDE / least_seconds(&a, multiply);
	dev->be->free(dev, a.x);
	dev->be->free(dev, a.w);
	dev->be->free(dev, a.y);
	return rate;
}

void bench_card(struct card *card, struct device *dev)
{
	double *rate = &card->rate[dev->precision];

	log_info("bandwidth and rate");
	card->bandwidth = larger(card->bandwidth, measure_bandwidth(dev, array_bytes()));
	*rate = larger(*rate, measure_rate(dev));
}
