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

static void begin(struct pass *p, const struct model *m, const struct config *c)
{
	p->params = &m->params;
	p->stats = &m->stats;
	p->turns = p->turns > 0 ? p->turns : 1;
	p->eps = (float)c->model.norm_eps;
	p->decay = (float)c->model.norm_decay;
}

/* ---- encoder ---- */

static void *open_input(struct encoder_run *r)
{
	struct pass *p = &r->pass;
	size_t elements = (size_t)p->groups * (size_t)p->n * (size_t)p->size * (size_t)p->size * 3;

	if (p->early)
		return pass_take(p, elements);
	r->owns_input = 1;
	return p->dev->be->alloc(p->dev, elements * p->dev->element, "views");
}

void encoder_run_open(struct encoder_run *r, const struct model *m, const struct config *c,
	const struct pass *pass, void *input)
{
	struct pass *p = &r->pass;

	*r = (struct encoder_run){ .pass = *pass };
	begin(p, m, c);
	pass_borrow(p);
	r->input = input ? input : open_input(r);
	resnet_open(&r->resnet, &m->encoder, p, r->input);
}

void encoder_run_close(struct encoder_run *r)
{
	resnet_close(&r->resnet, &r->pass);
	if (r->owns_input)
		r->pass.dev->be->free(r->pass.dev, r->input);
	pass_close(&r->pass);
}

void encoder_run_forward(struct encoder_run *r, void *features)
{
	resnet_forward(&r->resnet, &r->pass, features);
}

void encoder_buffers_open(struct encoder_buffers *b, struct device *dev,
	const struct encoder_run *const *runs, int count)
{
	size_t largest = 0;

	for (int i = 0; i < count; i++)
		largest = runs[i]->resnet.largest > largest ? runs[i]->resnet.largest : largest;
	for (int i = 0; i < GRADIENT_BUFFERS; i++)
		b->gradient[i] =
			dev->be->alloc(dev, largest * dev->element, "gradients of activations");
}

void encoder_buffers_close(struct encoder_buffers *b, struct device *dev)
{
	for (int i = 0; i < GRADIENT_BUFFERS; i++)
		dev->be->free(dev, b->gradient[i]);
}

void encoder_run_backward(struct encoder_run *r, struct encoder_buffers *b, const void *dfeatures,
	void (*done)(void *arg, size_t offset), void *arg)
{
	resnet_backward(&r->resnet, &r->pass, b->gradient, dfeatures, done, arg);
}

/* ---- heads ---- */

void heads_open(
	struct heads_run *r, const struct model *m, const struct config *c, const struct pass *pass)
{
	struct pass *p = &r->pass;
	size_t rows = (size_t)pass->groups * (size_t)pass->n;
	size_t features = rows * (size_t)m->encoder.features;

	*r = (struct heads_run){ .pass = *pass };
	begin(p, m, c);
	r->features = pass_keep(p, features);
	head_open(&r->projector, &m->projector, p, r->features);
	r->output = r->projector.y;
	if (p->kind == PASS_TARGET)
		return;
	head_open(&r->predictor, &m->predictor, p, r->projector.y);
	r->output = r->predictor.y;
	r->dfeatures = pass_keep(p, features);
	r->dprojection = pass_keep(p, rows * (size_t)m->projector.out);
	r->dhidden = pass_keep(p, rows * (size_t)m->projector.hidden);
}

void heads_close(struct heads_run *r)
{
	pass_close(&r->pass);
}

void heads_forward(struct heads_run *r)
{
	head_forward(&r->projector, &r->pass);
	if (r->pass.kind == PASS_TRAIN)
		head_forward(&r->predictor, &r->pass);
}

void heads_backward(
	struct heads_run *r, const void *doutput, void (*done)(void *arg, size_t offset), void *arg)
{
	head_backward(&r->predictor, &r->pass, r->dprojection, doutput, r->dhidden);
	if (done)
		done(arg, r->predictor.head->first);
	head_backward(&r->projector, &r->pass, r->dfeatures, r->dprojection, r->dhidden);
	if (done)
		done(arg, r->projector.head->first);
}
