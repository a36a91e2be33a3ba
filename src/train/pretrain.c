/* pretrain.c - a run from beginning, or last checkpoint, to end.
 * Rank 0 decides every step (learning rate, negatives, whether to log, save or stop) and tells the
 * others; what only rank 0 has - the files of the run - is in struct chief. */
#include "train/pretrain.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/loader.h"
#include "data/order.h"
#include "optim/schedule.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/run_folder.h"
#include "train/signals.h"
#include "train/step.h"
#include "train/step_dump.h"
#include "train/weights.h"

/* What only rank 0 has. */
struct chief {
	struct metrics_log *metrics;
	struct checkpoint_writer *writer;
	struct checkpoint copy; /* the state in host memory, for the writer */
	int failed;             /* a checkpoint could not be written */
};

struct run {
	const struct config *config;
	struct comm *comm;
	struct dataset *data;
	struct order *order;
	struct loader *loader;
	struct schedule schedule;
	struct step step;
	int64_t steps, steps_per_epoch;
	struct chief chief;
	double began, waited, logged_at;
	double seconds_before; /* of the run's earlier parts */
	int64_t logged_step;
};

/* ---- opening ---- */

static int open_data(struct run *r, char err[ERR_MAX])
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

	if (saved->images != (int64_t)r->data->images)
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
	char *log = xasprintf("%s/log.txt", c->run.dir);

	if (log_open(log) != 0)
		log_warn("%s cannot be opened: messages appear here only", log);
	xfree(log);
	k->metrics = metrics_open(c->run.dir, r->step.state.step, err);
	if (!k->metrics)
		return -1;
	r->seconds_before = metrics_seconds(k->metrics);
	checkpoint_init(&k->copy, &m->params, &m->stats);
	k->copy.images = (int64_t)r->data->images;
	config_print(c, &k->copy.config);
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

/* ---- rank 0's decisions ---- */

static uint64_t negatives_key(const struct run *r, int64_t step)
{
	const uint32_t place[4] = { (uint32_t)step, (uint32_t)(step >> 32), 0, 0 };
	uint32_t word[4];

	rng_block(word, (uint64_t)r->config->train.seed, RNG_NEGATIVES, place);
	return (uint64_t)word[0] << 32 | word[1];
}

static int checkpoint_due(const struct run *r, int64_t done)
{
	int64_t every =
		r->config->checkpoint.every > 0 ? r->config->checkpoint.every : r->steps_per_epoch;

	return done % every == 0 || done == r->steps;
}

static struct plan make_plan(struct run *r)
{
	const struct config *c = r->config;
	int64_t k = r->step.state.step;
	struct plan p = { .step = k,
		.epoch = k / r->steps_per_epoch,
		.lr = schedule_lr(&r->schedule, k),
		.ema = schedule_ema(&r->schedule, k),
		.key = negatives_key(r, k),
		.dump = k == c->train.dump_step,
		.checkpoint = checkpoint_due(r, k + 1),
		.log = (k + 1) % c->train.log_every == 0 || k + 1 == r->steps,
		.failed = r->chief.failed };

	return p;
}

/* A signal to any rank stops all after the same step. */
static struct plan agree_on_plan(struct run *r)
{
	struct plan plan = { 0 };
	int asked = signals_caught();

	comm_max_int(r->comm, &asked, 1);
	if (r->comm->rank == 0)
		plan = make_plan(r);
	comm_broadcast(r->comm, &plan, sizeof plan, 0);
	plan.stop = asked != 0 ||
		(r->config->train.stop_after > 0 && plan.step >= r->config->train.stop_after);
	return plan;
}

/* ---- what follows a step ---- */

static void report(struct run *r, const struct plan *plan, const struct step_result *result)
{
	double now = clock_seconds(), span = now - r->logged_at;
	double shared[2] = { r->waited / span, (double)loader_bad_records(r->loader) };
	int64_t done = plan->step + 1;
	struct metrics m = { .step = done,
		.steps = r->steps,
		.epoch = (double)done / (double)r->steps_per_epoch,
		.loss = result->loss,
		.contrastive = result->contrastive,
		.invariance = result->invariance,
		.lr = plan->lr,
		.ema = plan->ema,
		.gradient_norm = result->gradient_norm,
		.seconds = r->seconds_before + now - r->began };
	double rate = (double)(done - r->logged_step) / span;

	comm_sum_double(r->comm, shared, 2);
	m.data_wait = shared[0] / r->comm->size;
	m.bad_records = (long)shared[1];
	m.images_per_s = rate * r->config->train.batch;
	if (r->chief.metrics)
		metrics_write(r->chief.metrics, &m);
	metrics_progress(&m, (double)(r->steps - done) / rate, done == r->steps);
	r->logged_at = now;
	r->logged_step = done;
	r->waited = 0;
}

/* Rank 0 hands a copy of the state to the writer; the others go on. */
static int save(struct run *r, char err[ERR_MAX])
{
	if (r->comm->rank != 0)
		return 0;
	state_save(&r->step.state, &r->chief.copy);
	return checkpoint_writer_submit(r->chief.writer, &r->chief.copy, err);
}

static int one_step(struct run *r, const struct plan *plan, char err[ERR_MAX])
{
	struct step_result result = { 0 };
	struct step_dump *dump = plan->dump ? step_dump_before(&r->step) : NULL;
	double waited;
	const struct batch *batch = loader_next(r->loader, &waited);

	CHECK(batch && batch->step == plan->step, "the loader's batch is not of step %lld",
		(long long)plan->step);
	r->waited += waited;
	step_run(&r->step, batch, plan, &result);
	if (dump && step_dump_after(dump, &r->step, batch, plan, &result, err) != 0)
		return -1;
	if (!result.finite)
		return step_dump_fault(&r->step, batch, plan, &result, err);
	if (plan->log)
		report(r, plan, &result);
	if (plan->checkpoint && save(r, err) != 0)
		r->chief.failed = 1; /* told to all with the next plan */
	return 0;
}

static enum pretrain_end loop(struct run *r, char err[ERR_MAX])
{
	r->began = r->logged_at = clock_seconds();
	r->logged_step = r->step.state.step;
	while (r->step.state.step < r->steps) {
		struct plan plan = agree_on_plan(r);

		if (plan.failed)
			return PRETRAIN_FAILED;
		if (plan.stop) {
			r->chief.failed = save(r, err) != 0;
			return PRETRAIN_STOPPED;
		}
		if (one_step(r, &plan, err) != 0)
			return PRETRAIN_FAILED;
	}
	return PRETRAIN_DONE;
}

/* ---- */

static int open_run(struct run *r, char err[ERR_MAX])
{
	char path[ERR_MAX];
	int rc = 0;

	if (comm_agree(r->comm, open_data(r, err), err) != 0 || open_folder(r, path, err) != 0)
		return -1;
	step_open(&r->step, r->config, r->comm, r->step.dev);
	state_init(&r->step.state, r->config);
	rc = *path ? resume(r, path, err) : load_initial(r, err);
	if (rc == 0 && r->comm->rank == 0)
		rc = open_chief(r, err);
	if (comm_agree(r->comm, rc, err) != 0)
		return -1;
	describe(r);
	open_loader(r);
	return 0;
}

/* Waits for the last checkpoint; a write that failed turns any end into a failed one, on all ranks.
 */
static enum pretrain_end close_run(struct run *r, enum pretrain_end end, char err[ERR_MAX])
{
	int rc = r->chief.failed || end == PRETRAIN_FAILED ? -1 : 0;
	char late[ERR_MAX];

	if (r->chief.writer && checkpoint_writer_close(r->chief.writer, late) != 0 && rc == 0)
		rc = fail(err, "%s", late);
	if (comm_agree(r->comm, rc, err) != 0)
		end = PRETRAIN_FAILED;
	metrics_close(r->chief.metrics);
	checkpoint_free(&r->chief.copy);
	loader_close(r->loader);
	if (r->step.config)
		step_close(&r->step);
	order_close(r->order);
	dataset_close(r->data);
	return end;
}

enum pretrain_end pretrain(
	const struct config *c, struct comm *comm, struct device *dev, char err[ERR_MAX])
{
	struct run r = { .config = c, .comm = comm, .step = { .dev = dev } };
	enum pretrain_end end = PRETRAIN_FAILED;

	if (open_run(&r, err) == 0)
		end = loop(&r, err);
	end = close_run(&r, end, err);
	if (end == PRETRAIN_STOPPED)
		log_info("stopped after step %lld; go on with --run.resume=true",
			(long long)r.step.state.step);
	log_close();
	return end;
}
