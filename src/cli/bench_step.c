/* bench_step.c - training steps on images that are in memory. */
#include "cli/bench_step.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/decode.h"
#include "train/forecast.h"

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

void bench_run_open(
	struct bench_run *r, const struct bench *b, struct comm *comm, struct device *dev)
{
	*r = (struct bench_run){ .k = 0 };
	step_open(&r->s, b->config, comm, dev);
	state_init(&r->s.state, b->config);
	r->memory = xcalloc((size_t)r->s.n, sizeof *r->memory);
	r->batch = read_batch(b, &r->s, r->memory);
	step_feed(&r->s, &r->batch, 0);
}

void bench_run_close(struct bench_run *r)
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
	double start;

	step_start(&r->s, &plan);
	r->batch.step = ++r->k;
	start = clock_seconds();
	step_feed(&r->s, &r->batch, 0);
	r->feed_s += clock_seconds() - start;
	step_finish(&r->s, &plan, &result);
}

double bench_run_step(struct bench_run *r)
{
	double start = clock_seconds();

	do_step(r);
	r->s.dev->be->wait(r->s.dev);
	return clock_seconds() - start;
}

double bench_step(const struct bench *b, struct comm *comm, struct device *dev)
{
	double times[BENCH_REPEATS_MAX];
	struct bench_run r;

	bench_run_open(&r, b, comm, dev);
	bench_run_step(&r);
	for (int i = 0; i < b->repeats; i++) {
		times[i] = bench_run_step(&r);
		log_progress(i + 1 == b->repeats, "training step %d/%d: %.2f s", i + 1, b->repeats,
			times[i]);
	}
	bench_run_close(&r);
	return b->config->train.batch / bench_median(times, b->repeats);
}

struct device_counts bench_trace(const struct bench *b, struct comm *comm, struct device *dev)
{
	struct device_counts before, after;
	struct bench_run r;

	bench_run_open(&r, b, comm, dev);
	do_step(&r);
	do_step(&r);
	before = dev->counts;
	do_step(&r);
	after = dev->counts;
	bench_run_close(&r);
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
