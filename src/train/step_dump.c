#include "train/step_dump.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "train/dump.h"

struct step_dump {
	struct checkpoint before;
};

struct step_dump *step_dump_before(const struct step *s)
{
	struct step_dump *d = xcalloc(1, sizeof *d);

	checkpoint_init(&d->before, s->state.params, s->state.stats);
	state_save(&s->state, &d->before);
	return d;
}

static void put_tensors(
	struct dump *f, const char *folder, const struct params *p, const float *values)
{
	char name[256];

	for (int i = 0; i < p->count; i++) {
		size_t shape[4];

		for (int j = 0; j < p->table[i].dims; j++)
			shape[j] = (size_t)p->table[i].shape[j];
		snprintf(name, sizeof name, "%s/%s", folder, p->table[i].name);
		dump_array(
			f, name, DUMP_FLOAT, values + p->table[i].offset, p->table[i].dims, shape);
	}
}

static void put_stats(
	struct dump *f, const char *folder, const struct stats *s, const float *values)
{
	char name[256];

	for (int i = 0; i < s->count; i++) {
		const size_t shape[2] = { 2, (size_t)s->table[i].channels };

		snprintf(name, sizeof name, "%s/%s", folder, s->table[i].name);
		dump_array(f, name, DUMP_FLOAT, values + s->table[i].offset, 2, shape);
	}
}

static void put_state(
	struct dump *f, const char *when, const struct step *s, const struct checkpoint *c)
{
	static const char *const folders[] = { "params", "momentum", "target" };
	const float *values[] = { c->params, c->momentum, c->target };
	char name[64];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s/%s", when, folders[i]);
		put_tensors(f, name, s->state.params, values[i]);
	}
	snprintf(name, sizeof name, "%s/stats", when);
	put_stats(f, name, s->state.stats, c->stats);
	snprintf(name, sizeof name, "%s/target_stats", when);
	put_stats(f, name, s->state.stats, c->target_stats);
	snprintf(name, sizeof name, "%s/updates", when);
	dump_array(f, name, DUMP_INT64, &c->stats_updates, 0, NULL);
}

static void put_scalars(
	struct dump *f, const struct step *s, const struct plan *plan, const struct step_result *r)
{
	const double loss[3] = { r->loss, r->contrastive, r->invariance };
	const size_t three = 3;
	char *text;

	dump_array(f, "step", DUMP_INT64, &plan->step, 0, NULL);
	dump_array(f, "epoch", DUMP_INT64, &plan->epoch, 0, NULL);
	dump_array(f, "lr", DUMP_DOUBLE, &plan->lr, 0, NULL);
	dump_array(f, "ema", DUMP_DOUBLE, &plan->ema, 0, NULL);
	dump_array(f, "loss", DUMP_DOUBLE, loss, 1, &three);
	dump_array(f, "gradient_norm", DUMP_DOUBLE, &r->gradient_norm, 0, NULL);
	config_print(s->config, &text);
	dump_array(f, "config", DUMP_TEXT, text, 0, NULL);
	xfree(text);
}

/* n floats of each rank, in the order of ranks; f is NULL but on rank 0. */
static void put_gathered(struct dump *f, const char *name, struct step *s, const float *own,
	size_t n, int dims, const size_t *shape)
{
	float *host = xmalloc(n * sizeof *host),
	      *all = xmalloc((size_t)s->comm->size * n * sizeof *all);

	s->dev->be->download(s->dev, host, own, n * sizeof *host);
	comm_gather_float(s->comm, all, host, n);
	if (f)
		dump_array(f, name, DUMP_FLOAT, all, dims, shape);
	xfree(host);
	xfree(all);
}

/* One view at a time, so that only one is in memory. */
static void put_views(struct dump *f, struct step *s)
{
	for (int v = 0; v < s->recipe.large + s->recipe.small; v++) {
		int size;
		const void *view = step_view(s, v, &size);
		size_t side = (size_t)size, n = (size_t)s->n * side * side * 3;
		const size_t shape[4] = { (size_t)s->total, side, side, 3 };
		float *pixels = s->dev->be->alloc(s->dev, n * sizeof *pixels, "dump");
		char name[32];

		snprintf(name, sizeof name, "views/%d", v);
		s->dev->be->to_float(s->dev, pixels, view, n);
		put_gathered(f, name, s, pixels, n, 4, shape);
		s->dev->be->free(s->dev, pixels);
	}
}

static void put_embeddings(struct dump *f, struct step *s)
{
	size_t d = (size_t)s->config->model.out, n = (size_t)s->n * d;
	const size_t o[2] = { (size_t)s->total, d },
		     t[3] = { (size_t)s->recipe.large, (size_t)s->total, d };
	float *all = xmalloc(t[0] * t[1] * d * sizeof *all);
	char name[32];

	for (int v = 0; v < s->recipe.large + s->recipe.small; v++) {
		snprintf(name, sizeof name, "o/%d", v);
		put_gathered(f, name, s, s->o + (size_t)v * n, n, 2, o);
	}
	s->dev->be->download(s->dev, all, s->t, t[0] * t[1] * d * sizeof *all);
	if (f)
		dump_array(f, "t", DUMP_FLOAT, all, 3, t);
	xfree(all);
}

static void put_inputs(struct dump *f, struct step *s)
{
	size_t row = (size_t)(1 + s->negatives), n = (size_t)s->n;
	const size_t shape[2] = { (size_t)s->total, row };
	int64_t *own = xmalloc(n * row * sizeof *own),
		*all = xmalloc((size_t)s->total * row * sizeof *all);
	int32_t *candidates = xmalloc((size_t)s->total * row * sizeof *candidates);

	for (size_t i = 0; i < n; i++)
		own[i] = (int64_t)s->fed[s->slot].ids[i];
	comm_gather_int64(s->comm, all, own, n);
	if (f)
		dump_array(f, "images", DUMP_INT64, all, 1, shape);
	for (size_t i = 0; i < n * row; i++)
		own[i] = s->host_candidates[i];
	comm_gather_int64(s->comm, all, own, n * row);
	for (size_t i = 0; i < (size_t)s->total * row; i++)
		candidates[i] = (int32_t)all[i];
	if (f)
		dump_array(f, "candidates", DUMP_INT32, candidates, 2, shape);
	xfree(own);
	xfree(all);
	xfree(candidates);
}

static void put_after(struct dump *f, const struct step *s)
{
	size_t bytes = s->state.params->length * sizeof(float);
	struct checkpoint after = { 0 };
	float *gradients = xmalloc(bytes);

	s->dev->be->download(s->dev, gradients, s->state.gradients, bytes);
	put_tensors(f, "gradients", s->state.params, gradients);
	checkpoint_init(&after, s->state.params, s->state.stats);
	state_save(&s->state, &after);
	put_state(f, "after", s, &after);
	checkpoint_free(&after);
	xfree(gradients);
}

static int write_dump(const char *path, const struct checkpoint *before, struct step *s,
	const struct plan *plan, const struct step_result *result, char err[ERR_MAX])
{
	struct dump *f = s->comm->rank == 0 ? dump_open(path) : NULL;
	int rc = 0;

	put_views(f, s);
	put_embeddings(f, s);
	put_inputs(f, s);
	if (f) {
		put_scalars(f, s, plan, result);
		if (before)
			put_state(f, "before", s, before);
		put_after(f, s);
		rc = dump_close(f, err);
	}
	return comm_agree(s->comm, rc, err);
}

int step_dump_after(struct step_dump *d, struct step *s, const struct plan *plan,
	const struct step_result *result, char err[ERR_MAX])
{
	char *path = xasprintf("%s/step-%09lld.h5", s->config->run.dir, (long long)plan->step);
	int rc = write_dump(path, &d->before, s, plan, result, err);

	checkpoint_free(&d->before);
	xfree(d);
	xfree(path);
	return rc;
}

int step_dump_fault(struct step *s, const struct plan *plan, const struct step_result *result,
	char err[ERR_MAX])
{
	char *path =
		xasprintf("%s/fault-step-%09lld.h5", s->config->run.dir, (long long)plan->step);

	if (write_dump(path, NULL, s, plan, result, err) == 0)
		fail(err,
			"step %lld has loss %g and gradient norm %g; it was not applied, its inputs are in %s. The last checkpoint is"
			" from before it: try a smaller optim.lr, or look for bad images",
			(long long)plan->step, result->loss, result->gradient_norm, path);
	xfree(path);
	return -1;
}
