#include "nn/unit.h"

void unit_padding(int *before, int *after, int in, int kernel, int stride, enum padding padding)
{
	int total = ((in + stride - 1) / stride - 1) * stride + kernel - in; /* spec 3.1 */

	if (padding == PADDING_SYMMETRIC) {
		*before = *after = (kernel - 1) / 2;
		return;
	}
	total = total > 0 ? total : 0;
	*before = total / 2;
	*after = total - *before;
}

void unit_declare(struct unit *u, struct params *p, struct stats *s, const char *conv,
	const char *norm, int zero_gamma)
{
	const int shape[4] = { u->out, u->kernel, u->kernel, u->in };
	char name[PARAM_NAME_MAX];

	params_name(u->name, "%s", conv);
	params_name(name, "%s.weight", conv);
	u->weight = params_add(p, name, 4, shape, 0, INIT_TRUNCATED_NORMAL);
	norm_declare(&u->norm, p, s, norm, u->out, zero_gamma);
}

size_t unit_output(const struct unit_run *r, const struct pass *p)
{
	return (size_t)p->groups * (size_t)p->n * (size_t)r->height * (size_t)r->width *
		(size_t)r->unit->out;
}

void unit_open(struct unit_run *r, const struct unit *u, struct pass *p, const void *x, int height,
	int width, int last)
{
	struct conv_shape s = { .n = p->groups * p->n,
		.h = height,
		.w = width,
		.c = u->in,
		.k = u->out,
		.r = u->kernel,
		.stride = u->stride };

	unit_padding(&s.top, &s.bottom, height, u->kernel, u->stride, u->padding);
	unit_padding(&s.left, &s.right, width, u->kernel, u->stride, u->padding);
	*r = (struct unit_run){ .unit = u, .x = x, .x_height = height, .x_width = width };
	r->height = conv_out(height, s.top, s.bottom, u->kernel, u->stride);
	r->width = conv_out(width, s.left, s.right, u->kernel, u->stride);
	r->conv = p->dev->be->conv_open(p->dev, &s);
	/* The backward pass needs both: z for the statistics' gradient, y for the relu's and as the
	 * next unit's x. */
	if (p->kind == PASS_TRAIN) {
		r->z = u->remade ? pass_keep(p, unit_output(r, p))
				 : pass_keep_turns(p, unit_output(r, p));
		r->y = last ? pass_keep(p, unit_output(r, p)) : pass_take(p, unit_output(r, p));
	} else {
		r->z = r->y = pass_take(p, unit_output(r, p));
	}
	norm_open(&r->norm, &u->norm, p, r->height * r->width);
}

void unit_close(struct unit_run *r, struct pass *p)
{
	p->dev->be->conv_close(p->dev, r->conv);
	r->conv = NULL;
}

static void *z_of(const struct unit_run *r, const struct pass *p)
{
	return r->unit->remade ? r->z : pass_of_turn(p, r->z, unit_output(r, p));
}

static struct norm_output output_of(const struct unit_run *r, const struct pass *p)
{
	return norm_output(&r->norm, p, r->y, z_of(r, p), r->residual, r->unit->relu);
}

void unit_apply(const struct unit_run *r, struct pass *p)
{
	const struct norm_output y = output_of(r, p);

	p->dev->layer = r->unit->name;
	p->dev->be->norm_apply(p->dev, &y);
}

void unit_forward(struct unit_run *r, struct pass *p, const struct unit_run *below)
{
	const struct backend *be = p->dev->be;
	const void *weights = pass_weights(p, r->unit->weight);
	int sums = norm_needs_sums(p);
	struct norm_output x;

	if (below && sums)
		x = output_of(below, p);
	else if (below)
		unit_apply(below, p);
	p->dev->layer = r->unit->name;
	if (sums) {
		be->conv_forward_sums(p->dev, r->conv, z_of(r, p), r->x, weights, p->sums,
			p->groups, below ? &x : NULL);
		norm_statistics(&r->norm, p);
	} else if (p->replay != REPLAY_OUTPUTS || r->unit->remade) {
		be->conv_forward(p->dev, r->conv, z_of(r, p), r->x, weights);
	}
}

/* What the relu let through is seen in y. */
static const void *mask_of(const struct unit_run *r)
{
	return r->unit->relu ? r->y : NULL;
}

void unit_backward_sums(const struct unit_run *r, struct pass *p, const void *dy)
{
	p->dev->layer = r->unit->name;
	norm_backward_sums(&r->norm, p, dy, mask_of(r), z_of(r, p));
}

struct norm_input_gradient unit_gradient(
	const struct unit_run *r, struct pass *p, void *dresidual, const void *dy)
{
	void *z = z_of(r, p);

	p->dev->layer = r->unit->name;
	return norm_input_gradient(&r->norm, p, z, dresidual, dy, mask_of(r), z);
}

void unit_backward_norm(struct pass *p, const struct norm_input_gradient *dz)
{
	p->dev->be->norm_backward(p->dev, dz);
}

void unit_backward_conv(const struct unit_run *r, struct pass *p, void *dx, int add,
	const struct unit_run *below, const struct norm_input_gradient *dz)
{
	const struct backend *be = p->dev->be;
	const void *z = z_of(r, p), *weights = pass_weights(p, r->unit->weight);

	p->dev->layer = r->unit->name;
	/* dx must not be written while what it takes the place of is read */
	if (dz && (!dx || !below || dz->dy == dx)) {
		unit_backward_norm(p, dz);
		dz = NULL;
	}
	if (dx && below) {
		const struct norm_gradient of =
			norm_gradient(&below->norm, p, mask_of(below), z_of(below, p));

		be->conv_backward_data_sums(p->dev, r->conv, dx, z, weights, add, &of, dz);
	} else if (dx) {
		be->conv_backward_data(p->dev, r->conv, dx, z, weights, add);
	}
	be->conv_backward_weights(p->dev, r->conv, p->gradients + r->unit->weight, z, r->x);
}
