/* run.c - how a run begins, goes on from a checkpoint, and ends. */
#include "train/run.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "train/run_folder.h"
#include "train/staging.h"
#include "train/weights.h"

int run_open_data(struct run *r, char err[ERR_MAX])
{
	const struct config *c = r->config;
	int lanes = c->data.lanes, size = r->comm->size;

	if (lanes % size != 0)
		return fail(err,
			"data.lanes=%d is not divisible by the %d ranks: use a number of ranks that divides it, or another data.lanes%s",
			lanes, size, size > lanes ? " (a rank needs at least one lane)" : "");
	r->data = dataset_open(c->data.train, err);
	if (!r->data)
		return -1;
	r->order = order_open(r->data, lanes, c->train.batch, (uint64_t)c->train.seed, err);
	if (!r->order)
		return -1;
	r->steps_per_epoch = order_steps_per_epoch(r->order);
	r->steps = c->train.steps > 0 ? c->train.steps
				      : llround(c->train.epochs * (double)r->steps_per_epoch);
	schedule_init(&r->schedule, c, r->steps_per_epoch, r->steps);
	if (r->schedule.warmup >= r->steps)
		return fail(err, "optim.warmup_epochs=%g is %lld steps, but the run has only %lld",
			c->optim.warmup_epochs, (long long)r->schedule.warmup, (long long)r->steps);
	return 0;
}

/* Rank 0 looks for the checkpoint; all learn its name. */
static int open_folder(struct run *r, char path[ERR_MAX], char err[ERR_MAX])
{
	char *from = NULL;
	int rc = 0;

	memset(path, 0, ERR_MAX);
	if (r->comm->rank == 0)
		rc = run_folder_open(r->config, &from, err);
	if (from)
		strncpy(path, from, ERR_MAX - 1);
	xfree(from);
	if (comm_agree(r->comm, rc, err) != 0)
		return -1;
	comm_broadcast(r->comm, path, ERR_MAX, 0);
	return 0;
}

static int check_same_run(
	const struct run *r, const struct checkpoint *saved, const char *path, char err[ERR_MAX])
{
	struct config before;
	int rc;

	/* 0: imported weights, which no data set has shaped yet */
	if (saved->images != 0 && saved->images != (int64_t)r->data->images)
		return fail(err, "%s was made with a data set of %lld images; %s has %lld", path,
			(long long)saved->images, r->data->path, (long long)r->data->images);
	config_default(&before);
	rc = config_parse(&before, saved->config, strlen(saved->config), path, err);
	if (rc == 0)
		rc = config_same_run(&before, r->config, err);
	config_free(&before);
	return rc;
}

static int resume(struct run *r, const char *path, char err[ERR_MAX])
{
	struct checkpoint saved = { 0 };
	int rc;

	checkpoint_init(&saved, &r->step.model.params, &r->step.model.stats);
	rc = checkpoint_read(path, &saved, &r->step.model.params, &r->step.model.stats, err);
	if (rc == 0)
		rc = check_same_run(r, &saved, path, err);
	if (rc == 0) {
		state_load(&r->step.state, &saved);
		r->chief.saved = saved.step;
		log_info("going on from %s, after step %lld", path, (long long)saved.step);
	}
	checkpoint_free(&saved);
	return rc;
}

/* Weights of an encoder from elsewhere, in both networks. */
static int load_initial(struct run *r, char err[ERR_MAX])
{
	struct state *s = &r->step.state;
	struct checkpoint c = { 0 };
	int rc;

	if (!*r->config->run.init)
		return 0;
	checkpoint_init(&c, s->params, s->stats);
	state_save(s, &c);
	rc = weights_load_encoder(r->config->run.init, r->config, s->params, s->stats, c.params,
		c.stats, &c.stats_updates, err);
	if (rc == 0)
		rc = weights_load_encoder(r->config->run.init, r->config, s->params, s->stats,
			c.target, c.target_stats, &c.stats_updates, err);
	if (rc == 0)
		state_load(s, &c);
	checkpoint_free(&c);
	return rc;
}

static int open_chief(struct run *r, char err[ERR_MAX])
{
	const struct config *c = r->config;
	struct chief *k = &r->chief;
	struct model *m = &r->step.model;

	if (run_folder_write_config(c, err) != 0)
		return -1;
	k->metrics = metrics_open(c->run.dir, r->step.state.step, err);
	if (!k->metrics)
		return -1;
	r->seconds_before = metrics_seconds(k->metrics);
	k->writer = checkpoint_writer_open(c->run.dir, &m->params, &m->stats, c->checkpoint.keep,
		llround(c->checkpoint.keep_epochs * (double)r->steps_per_epoch));
	return 0;
}

static void open_loader(struct run *r)
{
	const struct loader_source source = order_source(r->order);
	const struct loader_options options = { .first = r->step.first,
		.count = r->step.n,
		.threads = r->config->data.threads,
		.prefetch = r->config->data.prefetch,
		.from = r->step.state.step,
		.to = r->steps,
		.masks = r->config->views.mask > 0 };

	r->loader = loader_open(r->data, &source, &options);
}

static void describe(const struct run *r)
{
	const struct params *p = &r->step.model.params;
	const struct config *c = r->config;

	log_info("%s x %g: encoder %zu parameters, projector %zu, predictor %zu", c->model.arch,
		c->model.width, params_size(p, "encoder."), params_size(p, "projector."),
		params_size(p, "predictor."));
	log_info(
		"%s: %llu images in %d shards, %d lanes; batch %d on %d rank%s of %s; %lld steps, %lld an epoch",
		r->data->path, (unsigned long long)r->data->images, r->data->shard_count,
		c->data.lanes, c->train.batch, r->comm->size, r->comm->size == 1 ? "" : "s",
		r->step.dev->be->name, (long long)r->steps, (long long)r->steps_per_epoch);
}

int run_open(struct run *r, char err[ERR_MAX])
{
	char path[ERR_MAX];
	int rc = 0;

	if (comm_agree(r->comm, run_open_data(r, err), err) != 0 || open_folder(r, path, err) != 0)
		return -1;
	step_open(&r->step, r->config, r->comm, r->step.dev);
	r->chief.saved = -1;
	if (*path)
		rc = resume(r, path, err);
	if (comm_agree(r->comm, rc, err) != 0 || staging_run(r, err) != 0)
		return -1;
	open_loader(r); /* decodes while the initial weights are drawn */
	if (!*path) {
		state_init(&r->step.state, r->config);
		rc = load_initial(r, err);
	}
	if (rc == 0 && r->comm->rank == 0)
		rc = open_chief(r, err);
	if (comm_agree(r->comm, rc, err) != 0)
		return -1;
	describe(r);
	return 0;
}

/* A write that failed turns any end into a failed one, on all ranks. */
int run_close(struct run *r, int rc, char err[ERR_MAX])
{
	char late[ERR_MAX];

	rc = r->chief.failed ? -1 : rc;
	if (r->chief.writer && checkpoint_writer_close(r->chief.writer, late) != 0 && rc == 0)
		rc = fail(err, "%s", late);
	rc = comm_agree(r->comm, rc, err);
	metrics_close(r->chief.metrics);
	loader_close(r->loader);
	if (r->step.config)
		step_close(&r->step);
	order_close(r->order);
	dataset_close(r->data);
	stage_close(r->stage);
	return rc;
}
