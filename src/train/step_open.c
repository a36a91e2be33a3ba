/* step_open.c - the memory of a training step, all of it. */
#include "base/memory.h"
#include "objective/candidates.h"
#include "train/step.h"

static void open_runs(struct step *s)
{
	struct pass pass = { .kind = PASS_TRAIN,
		.dev = s->dev,
		.comm = s->comm,
		.groups = s->recipe.large,
		.n = s->n,
		.total = s->total,
		.size = s->config->views.large_size };
	const struct model_run *trained[2] = { &s->large, &s->small };

	model_open(&s->large, &s->model, s->config, &pass, NULL);
	pass.kind = PASS_TARGET;
	model_open(&s->target, &s->model, s->config, &pass, s->large.input);
	if (s->recipe.small > 0) {
		pass.kind = PASS_TRAIN;
		pass.groups = s->recipe.small;
		pass.size = s->config->views.small_size;
		model_open(&s->small, &s->model, s->config, &pass, NULL);
	}
	model_buffers_open(&s->buffers, s->dev, trained, s->recipe.small > 0 ? 2 : 1);
}

static void open_loss(struct step *s)
{
	const struct backend *be = s->dev->be;
	size_t n = (size_t)s->n, total = (size_t)s->total, d = (size_t)s->config->model.out,
	       f = sizeof(float);
	size_t large = (size_t)s->recipe.large, small = (size_t)s->recipe.small,
	       row = (size_t)(1 + s->negatives);

	s->views = xcalloc((large + small) * n, sizeof *s->views);
	s->host_candidates = xcalloc(n * row, sizeof *s->host_candidates);
	s->mark = xcalloc(total, 1);
	s->candidates = be->alloc(s->dev, n * row * sizeof *s->candidates);
	s->o = be->alloc(s->dev, (large + small) * n * d * f);
	s->length = be->alloc(s->dev, (large + small) * n * f);
	s->g = be->alloc(s->dev, (large + small) * n * d * f);
	s->t_own = be->alloc(s->dev, large * n * d * f);
	s->t_length = be->alloc(s->dev, large * n * f);
	s->t = be->alloc(s->dev, large * total * d * f);
	s->terms = be->alloc(s->dev, 2 * sizeof *s->terms);
	if (s->config->loss.small_mode == 3 && small > 0) {
		s->o_small = be->alloc(s->dev, small * total * d * f);
		s->g_small = be->alloc(s->dev, small * total * d * f);
	}
}

static void open_optimiser(struct step *s)
{
	size_t count = (size_t)s->model.params.count;
	struct param_span *spans = params_spans(&s->model.params);
	const struct backend *be = s->dev->be;

	s->spans = be->alloc(s->dev, count * sizeof *spans);
	be->upload(s->dev, s->spans, spans, count * sizeof *spans);
	xfree(spans);
	s->norms = be->alloc(s->dev, count * 3 * sizeof *s->norms);
	s->host_norms = xcalloc(count * 3, sizeof *s->host_norms);
}

void step_open(struct step *s, const struct config *c, struct comm *comm, struct device *dev)
{
	enum { BUCKET = 1 << 20, MOST_BUCKETS = 32 };

	*s = (struct step){ .config = c, .comm = comm, .dev = dev, .total = c->train.batch };
	CHECK(s->total % comm->size == 0, "a batch of %d on %d ranks", s->total, comm->size);
	s->n = s->total / comm->size;
	s->first = s->n * comm->rank;
	s->negatives = candidates_negatives(c->loss.negatives, s->total);
	recipe_init(&s->recipe, c);
	model_init(&s->model, c);
	state_open(&s->state, dev, &s->model);
	open_runs(s);
	open_loss(s);
	open_optimiser(s);
	s->bucket = s->model.params.length / MOST_BUCKETS;
	s->bucket = s->bucket > BUCKET ? s->bucket : BUCKET;
}

void step_close(struct step *s)
{
	const struct backend *be = s->dev->be;
	void *const device_memory[] = { s->candidates, s->o, s->length, s->g, s->t_own, s->t_length,
		s->t, s->terms, s->o_small, s->g_small, s->spans, s->norms };

	for (size_t i = 0; i < sizeof device_memory / sizeof *device_memory; i++)
		be->free(s->dev, device_memory[i]);
	xfree(s->views);
	xfree(s->host_candidates);
	xfree(s->mark);
	xfree(s->host_norms);
	model_buffers_close(&s->buffers, s->dev);
	model_close(&s->target);
	if (s->recipe.small > 0)
		model_close(&s->small);
	model_close(&s->large);
	state_close(&s->state);
	model_free(&s->model);
}
