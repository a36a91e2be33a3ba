/* bench_start.c - what training waits for: the first batch, and checkpoints. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "data/loader.h"
#include "data/order.h"
#include "train/state.h"

/* The configuration's order, or with as many lanes as the set allows. */
static struct order *open_order(const struct dataset *d, int lanes, int batch, char err[ERR_MAX])
{
	while (lanes > d->shard_count || batch % lanes != 0)
		lanes--;
	return order_open(d, lanes, batch, 1, err);
}

static double time_first_batch(const struct bench *b, char err[ERR_MAX])
{
	const struct config *c = b->config;
	double start = clock_seconds(), seconds = -1, waited;
	struct dataset *d = dataset_open(b->data->path, err);
	int batch =
		(uint64_t)c->train.batch < b->data->images ? c->train.batch : (int)b->data->images;
	struct order *o = d ? open_order(d, c->data.lanes, batch, err) : NULL;

	if (o) {
		const struct loader_source source = order_source(o);
		const struct loader_options options = { .count = batch,
			.threads = c->data.threads,
			.prefetch = c->data.prefetch,
			.to = 2 };
		struct loader *l = loader_open(d, &source, &options);

		loader_next(l, &waited);
		seconds = clock_seconds() - start;
		loader_close(l);
	}
	order_close(o);
	dataset_close(d);
	return seconds;
}

double bench_first_batch(const struct bench *b, char err[ERR_MAX])
{
	double times[BENCH_REPEATS_MAX];

	for (int i = 0; i < b->repeats; i++) {
		times[i] = time_first_batch(b, err);
		if (times[i] < 0)
			return -1;
	}
	return bench_median(times, b->repeats);
}

/* As pretrain saves, once the writer has nothing else to do. */
static double time_save(struct checkpoint_writer *w, struct state *s, char err[ERR_MAX])
{
	double start;
	struct checkpoint *copy = checkpoint_writer_copy(w, err);

	if (!copy)
		return -1;
	s->step++;
	start = clock_seconds();
	copy = checkpoint_writer_copy(w, err);
	state_save(s, copy);
	checkpoint_writer_submit(w);
	return clock_seconds() - start;
}

static double save_often(const char *folder, struct state *s, int repeats, char err[ERR_MAX])
{
	struct checkpoint_writer *w = checkpoint_writer_open(folder, s->params, s->stats, 1, 0);
	double times[BENCH_REPEATS_MAX], median = 0;

	for (int i = 0; i < repeats && median == 0; i++) {
		times[i] = time_save(w, s, err);
		median = times[i] < 0 ? -1 : 0;
		log_progress(
			i + 1 == repeats, "checkpoint %d/%d: %.3f s", i + 1, repeats, times[i]);
	}
	if (median == 0)
		median = bench_median(times, repeats);
	return checkpoint_writer_close(w, err) == 0 ? median : -1;
}

double bench_save(const struct bench *b, struct device *dev, char err[ERR_MAX])
{
	char *folder = bench_make_folder(err), *checkpoints;
	double seconds = -1;
	struct model model;
	struct state state;

	if (!folder)
		return -1;
	checkpoints = xasprintf("%s/checkpoints", folder);
	model_init(&model, b->config);
	state_open(&state, dev, &model);
	state_init(&state, b->config);
	if (file_make_folder(checkpoints, err) == 0)
		seconds = save_often(folder, &state, b->repeats, err);
	state_close(&state);
	model_free(&model);
	bench_remove_folder(folder);
	xfree(checkpoints);
	xfree(folder);
	return seconds;
}
