/* bench.c - reading, decoding and augmenting on one core. */
#include "cli/bench.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/decode.h"
#include "views/draw.h"
#include "views/recipe.h"

/* What one measurement needs from image to image. */
struct work {
	const struct bench *b;
	struct device *dev;
	struct recipe recipe;
	struct decoder decoder;
	struct image image;
	struct image_memory memory;
	void *out;
	uint8_t *buffer;
	size_t capacity;
	uint64_t number; /* items done */
	int per_item;    /* units of an item */
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *x, int n)
{
	qsort(x, (size_t)n, sizeof *x, ascending);
	return x[n / 2];
}

/* Median units a second of do_item. */
static double measure(struct work *w, void (*do_item)(struct work *w))
{
	double rates[BENCH_REPEATS_MAX];

	do_item(w); /* caches and buffers */
	for (int i = 0; i < w->b->repeats; i++) {
		double start = clock_seconds(), now;
		uint64_t first = w->number;

		do {
			do_item(w);
			now = clock_seconds();
		} while (now - start < w->b->seconds);
		rates[i] = (double)(w->number - first) * w->per_item / (now - start);
	}
	return bench_median(rates, w->b->repeats);
}

/* A random image of the set: the data are cached, the order is not. */
static uint64_t pick(struct work *w)
{
	struct rng r = rng_at(1, RNG_PROBE, (uint32_t)w->number, 0, 0);

	w->number++;
	return rng_below(&r, (uint32_t)w->b->data->images);
}

/* window: what is needed of it; NULL: all. */
static void decode(struct work *w, uint64_t id, const struct image_window *window)
{
	char err[ERR_MAX];

	CHECK(decoder_read(&w->decoder, &w->image, &w->memory, id, window, err) == 0, "%s", err);
}

static void views_item(struct work *w)
{
	const struct recipe *r = &w->recipe;
	struct view_params p[VIEWS_MAX];
	int exact = w->b->config->views.exact;
	uint64_t id = pick(w);

	decode(w, id, NULL);
	for (int v = 0; v < r->large + r->small; v++)
		view_draw(&p[v], &r->view[v], 1, (int64_t)w->number, id, v, w->image.width,
			w->image.height, w->image.foreground);
	w->dev->be->images(w->dev, 0, &w->image, 1);
	w->dev->be->views(w->dev, w->out, 0, p, r->large, exact);
	if (r->small > 0)
		w->dev->be->views(w->dev, w->out, 0, p + r->large, r->small, exact);
}

static void crop_item(struct work *w)
{
	struct view_params p;
	struct image_window window;
	uint64_t id = pick(w);
	int width, height;

	decoder_size(&w->decoder, id, &width, &height);
	view_draw(&p, &w->recipe.view[0], 1, (int64_t)w->number, id, 0, width, height, 0);
	window = (struct image_window){ p.x, p.y, p.w, p.h };
	decode(w, id, &window);
	p.x -= w->image.x;
	p.y -= w->image.y;
	p.jitter = p.grey = p.taps = p.solarise = p.masked = 0;
	w->dev->be->images(w->dev, 0, &w->image, 1);
	w->dev->be->views(w->dev, w->out, 0, &p, 1, w->b->config->views.exact);
}

static void read_item(struct work *w)
{
	uint32_t record;
	const struct shard *s = dataset_find(w->b->data, pick(w), &record);
	char err[ERR_MAX];

	CHECK(shard_read(s, record, &w->buffer, &w->capacity, err) >= 0, "%s", err);
}

static double run(
	const struct bench *b, struct device *dev, void (*do_item)(struct work *w), int all_views)
{
	struct work w = { .b = b, .dev = dev, .decoder = { .d = b->data } };
	size_t side = (size_t)b->config->views.large_size;
	double rate;

	recipe_init(&w.recipe, b->config);
	w.per_item = all_views ? w.recipe.large + w.recipe.small : 1;
	if (dev)
		w.out = dev->be->alloc(dev,
			(size_t)(w.recipe.large + w.recipe.small) * side * side * 3 * dev->element,
			"views");
	rate = measure(&w, do_item);
	image_memory_free(&w.image, &w.memory);
	decoder_free(&w.decoder);
	if (dev)
		dev->be->free(dev, w.out);
	xfree(w.buffer);
	return rate;
}

double bench_views(const struct bench *b, struct device *one_thread)
{
	return run(b, one_thread, views_item, 1);
}

double bench_crops(const struct bench *b, struct device *one_thread)
{
	return run(b, one_thread, crop_item, 0);
}

double bench_reads(const struct bench *b)
{
	return run(b, NULL, read_item, 0);
}

double bench_peak_bytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss * 1024;
}
