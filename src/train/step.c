/* step.c - one training step, in the order of the paper's listing 1. */
#include "train/step.h"

#include <math.h>
#include <string.h>

#include "objective/candidates.h"

/* ---- views ---- */

void step_feed(struct step *s, const struct batch *batch, int64_t epoch)
{
	int views = s->recipe.large + s->recipe.small, slot = batch->step & 1;
	struct fed *fed = &s->fed[slot];

	fed->step = batch->step;
	memcpy(fed->ids, batch->ids, (size_t)s->n * sizeof *fed->ids);
	for (int v = 0; v < views; v++)
		for (int i = 0; i < s->n; i++) {
			const struct image *x = &batch->images[i];

			view_draw(&fed->views[v * s->n + i], &s->recipe.view[v],
				(uint64_t)s->config->train.seed, epoch, batch->ids[i], v, x->width,
				x->height, x->foreground);
		}
	s->dev->be->images(s->dev, slot, batch->images, s->n);
}

/* `count` views from view v on, into the input of their run. */
static void draw(struct step *s, struct encoder_run *run, int v, int count)
{
	s->dev->be->views(s->dev, run->input, s->slot, s->fed[s->slot].views + v * s->n, count,
		s->config->views.exact);
}

const void *step_view(struct step *s, int v, int *size)
{
	struct encoder_run *run = v < s->recipe.large ? &s->large : &s->small;

	draw(s, run, v, 1);
	*size = run->pass.size;
	return run->input;
}

/* ---- forward ---- */

/* Where view v's features are, or their gradients. */
static void *view_features(const struct step *s, void *features, int v)
{
	size_t width = (size_t)s->model.encoder.features * s->dev->element;

	return (char *)features + (size_t)v * (size_t)s->n * width;
}

/* Features of the run's views from v on; first: the first view of this size. */
static void encode(struct step *s, struct encoder_run *run, int v, int first, enum replay replay)
{
	run->pass.turn = (v - first) / run->pass.groups;
	run->pass.replay = replay;
	encoder_run_forward(run, view_features(s, s->heads.features, v));
	s->held = run;
	s->held_view = v;
}

/* Unit vectors of all views' outputs. */
static void embed(struct step *s, struct heads_run *heads, float *unit, float *length)
{
	heads_forward(heads);
	s->dev->be->unit_length(s->dev, unit, length, heads->output,
		(size_t)heads->pass.groups * (size_t)s->n, s->config->model.out);
}

static void forward(struct step *s)
{
	int large = s->recipe.large, views = large + s->recipe.small;
	struct state *t = &s->state;

	s->large.pass.running = s->small.pass.running = s->heads.pass.running = t->running;
	s->target.pass.running = s->target_heads.pass.running = t->target_running;
	/* The target network first: it may lie in the online network's memory. */
	for (int v = 0; v < large; v += s->target.pass.groups) {
		draw(s, &s->target, v, s->target.pass.groups);
		encoder_run_forward(&s->target, view_features(s, s->target_heads.features, v));
	}
	embed(s, &s->target_heads, s->t_own, s->t_length);
	for (int v = 0; v < large; v += s->large.pass.groups) {
		if (s->large.input != s->target.input)
			draw(s, &s->large, v, s->large.pass.groups);
		encode(s, &s->large, v, 0, REPLAY_NOT);
	}
	for (int v = large; v < views; v += s->small.pass.groups) {
		draw(s, &s->small, v, s->small.pass.groups);
		encode(s, &s->small, v, large, REPLAY_NOT);
	}
	embed(s, &s->heads, s->o, s->length);
	s->dev->be->gather(
		s->dev, s->t, s->t_own, large, (size_t)s->n * (size_t)s->config->model.out);
}

/* ---- loss ---- */

static void draw_candidates(struct step *s, uint64_t key)
{
	size_t bytes = (size_t)s->n * (size_t)(1 + s->negatives) * sizeof *s->candidates;

	candidates_draw(s->host_candidates, key, s->first, s->n, s->total, s->negatives, s->mark);
	s->dev->be->upload(s->dev, s->candidates, s->host_candidates, bytes);
}

/* Mode 3 has small views among its candidates: what the other ranks' anchors gave to ours. */
static void add_small_gradients(struct step *s)
{
	size_t d = (size_t)s->config->model.out, n = (size_t)s->n * d, total = (size_t)s->total * d;
	int large = s->recipe.large;

	s->dev->be->sum_float(s->dev, s->g_small, (size_t)s->recipe.small * total);
	for (int v = 0; v < s->recipe.small; v++)
		s->dev->be->axpy(s->dev, s->g + (size_t)(large + v) * n, 1,
			s->g_small + (size_t)v * total + (size_t)s->first * d, n);
}

/* Loss, and g = dLoss / do, then through the normalisation. */
static void relic(struct step *s)
{
	const struct config *c = s->config;
	const struct relic_options options = { .large = s->recipe.large,
		.small = s->recipe.small,
		.negatives = s->negatives,
		.temperature = c->loss.temperature,
		.contrast = (float)c->loss.contrast,
		.invariance = c->loss.invariance,
		.small_mode = c->loss.small_mode,
		.diagonal = c->loss.diagonal,
		.entropy_stop = c->loss.stop_gradient == STOP_ENTROPY,
		.reverse = c->loss.kl == KL_REVERSE };
	const struct relic_batch batch = { .o = s->o,
		.t = s->t,
		.o_small = s->o_small,
		.candidates = s->candidates,
		.n = s->n,
		.total = s->total,
		.d = c->model.out,
		.first = s->first };
	const struct backend *be = s->dev->be;
	size_t nd = (size_t)s->n * (size_t)c->model.out;

	if (s->o_small)
		be->gather(s->dev, s->o_small, s->o + (size_t)s->recipe.large * nd, s->recipe.small,
			nd);
	be->relic_loss(s->dev, s->g, s->g_small, s->report, &batch, &options);
	if (s->g_small)
		add_small_gradients(s);
	be->unit_length_backward(s->dev, s->du, s->g, s->o, s->length,
		(size_t)(s->recipe.large + s->recipe.small) * (size_t)s->n, c->model.out);
	be->sum_double(s->dev, s->report, 2);
}

/* ---- backward ---- */

/* All gradients from offset on are final: send them on their way when they fill a bucket. */
static void reduce(void *arg, size_t offset)
{
	struct step *s = arg;

	if (s->reduced - offset < s->bucket && offset > 0)
		return;
	s->dev->be->sum_start(s->dev, s->state.gradients + offset, s->reduced - offset);
	s->reduced = offset;
}

/* The activations of a view are gone, or in part, when the next one's are made: make them again
 * with the batch statistics of the first time. */
static void recompute(struct step *s, struct encoder_run *run, int v, int first)
{
	if (s->held == run && s->held_view == v)
		return;
	draw(s, run, v, run->pass.groups);
	encode(s, run, v, first, s->recompute == RECOMPUTE_VIEWS ? REPLAY_ALL : REPLAY_OUTPUTS);
}

static void backward_views(struct step *s, struct encoder_run *run, int v, int first,
	void (*done)(void *arg, size_t offset))
{
	if (s->recompute != RECOMPUTE_NONE)
		recompute(s, run, v, first);
	encoder_run_backward(run, &s->buffers, view_features(s, s->heads.dfeatures, v), done, s);
}

/* Heads, then small views: then the large views' pass completes the gradients, layer by layer,
 * while they are being summed. */
static void backward(struct step *s)
{
	int large = s->recipe.large, views = large + s->recipe.small;

	s->dev->be->zero(s->dev, s->state.gradients, s->state.params->length * sizeof(float));
	s->reduced = s->state.params->length;
	heads_backward(&s->heads, s->du, reduce, s);
	for (int v = views; v > large;) {
		v -= s->small.pass.groups;
		backward_views(s, &s->small, v, large, NULL);
	}
	for (int v = large; v > 0;) {
		v -= s->large.pass.groups;
		backward_views(s, &s->large, v, 0, v == 0 ? reduce : NULL);
	}
	s->dev->be->sum_finish(s->dev);
}

/* ---- the step ---- */

static void use_weights(struct step *s)
{
	struct state *t = &s->state;

	state_round(t);
	s->large.pass.values = s->small.pass.values = s->heads.pass.values = t->values;
	s->large.pass.weights = s->small.pass.weights = s->heads.pass.weights = t->weights;
	s->large.pass.gradients = s->small.pass.gradients = s->heads.pass.gradients = t->gradients;
	s->target.pass.values = s->target_heads.pass.values = t->target;
	s->target.pass.weights = s->target_heads.pass.weights = t->target_weights;
}

void step_start(struct step *s, const struct plan *plan)
{
	s->slot = plan->step & 1;
	CHECK(s->fed[s->slot].step == plan->step, "step %lld was not fed", (long long)plan->step);
	use_weights(s);
	forward(s);
	draw_candidates(s, plan->key);
	relic(s);
	backward(s);
	s->dev->be->param_norms(s->dev, s->report + 2, s->state.values, s->state.gradients,
		s->spans, s->state.params->count, (float)s->config->optim.weight_decay);
}

/* Loss and length of the gradient; the only thing that the host waits for. */
static void read_report(struct step *s, struct step_result *r)
{
	const struct config *c = s->config;
	const double *terms = s->host_report, *norms = terms + 2;
	int count = s->state.params->count;
	double square = 0;

	s->dev->be->download(s->dev, s->host_report, s->report,
		(2 + 3 * (size_t)count) * sizeof *s->host_report);
	r->contrastive = terms[0];
	r->invariance = terms[1];
	r->loss = c->loss.contrast * terms[0] + c->loss.invariance * terms[1];
	for (int i = 0; i < count; i++)
		square += norms[3 * i + 2];
	r->gradient_norm = sqrt(square);
	r->finite = isfinite(r->loss) && isfinite(r->gradient_norm);
}

static void update(struct step *s, const struct plan *plan)
{
	const struct lars_step lars = { .lr = (float)plan->lr,
		.momentum = (float)s->config->optim.momentum,
		.eta = (float)s->config->optim.eta,
		.weight_decay = (float)s->config->optim.weight_decay };
	struct state *t = &s->state;

	s->dev->be->lars(s->dev, t->values, t->momentum, t->gradients, s->report + 2, s->spans,
		t->params->count, &lars);
	s->dev->be->ema(s->dev, t->target, t->values, (float)plan->ema, t->params->length);
}

void step_finish(struct step *s, const struct plan *plan, struct step_result *r)
{
	read_report(s, r);
	s->state.updates += s->recipe.large + (s->config->model.small_stats ? s->recipe.small : 0);
	if (!r->finite)
		return;
	update(s, plan);
	s->state.step++;
}

void step_run(
	struct step *s, const struct batch *batch, const struct plan *plan, struct step_result *r)
{
	struct batch here = *batch;

	here.step = plan->step;
	step_feed(s, &here, plan->epoch);
	step_start(s, plan);
	step_finish(s, plan, r);
}
