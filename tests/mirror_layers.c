/* mirror_layers.c - batch norm, pooling, loss and optimiser of the mirror. */
#include "mirror_arrays.h"

/* ---- batch norm ---- */

static void *in_sums(struct mirror *m, const double *sums, int groups, int channels)
{
	return mirror_in(m, sums, (size_t)groups * 2 * (size_t)channels * sizeof *sums);
}

static void *out_sums(struct mirror *m, double *sums, int groups, int channels)
{
	return mirror_out(m, sums, (size_t)groups * 2 * (size_t)channels * sizeof *sums);
}

static void norm_sums_mirror(
	struct device *dev, double *sums, const void *x, int groups, size_t rows, int channels)
{
	struct mirror *m = mirror_of(dev);
	size_t n = (size_t)groups * rows * (size_t)channels;

	RUN(m, norm_sums, out_sums(m, sums, groups, channels), in(m, x, n), groups, rows, channels);
}

static void norm_statistics_mirror(struct device *dev, float *mean, float *rstd, const double *sums,
	double count, float eps, int groups, int channels)
{
	struct mirror *m = mirror_of(dev);
	size_t n = (size_t)groups * (size_t)channels;

	RUN(m, norm_statistics, out(m, mean, n), out(m, rstd, n),
		in_sums(m, sums, groups, channels), count, eps, groups, channels);
}

static void norm_running_mirror(struct device *dev, float *running, const double *sums,
	double count, float decay, int groups, int channels)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, norm_running, out(m, running, 2 * (size_t)channels),
		in_sums(m, sums, groups, channels), count, decay, groups, channels);
}

struct norm_output mirror_output(struct mirror *m, const struct norm_output *of)
{
	size_t c = (size_t)of->channels, stats = (size_t)of->groups * c, n = stats * of->rows;
	struct norm_output inner = *of;

	inner.y = out(m, of->y, n);
	inner.x = in(m, of->x, n);
	inner.residual = in(m, of->residual, n);
	inner.mean = in(m, of->mean, stats);
	inner.rstd = in(m, of->rstd, stats);
	inner.gamma = in(m, of->gamma, c);
	inner.beta = in(m, of->beta, c);
	return inner;
}

static void norm_apply_mirror(struct device *dev, const struct norm_output *of)
{
	struct mirror *m = mirror_of(dev);
	const struct norm_output inner = mirror_output(m, of);

	RUN(m, norm_apply, &inner);
}

static void norm_backward_sums_mirror(struct device *dev, double *sums, const void *dy,
	const void *y, const void *x, const float *mean, const float *rstd, int groups, size_t rows,
	int channels)
{
	struct mirror *m = mirror_of(dev);
	size_t stats = (size_t)groups * (size_t)channels, n = stats * rows;

	RUN(m, norm_backward_sums, out_sums(m, sums, groups, channels), in(m, dy, n), in(m, y, n),
		in(m, x, n), in(m, mean, stats), in(m, rstd, stats), groups, rows, channels);
}

static void norm_parameter_gradient_mirror(struct device *dev, float *dgamma, float *dbeta,
	const double *sums, int groups, int channels)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, norm_parameter_gradient, out(m, dgamma, (size_t)channels),
		out(m, dbeta, (size_t)channels), in_sums(m, sums, groups, channels), groups,
		channels);
}

struct norm_input_gradient mirror_input_gradient(
	struct mirror *m, const struct norm_input_gradient *of)
{
	size_t c = (size_t)of->channels, stats = (size_t)of->groups * c, n = stats * of->rows;
	struct norm_input_gradient inner = *of;

	inner.dx = out(m, of->dx, n);
	inner.dresidual = out(m, of->dresidual, n);
	inner.dy = in(m, of->dy, n);
	inner.y = in(m, of->y, n);
	inner.x = in(m, of->x, n);
	inner.mean = in(m, of->mean, stats);
	inner.rstd = in(m, of->rstd, stats);
	inner.gamma = in(m, of->gamma, c);
	inner.sums = in_sums(m, of->sums, of->groups, of->channels);
	return inner;
}

static void norm_backward_mirror(struct device *dev, const struct norm_input_gradient *of)
{
	struct mirror *m = mirror_of(dev);
	const struct norm_input_gradient inner = mirror_input_gradient(m, of);

	RUN(m, norm_backward, &inner);
}

/* ---- pooling ---- */

static size_t pool_input(const struct pool_shape *s)
{
	return (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
}

static size_t pool_output(const struct pool_shape *s)
{
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride),
	    q = conv_out(s->w, s->left, s->right, s->r, s->stride);

	return (size_t)s->n * (size_t)p * (size_t)q * (size_t)s->c;
}

static void max_pool_mirror(
	struct device *dev, void *y, uint8_t *index, const void *x, const struct pool_shape *s)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, max_pool, out(m, y, pool_output(s)), mirror_out(m, index, pool_output(s)),
		in(m, x, pool_input(s)), s);
}

static void max_pool_backward_mirror(struct device *dev, void *dx, const void *dy,
	const uint8_t *index, const struct pool_shape *s)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, max_pool_backward, out(m, dx, pool_input(s)), in(m, dy, pool_output(s)),
		mirror_in(m, index, pool_output(s)), s);
}

static void mean_pool_mirror(struct device *dev, void *y, const void *x, int n, int pixels, int c)
{
	struct mirror *m = mirror_of(dev);
	size_t row = (size_t)n * (size_t)c;

	RUN(m, mean_pool, out(m, y, row), in(m, x, row * (size_t)pixels), n, pixels, c);
}

static void mean_pool_backward_mirror(
	struct device *dev, void *dx, const void *dy, int n, int pixels, int c)
{
	struct mirror *m = mirror_of(dev);
	size_t row = (size_t)n * (size_t)c;

	RUN(m, mean_pool_backward, out(m, dx, row * (size_t)pixels), in(m, dy, row), n, pixels, c);
}

/* ---- objective ---- */

static void unit_length_mirror(
	struct device *dev, float *o, float *length, const void *u, size_t rows, int d)
{
	struct mirror *m = mirror_of(dev);
	size_t n = rows * (size_t)d;

	RUN(m, unit_length, out(m, o, n), out(m, length, rows), in(m, u, n), rows, d);
}

static void unit_length_backward_mirror(struct device *dev, void *du, const float *g,
	const float *o, const float *length, size_t rows, int d)
{
	struct mirror *m = mirror_of(dev);
	size_t n = rows * (size_t)d;

	RUN(m, unit_length_backward, out(m, du, n), in(m, g, n), in(m, o, n), in(m, length, rows),
		rows, d);
}

static void relic_loss_mirror(struct device *dev, float *g, float *g_small, double *terms,
	const struct relic_batch *b, const struct relic_options *o)
{
	struct mirror *m = mirror_of(dev);
	size_t d = (size_t)b->d, own = (size_t)(o->large + o->small) * (size_t)b->n * d,
	       small = (size_t)o->small * (size_t)b->total * d;
	struct relic_batch there = *b;

	there.o = in(m, b->o, own);
	there.t = in(m, b->t, (size_t)o->large * (size_t)b->total * d);
	there.o_small = in(m, b->o_small, small);
	there.candidates = mirror_in(m, b->candidates,
		(size_t)b->n * (size_t)(1 + o->negatives) * sizeof *b->candidates);
	RUN(m, relic_loss, out(m, g, own), out(m, g_small, small),
		mirror_out(m, terms, 2 * sizeof *terms), &there, o);
}

/* ---- optimiser ---- */

static size_t length_of(const struct param_span *spans, int count)
{
	size_t end = 0;

	for (int i = 0; i < count; i++)
		if (spans[i].offset + spans[i].count > end)
			end = spans[i].offset + spans[i].count;
	return end;
}

static const struct param_span *in_spans(
	struct mirror *m, const struct param_span *spans, int count)
{
	return mirror_in(m, spans, (size_t)count * sizeof *spans);
}

static void param_norms_mirror(struct device *dev, double *norms, const float *p, const float *g,
	const struct param_span *spans, int count, float weight_decay)
{
	struct mirror *m = mirror_of(dev);
	size_t n = length_of(spans, count);

	RUN(m, param_norms, mirror_out(m, norms, (size_t)count * 3 * sizeof *norms), in(m, p, n),
		in(m, g, n), in_spans(m, spans, count), count, weight_decay);
}

static void lars_mirror(struct device *dev, float *p, float *momentum, const float *g,
	const double *norms, const struct param_span *spans, int count,
	const struct lars_step *step)
{
	struct mirror *m = mirror_of(dev);
	size_t n = length_of(spans, count);

	RUN(m, lars, out(m, p, n), out(m, momentum, n), in(m, g, n),
		mirror_in(m, norms, (size_t)count * 3 * sizeof *norms), in_spans(m, spans, count),
		count, step);
}

static void ema_mirror(struct device *dev, float *target, const float *p, float decay, size_t n)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, ema, out(m, target, n), in(m, p, n), decay, n);
}

void mirror_layers(struct backend *be)
{
	be->norm_sums = norm_sums_mirror;
	be->norm_statistics = norm_statistics_mirror;
	be->norm_running = norm_running_mirror;
	be->norm_apply = norm_apply_mirror;
	be->norm_backward_sums = norm_backward_sums_mirror;
	be->norm_parameter_gradient = norm_parameter_gradient_mirror;
	be->norm_backward = norm_backward_mirror;
	be->max_pool = max_pool_mirror;
	be->max_pool_backward = max_pool_backward_mirror;
	be->mean_pool = mean_pool_mirror;
	be->mean_pool_backward = mean_pool_backward_mirror;
	be->unit_length = unit_length_mirror;
	be->unit_length_backward = unit_length_backward_mirror;
	be->relic_loss = relic_loss_mirror;
	be->param_norms = param_norms_mirror;
	be->lars = lars_mirror;
	be->ema = ema_mirror;
}
