/* step.c - one training step, in the order of the paper's listing 1. */
#include "train/step.h"

#include <math.h>
#include <string.h>

#include "objective/candidates.h"

/* ---- forward ---- */

static void make_views(struct step *s, const struct batch *batch, int64_t epoch)
{
	const struct backend *be = s->dev->be;
	int large = s->recipe.large, views = large + s->recipe.small;

	for (int v = 0; v < views; v++)
		for (int i = 0; i < s->n; i++) {
			const struct image *x = &batch->images[i];

			view_draw(&s->views[v * s->n + i], &s->recipe.view[v],
				(uint64_t)s->config->train.seed, epoch, batch->ids[i], v, x->width,
				x->height, x->foreground);
		}
	be->views(s->dev, s->large.input, batch->images, s->n, s->views, large, 0);
	if (s->recipe.small > 0)
		be->views(s->dev, s->small.input, batch->images, s->n, s->views + large * s->n,
			s->recipe.small, 0);
}

/* o of every view, unit length. */
static void predict(struct step *s)
{
	const struct backend *be = s->dev->be;
	size_t rows = (size_t)s->recipe.large * (size_t)s->n;
	int d = s->config->model.out;

	s->large.pass.running = s->state.running;
	model_forward(&s->large);
	be->unit_length(s->dev, s->o, s->length, s->large.output, rows, d);
	if (s->recipe.small == 0)
		return;
	s->small.pass.running = s->config->model.small_stats ? s->state.running : NULL;
	model_forward(&s->small);
	be->unit_length(s->dev, s->o + rows * (size_t)d, s->length + rows, s->small.output,
		(size_t)s->recipe.small * (size_t)s->n, d);
}

/* all (views, total, d) from every rank's own (views, n, d). */
static void gather(struct step *s, float *all, const float *own, int views)
{
	size_t d = (size_t)s->config->model.out, n = (size_t)s->n * d, total = (size_t)s->total * d;

	for (int v = 0; v < views; v++)
		comm_gather_float(s->comm, all + (size_t)v * total, own + (size_t)v * n, n);
}

/* t of the large views, unit length, of all ranks. */
static void project_targets(struct step *s)
{
	s->target.pass.running = s->state.target_running;
	model_forward(&s->target);
	s->dev->be->unit_length(s->dev, s->t_own, s->t_length, s->target.output,
		(size_t)s->recipe.large * (size_t)s->n, s->config->model.out);
	gather(s, s->t, s->t_own, s->recipe.large);
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

	comm_sum_float(s->comm, s->g_small, (size_t)s->recipe.small * total);
	for (int v = 0; v < s->recipe.small; v++)
		s->dev->be->axpy(s->dev, s->g + (size_t)(large + v) * n, 1,
			s->g_small + (size_t)v * total + (size_t)s->first * d, n);
}

/* Loss, and g = dLoss / do, then through the normalisation. */
static void relic(struct step *s, struct step_result *r)
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
	double terms[2];

	if (s->o_small)
		gather(s, s->o_small, s->o + (size_t)(s->recipe.large * s->n * c->model.out),
			s->recipe.small);
	be->relic_loss(s->dev, s->g, s->g_small, s->terms, &batch, &options);
	if (s->g_small)
		add_small_gradients(s);
	be->unit_length_backward(s->dev, s->g, s->g, s->o, s->length,
		(size_t)(s->recipe.large + s->recipe.small) * (size_t)s->n, c->model.out);
	comm_sum_double(s->comm, s->terms, 2);
	be->download(s->dev, terms, s->terms, sizeof terms);
	r->contrastive = terms[0];
	r->invariance = terms[1];
	r->loss = c->loss.contrast * terms[0] + c->loss.invariance * terms[1];
}

/* ---- backward ---- */

/* All gradients from offset on are final: send them on their way when they fill a bucket. */
static void reduce(void *arg, size_t offset)
{
	struct step *s = arg;

	if (s->reduced - offset < s->bucket && offset > 0)
		return;
	comm_sum_start(s->comm, s->state.gradients + offset, s->reduced - offset);
	s->reduced = offset;
}

/* Small views first: then the large views' pass completes the gradients, layer by layer, while they
 * are being summed. */
static void backward(struct step *s)
{
	size_t large = (size_t)s->recipe.large * (size_t)s->n * (size_t)s->config->model.out;

	s->dev->be->zero(s->dev, s->state.gradients, s->state.params->length * sizeof(float));
	if (s->recipe.small > 0)
		model_backward(&s->small, &s->buffers, s->g + large, NULL, NULL);
	s->reduced = s->state.params->length;
	model_backward(&s->large, &s->buffers, s->g, reduce, s);
	comm_sum_finish(s->comm);
}

static double gradient_norm(struct step *s)
{
	const struct params *p = s->state.params;
	double square = 0;

	s->dev->be->param_norms(s->dev, s->norms, s->state.values, s->state.gradients, s->spans,
		p->count, (float)s->config->optim.weight_decay);
	s->dev->be->download(
		s->dev, s->host_norms, s->norms, (size_t)p->count * 3 * sizeof *s->norms);
	for (int i = 0; i < p->count; i++)
		square += s->host_norms[3 * i + 2];
	return sqrt(square);
}

static void update(struct step *s, const struct plan *plan)
{
	const struct lars_step lars = { .lr = (float)plan->lr,
		.momentum = (float)s->config->optim.momentum,
		.eta = (float)s->config->optim.eta,
		.weight_decay = (float)s->config->optim.weight_decay };
	struct state *t = &s->state;

	s->dev->be->lars(s->dev, t->values, t->momentum, t->gradients, s->norms, s->spans,
		t->params->count, &lars);
	s->dev->be->ema(s->dev, t->target, t->values, (float)plan->ema, t->params->length);
}

void step_run(
	struct step *s, const struct batch *batch, const struct plan *plan, struct step_result *r)
{
	struct state *t = &s->state;

	s->large.pass.values = s->small.pass.values = t->values;
	s->large.pass.gradients = s->small.pass.gradients = t->gradients;
	s->target.pass.values = t->target;

	make_views(s, batch, plan->epoch);
	predict(s);
	project_targets(s);
	draw_candidates(s, plan->key);
	relic(s, r);
	backward(s);
	r->gradient_norm = gradient_norm(s);
	t->updates += s->recipe.large + (s->config->model.small_stats ? s->recipe.small : 0);
	r->finite = isfinite(r->loss) && isfinite(r->gradient_norm);
	if (!r->finite)
		return;
	update(s, plan);
	t->step++;
}
