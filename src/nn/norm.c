#include "nn/norm.h"

void norm_declare(struct norm *l, struct params *p, struct stats *s, const char *name, int channels,
	int zero_gamma)
{
	char tensor[PARAM_NAME_MAX];

	l->channels = channels;
	params_name(tensor, "%s.weight", name);
	l->gamma = params_add(p, tensor, 1, &channels, 1, zero_gamma ? INIT_ZERO : INIT_ONE);
	params_name(tensor, "%s.bias", name);
	l->beta = params_add(p, tensor, 1, &channels, 1, INIT_ZERO);
	l->running = stats_add(s, name, channels);
}

void norm_open(struct norm_run *r, const struct norm *l, struct pass *p, int pixels)
{
	size_t channels = (size_t)p->groups * (size_t)l->channels;

	*r = (struct norm_run){
		.norm = l, .rows = (size_t)p->n * (size_t)pixels, .count = (double)p->total * pixels
	};
	if (p->kind == PASS_FROZEN)
		return;
	r->mean = pass_keep(p, channels);
	r->rstd = pass_keep(p, channels);
	pass_reserve_sums(p, l->channels);
}

static void batch_statistics(struct norm_run *r, struct pass *p, const float *x)
{
	const struct backend *be = p->dev->be;
	int c = r->norm->channels;

	be->norm_sums(p->dev, p->sums, x, p->groups, r->rows, c);
	comm_sum_double(p->comm, p->sums, (size_t)p->groups * 2 * (size_t)c);
	be->norm_statistics(p->dev, r->mean, r->rstd, p->sums, r->count, p->eps, p->groups, c);
	if (p->running)
		be->norm_running(p->dev, p->running + r->norm->running, p->sums, r->count, p->decay,
			p->groups, c);
}

void norm_forward(struct norm_run *r, struct pass *p, float *y, const float *x,
	const float *residual, int relu)
{
	const struct norm *l = r->norm;
	const float *gamma = p->values + l->gamma, *beta = p->values + l->beta;
	const struct backend *be = p->dev->be;

	if (p->kind == PASS_FROZEN) {
		const float *mean = p->frozen + l->running, *rstd = mean + l->channels;

		be->norm_apply(p->dev, y, x, mean, rstd, gamma, beta, residual, relu, 1,
			r->rows * (size_t)p->groups, l->channels);
		return;
	}
	batch_statistics(r, p, x);
	be->norm_apply(p->dev, y, x, r->mean, r->rstd, gamma, beta, residual, relu, p->groups,
		r->rows, l->channels);
}

void norm_backward(struct norm_run *r, struct pass *p, float *dx, float *dresidual, const float *dy,
	const float *y, const float *x)
{
	const struct norm *l = r->norm;
	const struct backend *be = p->dev->be;
	int c = l->channels;

	be->norm_backward_sums(p->dev, p->sums, dy, y, x, r->mean, r->rstd, p->groups, r->rows, c);
	/* Before the sums are reduced: gradients are summed over ranks later, with all others. */
	be->norm_parameter_gradient(
		p->dev, p->gradients + l->gamma, p->gradients + l->beta, p->sums, p->groups, c);
	comm_sum_double(p->comm, p->sums, (size_t)p->groups * 2 * (size_t)c);
	be->norm_backward(p->dev, dx, dresidual, dy, y, x, r->mean, r->rstd, p->values + l->gamma,
		p->sums, r->count, p->groups, r->rows, c);
}
