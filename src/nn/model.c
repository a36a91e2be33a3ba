#include "nn/model.h"

int model_check(const struct config *c, char err[ERR_MAX])
{
	return resnet_check(c->model.arch, err);
}

void model_init(struct model *m, const struct config *c)
{
	int hidden = c->model.hidden, out = c->model.out;

	*m = (struct model){ 0 };
	resnet_declare(&m->encoder, c, &m->params, &m->stats);
	head_declare(&m->projector, &m->params, &m->stats, "projector", m->encoder.features, hidden,
		out);
	head_declare(&m->predictor, &m->params, &m->stats, "predictor", out, hidden, out);
}

void model_free(struct model *m)
{
	resnet_free(&m->encoder);
	params_free(&m->params);
	stats_free(&m->stats);
}

void model_tables(const struct config *c, struct params *p, struct stats *s)
{
	struct model m;

	model_init(&m, c);
	*p = m.params;
	*s = m.stats;
	resnet_free(&m.encoder);
}

static void *open_input(struct model_run *r)
{
	struct pass *p = &r->pass;
	size_t elements = (size_t)p->groups * (size_t)p->n * (size_t)p->size * (size_t)p->size * 3;

	if (p->early)
		return pass_take(p, elements);
	r->owns_input = 1;
	return p->dev->be->alloc(p->dev, elements * p->dev->element, "views");
}

void model_open(struct model_run *r, const struct model *m, const struct config *c,
	const struct pass *pass, void *input)
{
	struct pass *p = &r->pass;

	*r = (struct model_run){ .pass = *pass, .model = m };
	p->params = &m->params;
	p->stats = &m->stats;
	p->turns = p->turns > 0 ? p->turns : 1;
	p->eps = (float)c->model.norm_eps;
	p->decay = (float)c->model.norm_decay;
	pass_borrow(p);
	r->input = input ? input : open_input(r);
	resnet_open(&r->encoder, &m->encoder, p, r->input);
	if (p->kind == PASS_FROZEN)
		return;
	head_open(&r->projector, &m->projector, p, r->encoder.features);
	r->output = r->projector.y;
	if (p->kind == PASS_TARGET)
		return;
	head_open(&r->predictor, &m->predictor, p, r->projector.y);
	r->output = r->predictor.y;
}

void model_close(struct model_run *r)
{
	resnet_close(&r->encoder, &r->pass);
	if (r->owns_input)
		r->pass.dev->be->free(r->pass.dev, r->input);
	pass_close(&r->pass);
}

void model_forward(struct model_run *r)
{
	resnet_forward(&r->encoder, &r->pass);
	if (r->pass.kind == PASS_FROZEN)
		return;
	head_forward(&r->projector, &r->pass);
	if (r->pass.kind == PASS_TRAIN)
		head_forward(&r->predictor, &r->pass);
}

static void *alloc(struct device *dev, size_t elements)
{
	return dev->be->alloc(dev, elements * dev->element, "gradients of activations");
}

void model_buffers_open(
	struct model_buffers *b, struct device *dev, const struct model_run *const *runs, int count)
{
	const struct model *m = runs[0]->model;
	size_t largest = 0, rows = 0;

	for (int i = 0; i < count; i++) {
		size_t n = (size_t)runs[i]->pass.groups * (size_t)runs[i]->pass.n;

		rows = n > rows ? n : rows;
		largest = runs[i]->encoder.largest > largest ? runs[i]->encoder.largest : largest;
	}
	for (int i = 0; i < GRADIENT_BUFFERS; i++)
		b->gradient[i] = alloc(dev, largest);
	b->hidden = alloc(dev, rows * (size_t)m->projector.hidden);
	b->features = alloc(dev, rows * (size_t)m->encoder.features);
	b->projection = alloc(dev, rows * (size_t)m->projector.out);
}

void model_buffers_close(struct model_buffers *b, struct device *dev)
{
	for (int i = 0; i < GRADIENT_BUFFERS; i++)
		dev->be->free(dev, b->gradient[i]);
	dev->be->free(dev, b->hidden);
	dev->be->free(dev, b->features);
	dev->be->free(dev, b->projection);
}

void model_backward(struct model_run *r, struct model_buffers *b, const void *doutput,
	void (*done)(void *arg, size_t offset), void *arg)
{
	const struct model *m = r->model;

	head_backward(&r->predictor, &r->pass, b->projection, doutput, b->hidden);
	if (done)
		done(arg, m->predictor.first);
	head_backward(&r->projector, &r->pass, b->features, b->projection, b->hidden);
	if (done)
		done(arg, m->projector.first);
	resnet_backward(&r->encoder, &r->pass, b->gradient, b->features, done, arg);
}
