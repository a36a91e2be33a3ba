/* step_open.c - the memory of a training step, all of it. */
#include "base/memory.h"
#include "objective/candidates.h"
#include "train/step.h"

/* Views of a size that are run as one batch: all; or, where activations are made again, few. */

/* As few as have so many images, of those numbers that divide all. */
static int large_with(const struct step *s, int images)
{
	int all = s->recipe.large, some = 1;

	while (some < all && (all % some != 0 || some * s->n < images))
		some++;
	return some;
}

/* Images enough to be worth what weights cost once a batch. */
static int large_at_once(const struct step *s)
{
	return s->recompute == RECOMPUTE_NONE ? s->recipe.large : large_with(s, 8);
}

/* More where the online network's memory for all turns is there for it. */
static int target_at_once(const struct step *s)
{
	return s->recompute == RECOMPUTE_OUTPUTS ? large_with(s, 16) : large_at_once(s);
}

/* As many as have no more pixels than the large views have at once, whose memory they use. */
static int small_at_once(const struct step *s, int large)
{
	double room = (double)large * s->config->views.large_size * s->config->views.large_size;
	double pixels = (double)s->config->views.small_size * s->config->views.small_size;
	int all = s->recipe.small, some = all;

	if (s->recompute == RECOMPUTE_NONE)
		return all;
	while (some > 1 && (all % some != 0 || some * pixels > room))
		some--;
	return some;
}

static void open_encoders(struct step *s)
{
	int large = s->recipe.large, small = s->recipe.small;
	int large_groups = large_at_once(s), small_groups = small_at_once(s, large_groups);
	struct pass pass = { .kind = PASS_TRAIN,
		.dev = s->dev,
		.groups = large_groups,
		.counted = large_groups,
		.turns = large / large_groups,
		.n = s->n,
		.total = s->total,
		.size = s->config->views.large_size,
		.label = "activations of large views",
		.recompute = s->recompute };
	const struct encoder_run *trained[2] = { &s->large, &s->small };
	int shares = s->recompute != RECOMPUTE_NONE;

	encoder_run_open(&s->large, &s->model, s->config, &pass, NULL);
	if (small > 0) {
		struct pass half = pass;

		half.groups = small_groups;
		half.counted = s->config->model.small_stats ? small_groups : 0;
		half.turns = small / small_groups;
		half.size = s->config->views.small_size;
		half.label = "activations of small views";
		half.lender = shares ? &s->large.pass : NULL;
		encoder_run_open(&s->small, &s->model, s->config, &half, NULL);
	}
	pass.kind = PASS_TARGET;
	pass.groups = pass.counted = target_at_once(s);
	pass.turns = 1;
	pass.label = "activations of the target network";
	pass.lender = shares ? &s->large.pass : NULL;
	pass.early = shares;
	encoder_run_open(&s->target, &s->model, s->config, &pass,
		pass.groups == large && large_groups == large ? s->large.input : NULL);
	encoder_buffers_open(&s->buffers, s->dev, trained, small > 0 ? 2 : 1);
}

static void open_heads(struct step *s)
{
	int large = s->recipe.large, small = s->recipe.small;
	struct pass pass = { .kind = PASS_TRAIN,
		.dev = s->dev,
		.groups = large + small,
		.counted = s->config->model.small_stats ? large + small : large,
		.n = s->n,
		.total = s->total,
		.label = "projector and predictor" };

	heads_open(&s->heads, &s->model, s->config, &pass);
	pass.kind = PASS_TARGET;
	pass.groups = pass.counted = large;
	heads_open(&s->target_heads, &s->model, s->config, &pass);
}

static void *alloc(struct step *s, size_t bytes)
{
	return s->dev->be->alloc(s->dev, bytes, "embeddings and loss");
}

static void open_loss(struct step *s)
{
	size_t n = (size_t)s->n, total = (size_t)s->total, d = (size_t)s->config->model.out,
	       f = sizeof(float);
	size_t large = (size_t)s->recipe.large, small = (size_t)s->recipe.small,
	       row = (size_t)(1 + s->negatives);

	for (int i = 0; i < 2; i++) {
		s->fed[i].step = -1;
		s->fed[i].ids = xcalloc(n, sizeof *s->fed[i].ids);
		s->fed[i].views = xcalloc((large + small) * n, sizeof *s->fed[i].views);
	}
	s->host_candidates = xcalloc(n * row, sizeof *s->host_candidates);
	s->mark = xcalloc(total, 1);
	s->candidates = alloc(s, n * row * sizeof *s->candidates);
	s->o = alloc(s, (large + small) * n * d * f);
	s->length = alloc(s, (large + small) * n * f);
	s->g = alloc(s, (large + small) * n * d * f);
	s->du = alloc(s, (large + small) * n * d * s->dev->element);
	s->t_own = alloc(s, large * n * d * f);
	s->t_length = alloc(s, large * n * f);
	s->t = alloc(s, large * total * d * f);
	if (s->config->loss.small_mode == 3 && small > 0) {
		s->o_small = alloc(s, small * total * d * f);
		s->g_small = alloc(s, small * total * d * f);
	}
}

static void open_optimiser(struct step *s)
{
	size_t count = (size_t)s->model.params.count;
	struct param_span *spans = params_spans(&s->model.params);
	const struct backend *be = s->dev->be;

	s->spans = be->alloc(s->dev, count * sizeof *spans, "parameters");
	be->upload(s->dev, s->spans, spans, count * sizeof *spans);
	xfree(spans);
	s->report = be->alloc(s->dev, (2 + count * 3) * sizeof *s->report, "parameters");
	s->host_report = xcalloc(2 + count * 3, sizeof *s->host_report);
}

enum recompute step_recompute(const struct config *c, const struct device *dev)
{
	return c->train.recompute == RECOMPUTE_AUTO ? dev->recompute : c->train.recompute;
}

void step_open(struct step *s, const struct config *c, struct comm *comm, struct device *dev)
{
	enum { BUCKET = 1 << 20, MOST_BUCKETS = 32 };

	*s = (struct step){ .config = c, .comm = comm, .dev = dev, .total = c->train.batch };
	CHECK(s->total % comm->size == 0, "a batch of %d on %d ranks", s->total, comm->size);
	s->n = s->total / comm->size;
	s->recompute = step_recompute(c, dev);
	s->first = s->n * comm->rank;
	s->negatives = candidates_negatives(c->loss.negatives, s->total);
	recipe_init(&s->recipe, c);
	model_init(&s->model, c);
	state_open(&s->state, dev, &s->model);
	open_encoders(s);
	open_heads(s);
	open_loss(s);
	open_optimiser(s);
	s->bucket = s->model.params.length / MOST_BUCKETS;
	s->bucket = s->bucket > BUCKET ? s->bucket : BUCKET;
}

void step_close(struct step *s)
{
	const struct backend *be = s->dev->be;
	void *const device_memory[] = { s->candidates, s->o, s->length, s->g, s->du, s->t_own,
		s->t_length, s->t, s->o_small, s->g_small, s->spans, s->report };

	for (size_t i = 0; i < sizeof device_memory / sizeof *device_memory; i++)
		be->free(s->dev, device_memory[i]);
	for (int i = 0; i < 2; i++) {
		xfree(s->fed[i].ids);
		xfree(s->fed[i].views);
	}
	xfree(s->host_candidates);
	xfree(s->mark);
	xfree(s->host_report);
	heads_close(&s->target_heads);
	heads_close(&s->heads);
	encoder_buffers_close(&s->buffers, s->dev);
	encoder_run_close(&s->target);
	if (s->recipe.small > 0)
		encoder_run_close(&s->small);
	encoder_run_close(&s->large);
	state_close(&s->state);
	model_free(&s->model);
}
