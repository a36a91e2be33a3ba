#include "cli/bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/decode.h"
#include "train/forecast.h"
#include "train/step.h"
#include "views/draw.h"
#include "views/recipe.h"

enum { REPEATS_MAX = 99 };

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

/* Median units a second of do_item. */
static double measure(struct work *w, void (*do_item)(struct work *w))
{
	int repeats = w->b->repeats < REPEATS_MAX ? w->b->repeats : REPEATS_MAX;
	double rates[REPEATS_MAX];

	do_item(w); /* caches and buffers */
	for (int i = 0; i < repeats; i++) {
		double start = clock_seconds(), now;
		uint64_t first = w->number;

		do {
			do_item(w);
			now = clock_seconds();
		} while (now - start < w->b->seconds);
		rates[i] = (double)(w->number - first) * w->per_item / (now - start);
	}
	qsort(rates, (size_t)repeats, sizeof *rates, ascending);
	return rates[repeats / 2];
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

/* ---- the training step ---- */

static struct batch read_batch(
	const struct bench *b, const struct step *s, struct image_memory *memory)
{
	struct batch batch = { .count = s->n };
	struct decoder decoder = { .d = b->data };
	char err[ERR_MAX];

	batch.images = xcalloc((size_t)s->n, sizeof *batch.images);
	batch.ids = xcalloc((size_t)s->n, sizeof *batch.ids);
	for (int i = 0; i < s->n; i++) {
		batch.ids[i] = (uint64_t)(s->first + i) % b->data->images;
		CHECK(decoder_read(
			      &decoder, &batch.images[i], &memory[i], batch.ids[i], NULL, err) == 0,
			"%s", err);
	}
	decoder_free(&decoder);
	return batch;
}

struct bench_run {
	struct step s;
	struct batch batch;
	struct image_memory *memory;
	int64_t k; /* the next step, which is fed */
};

static void run_open(
	struct bench_run *r, const struct bench *b, struct comm *comm, struct device *dev)
{
	step_open(&r->s, b->config, comm, dev);
	state_init(&r->s.state, b->config);
	r->memory = xcalloc((size_t)r->s.n, sizeof *r->memory);
	r->batch = read_batch(b, &r->s, r->memory);
	r->batch.step = r->k = 0;
	step_feed(&r->s, &r->batch, 0);
}

static void run_close(struct bench_run *r)
{
	for (int i = 0; i < r->s.n; i++)
		image_memory_free(&r->batch.images[i], &r->memory[i]);
	xfree(r->memory);
	xfree(r->batch.images);
	xfree(r->batch.ids);
	step_close(&r->s);
}

/* As pretrain does it: the next step's images come while this one is computed. */
static void do_step(struct bench_run *r)
{
	const struct plan plan = { .step = r->k, .lr = 0.1, .ema = 0.99, .key = (uint64_t)r->k };
	struct step_result result;

	step_start(&r->s, &plan);
	r->batch.step = ++r->k;
	step_feed(&r->s, &r->batch, 0);
	step_finish(&r->s, &plan, &result);
}

/* Seconds. */
static double time_step(struct bench_run *r)
{
	double start = clock_seconds();

	do_step(r);
	r->s.dev->be->wait(r->s.dev);
	return clock_seconds() - start;
}

double bench_step(const struct bench *b, struct comm *comm, struct device *dev)
{
	double times[REPEATS_MAX];
	struct bench_run r;

	run_open(&r, b, comm, dev);
	time_step(&r);
	for (int i = 0; i < b->repeats; i++) {
		times[i] = time_step(&r);
		log_progress(i + 1 == b->repeats, "training step %d/%d: %.2f s", i + 1, b->repeats,
			times[i]);
	}
	qsort(times, (size_t)b->repeats, sizeof *times, ascending);
	run_close(&r);
	return b->config->train.batch / times[b->repeats / 2];
}

struct device_counts bench_trace(const struct bench *b, struct comm *comm, struct device *dev)
{
	struct device_counts before, after;
	struct bench_run r;

	run_open(&r, b, comm, dev);
	do_step(&r);
	do_step(&r);
	before = dev->counts;
	do_step(&r);
	after = dev->counts;
	run_close(&r);
	return (struct device_counts){ .launches = after.launches - before.launches,
		.copies = after.copies - before.copies,
		.collectives = after.collectives - before.collectives,
		.waits = after.waits - before.waits,
		.allocations = after.allocations - before.allocations };
}

double bench_operations(const struct config *c, int ranks)
{
	char err[ERR_MAX];
	struct config here;
	struct forecast_options o = {
		.card = card_find("h100", err), .ranks = ranks, .image_width = 1, .image_height = 1
	};
	struct tally *t;
	double sum = 0;

	config_copy(&here, c);
	here.precision = PRECISION_FLOAT32; /* which every card has; operations are the same */
	t = forecast(&here, &o, err);
	CHECK(t, "%s", err);
	for (int i = 0; i < t->work_count; i++)
		sum += t->work[i].operations;
	tally_close(t);
	config_free(&here);
	return sum;
}
