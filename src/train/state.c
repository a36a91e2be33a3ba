#include "train/state.h"

#include "base/memory.h"

void state_open(struct state *s, struct device *dev, const struct model *m)
{
	size_t values = m->params.length * sizeof(float), running = m->stats.length * sizeof(float);
	const struct backend *be = dev->be;

	*s = (struct state){ .dev = dev, .params = &m->params, .stats = &m->stats };
	s->values = be->alloc(dev, values, "parameters");
	s->gradients = be->alloc(dev, values, "gradients");
	s->momentum = be->alloc(dev, values, "momentum");
	s->target = be->alloc(dev, values, "target network");
	s->running = be->alloc(dev, running, "parameters");
	s->target_running = be->alloc(dev, running, "target network");
	s->weights = s->values;
	s->target_weights = s->target;
	if (dev->element == sizeof(float))
		return;
	s->weights = be->alloc(dev, m->params.length * dev->element, "parameters");
	s->target_weights = be->alloc(dev, m->params.length * dev->element, "target network");
}

void state_round(struct state *s)
{
	const struct backend *be = s->dev->be;

	if (s->weights == s->values)
		return;
	be->from_float(s->dev, s->weights, s->values, s->params->length);
	be->from_float(s->dev, s->target_weights, s->target, s->params->length);
}

void state_close(struct state *s)
{
	const struct backend *be = s->dev->be;

	if (s->weights != s->values) {
		be->free(s->dev, s->weights);
		be->free(s->dev, s->target_weights);
	}
	be->free(s->dev, s->values);
	be->free(s->dev, s->gradients);
	be->free(s->dev, s->momentum);
	be->free(s->dev, s->target);
	be->free(s->dev, s->running);
	be->free(s->dev, s->target_running);
}

static size_t largest_tensor(const struct params *p)
{
	size_t most = 0;

	for (int i = 0; i < p->count; i++)
		most = p->table[i].count > most ? p->table[i].count : most;
	return most;
}

/* Tensor by tensor, through little memory; the gaps are zero since they were allocated. */
static void init_network(struct state *s, float *network, uint64_t seed, enum rng_purpose purpose)
{
	const struct params *p = s->params;
	float *values = xmalloc(largest_tensor(p) * sizeof *values);

	for (int i = 0; i < p->count; i++) {
		params_init_tensor(p, i, values, seed, purpose);
		s->dev->be->upload(s->dev, network + p->table[i].offset, values,
			p->table[i].count * sizeof *values);
	}
	xfree(values);
}

void state_init(struct state *s, const struct config *c)
{
	uint64_t seed = (uint64_t)c->train.seed;

	init_network(s, s->values, seed, RNG_INIT);
	if (c->model.target_init == TARGET_SEPARATE)
		init_network(s, s->target, seed, RNG_TARGET_INIT);
	else
		s->dev->be->copy(s->dev, s->target, s->values, s->params->length * sizeof(float));
}

void state_save(const struct state *s, struct checkpoint *c)
{
	size_t values = s->params->length * sizeof(float),
	       running = s->stats->length * sizeof(float);
	const struct backend *be = s->dev->be;

	c->step = s->step;
	c->stats_updates = s->updates;
	be->download(s->dev, c->params, s->values, values);
	be->download(s->dev, c->momentum, s->momentum, values);
	be->download(s->dev, c->target, s->target, values);
	be->download(s->dev, c->stats, s->running, running);
	be->download(s->dev, c->target_stats, s->target_running, running);
}

void state_load(struct state *s, const struct checkpoint *c)
{
	size_t values = s->params->length * sizeof(float),
	       running = s->stats->length * sizeof(float);
	const struct backend *be = s->dev->be;

	s->step = c->step;
	s->updates = c->stats_updates;
	be->upload(s->dev, s->values, c->params, values);
	be->upload(s->dev, s->momentum, c->momentum, values);
	be->upload(s->dev, s->target, c->target, values);
	be->upload(s->dev, s->running, c->stats, running);
	be->upload(s->dev, s->target_running, c->target_stats, running);
}
