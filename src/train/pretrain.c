/* pretrain.c - a run, step by step.
 * Rank 0 decides every step (learning rate, negatives, whether to log, save or stop) and tells the
 * others. */
#include "train/pretrain.h"

#include <math.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "train/run.h"
#include "train/run_log.h"
#include "train/step_dump.h"

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

/* Until the ranks have agreed once more and the state of then is on the disk. */
static double seconds_needed(const struct run *r)
{
	double write = r->chief.writer ? checkpoint_writer_seconds(r->chief.writer) : 0;

	return 2 * (r->longest + write);
}

/* A signal to any rank stops all after the same step. */
static struct plan agree_on_plan(struct run *r)
{
	struct plan plan = { 0 };
	double now = clock_seconds();
	int asked;

	r->longest = fmax(r->longest, now - r->turn);
	r->turn = now;
	comm_at_step(r->comm, r->step.state.step);
	asked = stop_agree(r->stop, r->comm, seconds_needed(r));
	if (r->comm->rank == 0)
		plan = make_plan(r);
	comm_broadcast(r->comm, &plan, sizeof plan, 0);
	plan.stop = asked ||
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
	data_wait_report(&r->data_wait, m.data_wait);
	r->logged_at = now;
	r->logged_step = done;
	r->waited = 0;
}

/* Rank 0 hands a copy of the state to the writer; the others go on. */
static int save(struct run *r, char err[ERR_MAX])
{
	struct checkpoint *copy;

	if (r->comm->rank != 0 || r->chief.saved == r->step.state.step)
		return 0;
	copy = checkpoint_writer_copy(r->chief.writer, err);
	if (!copy)
		return -1;
	if (!copy->config) { /* the first one */
		copy->images = (int64_t)r->data->images;
		config_print(r->config, &copy->config);
	}
	state_save(&r->step.state, copy);
	checkpoint_writer_submit(r->chief.writer);
	r->chief.saved = r->step.state.step;
	return 0;
}

/* The images of a step are fed while the step before it is under way. */
static void feed(struct run *r, int64_t step)
{
	double waited;
	const struct batch *batch;

	if (step >= r->steps)
		return;
	batch = loader_next(r->loader, &waited);
	CHECK(batch && batch->step == step, "the loader's batch is not of step %lld",
		(long long)step);
	r->waited += waited;
	step_feed(&r->step, batch, step / r->steps_per_epoch);
}

static int one_step(struct run *r, const struct plan *plan, char err[ERR_MAX])
{
	struct step_result result = { 0 };
	struct step_dump *dump = plan->dump ? step_dump_before(&r->step) : NULL;

	step_start(&r->step, plan);
	feed(r, plan->step + 1);
	step_finish(&r->step, plan, &result);
	if (dump && step_dump_after(dump, &r->step, plan, &result, err) != 0)
		return -1;
	if (!result.finite)
		return step_dump_fault(&r->step, plan, &result, err);
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
	feed(r, r->logged_step);
	r->turn = clock_seconds();
	r->data_wait.folder = r->stage ? r->config->data.stage_dir : r->data->path;
	if (r->logged_step >= r->steps)
		log_info("all %lld steps are done", (long long)r->steps);
	else
		log_info(RUN_LOG_BEGINS ", with its first batch, %.2f s after the program did",
			clock_process_age());
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

enum pretrain_end pretrain(const struct config *c, struct comm *comm, struct device *dev,
	struct stop *stop, char err[ERR_MAX])
{
	struct run r = { .config = c, .comm = comm, .stop = stop, .step = { .dev = dev } };
	enum pretrain_end end = PRETRAIN_FAILED;

	if (run_open(&r, err) == 0)
		end = loop(&r, err);
	if (end == PRETRAIN_STOPPED)
		log_info(RUN_LOG_STOPPED "%lld; go on with --run.resume=true",
			(long long)r.step.state.step);
	return run_close(&r, end == PRETRAIN_FAILED ? -1 : 0, err) == 0 ? end : PRETRAIN_FAILED;
}
