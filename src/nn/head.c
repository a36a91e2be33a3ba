#include "nn/head.h"

static size_t add(struct params *p, const char *head, const char *tensor, int rows, int columns)
{
	const int shape[2] = { rows, columns };
	char name[PARAM_NAME_MAX];
	int bias = columns == 0;

	params_name(name, "%s.%s", head, tensor);
	return params_add(
		p, name, bias ? 1 : 2, shape, bias, bias ? INIT_ZERO : INIT_TRUNCATED_NORMAL);
}

void head_declare(struct head *h, struct params *p, struct stats *s, const char *name, int in,
	int hidden, int out)
{
	char norm[PARAM_NAME_MAX];

	*h = (struct head){ .in = in, .hidden = hidden, .out = out, .first = p->length };
	params_name(h->name, "%s", name);
	h->weight1 = add(p, name, "linear1.weight", hidden, in);
	h->bias1 = add(p, name, "linear1.bias", hidden, 0);
	params_name(norm, "%s.bn1", name);
	norm_declare(&h->norm, p, s, norm, hidden, 0);
	h->weight2 = add(p, name, "linear2.weight", out, hidden);
}

void head_open(struct head_run *r, const struct head *h, struct pass *p, const void *x)
{
	size_t rows = (size_t)p->groups * (size_t)p->n;

	*r = (struct head_run){ .head = h, .x = x };
	r->z = pass_keep(p, rows * (size_t)h->hidden);
	r->hidden = pass_keep(p, rows * (size_t)h->hidden);
	r->y = pass_keep(p, rows * (size_t)h->out);
	norm_open(&r->norm, &h->norm, p, 1);
}

void head_forward(struct head_run *r, struct pass *p)
{
	const struct head *h = r->head;
	const struct backend *be = p->dev->be;
	int rows = p->groups * p->n;
	struct norm_output hidden;

	p->dev->layer = h->name;
	be->linear_forward(p->dev, r->z, r->x, pass_weights(p, h->weight1), rows, h->in, h->hidden);
	be->bias_add(p->dev, r->z, p->values + h->bias1, (size_t)rows, h->hidden);
	norm_sums(&r->norm, p, r->z);
	norm_statistics(&r->norm, p);
	hidden = norm_output(&r->norm, p, r->hidden, r->z, NULL, 1);
	be->norm_apply(p->dev, &hidden);
	be->linear_forward(
		p->dev, r->y, r->hidden, pass_weights(p, h->weight2), rows, h->hidden, h->out);
}

void head_backward(struct head_run *r, struct pass *p, void *dx, const void *dy, void *dhidden)
{
	const struct head *h = r->head;
	const struct backend *be = p->dev->be;
	int rows = p->groups * p->n;
	struct norm_input_gradient dz;

	p->dev->layer = h->name;
	be->linear_backward_weights(
		p->dev, p->gradients + h->weight2, dy, r->hidden, rows, h->hidden, h->out);
	be->linear_backward_data(
		p->dev, dhidden, dy, pass_weights(p, h->weight2), rows, h->hidden, h->out);
	norm_backward_sums(&r->norm, p, dhidden, r->hidden, r->z);
	dz = norm_input_gradient(&r->norm, p, dhidden, NULL, dhidden, r->hidden, r->z);
	be->norm_backward(p->dev, &dz);
	be->bias_gradient(p->dev, p->gradients + h->bias1, dhidden, (size_t)rows, h->hidden);
	be->linear_backward_weights(
		p->dev, p->gradients + h->weight1, dhidden, r->x, rows, h->in, h->hidden);
	be->linear_backward_data(
		p->dev, dx, dhidden, pass_weights(p, h->weight1), rows, h->in, h->hidden);
}
