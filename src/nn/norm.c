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
	*r = (struct norm_run){
		.norm = l, .rows = (size_t)p->n * (size_t)pixels, .count = (double)p->total * pixels
	};
	if (p->kind != PASS_FROZEN)
		pass_reserve_sums(p, l->channels);
}

/* (groups, channels) of the pass's turn; 1/deviation follows the mean. */
static float *mean_of(const struct norm *l, const struct pass *p)
{
	size_t groups = (size_t)p->groups;

	return p->statistics + groups * ((size_t)p->turn * p->stats->length + l->running);
}

static float *rstd_of(const struct norm *l, const struct pass *p)
{
	return mean_of(l, p) + (size_t)p->groups * (size_t)l->channels;
}

int norm_needs_sums(const struct pass *p)
{
	return p->kind != PASS_FROZEN && p->replay == REPLAY_NOT;
}

void norm_sums(const struct norm_run *r, struct pass *p, const void *x)
{
	if (norm_needs_sums(p))
		p->dev->be->norm_sums(p->dev, p->sums, x, p->groups, r->rows, r->norm->channels);
}

void norm_statistics(const struct norm_run *r, struct pass *p)
{
	const struct backend *be = p->dev->be;
	const struct norm *l = r->norm;
	int c = l->channels;

	if (!norm_needs_sums(p))
		return;
	be->sum_double(p->dev, p->sums, (size_t)p->groups * 2 * (size_t)c);
	be->norm_statistics(
		p->dev, mean_of(l, p), rstd_of(l, p), p->sums, r->count, p->eps, p->groups, c);
	if (p->counted > 0)
		be->norm_running(p->dev, p->running + l->running, p->sums, r->count, p->decay,
			p->counted, c);
}

struct norm_output norm_output(const struct norm_run *r, const struct pass *p, void *y,
	const void *x, const void *residual, int relu)
{
	const struct norm *l = r->norm;
	struct norm_output of = { .y = y,
		.x = x,
		.residual = residual,
		.mean = mean_of(l, p),
		.rstd = rstd_of(l, p),
		.gamma = p->values + l->gamma,
		.beta = p->values + l->beta,
		.relu = relu,
		.groups = p->groups,
		.channels = l->channels,
		.rows = r->rows };

	if (p->kind == PASS_FROZEN) {
		of.mean = p->frozen + l->running;
		of.rstd = of.mean + l->channels;
		of.groups = 1;
		of.rows *= (size_t)p->groups;
	}
	return of;
}

struct norm_gradient norm_gradient(
	const struct norm_run *r, const struct pass *p, const void *y, const void *x)
{
	return (struct norm_gradient){ .sums = p->sums,
		.y = y,
		.x = x,
		.mean = mean_of(r->norm, p),
		.rstd = rstd_of(r->norm, p),
		.groups = p->groups };
}

void norm_backward_sums(
	const struct norm_run *r, struct pass *p, const void *dy, const void *y, const void *x)
{
	const struct norm *l = r->norm;

	p->dev->be->norm_backward_sums(p->dev, p->sums, dy, y, x, mean_of(l, p), rstd_of(l, p),
		p->groups, r->rows, l->channels);
}

struct norm_input_gradient norm_input_gradient(const struct norm_run *r, struct pass *p, void *dx,
	void *dresidual, const void *dy, const void *y, const void *x)
{
	const struct norm *l = r->norm;
	const struct backend *be = p->dev->be;
	int c = l->channels;

	/* Before the sums are reduced: gradients are summed over ranks later, with all others. */
	be->norm_parameter_gradient(
		p->dev, p->gradients + l->gamma, p->gradients + l->beta, p->sums, p->groups, c);
	be->sum_double(p->dev, p->sums, (size_t)p->groups * 2 * (size_t)c);
	return (struct norm_input_gradient){ .dx = dx,
		.dresidual = dresidual,
		.dy = dy,
		.y = y,
		.x = x,
		.mean = mean_of(l, p),
		.rstd = rstd_of(l, p),
		.gamma = p->values + l->gamma,
		.sums = p->sums,
		.count = r->count,
		.groups = p->groups,
		.channels = c,
		.rows = r->rows };
}
