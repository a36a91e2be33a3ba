/* tally_layers.c - what batch norm, pooling, loss and optimiser cost. */
#include "tally.h"

/* ---- batch norm ---- */

/* So many passes over the array. */
static void passes(struct device *dev, int count, int groups, size_t rows, int channels)
{
	tally_add(tally_of(dev), KIND_NORM, NULL, 0,
		count * elements(dev, (double)groups * (double)rows * channels));
}

void norm_sums_tally(
	struct device *dev, double *sums, const void *x, int groups, size_t rows, int channels)
{
	(void)sums, (void)x;
	passes(dev, 1, groups, rows, channels);
}

void norm_statistics_tally(struct device *dev, float *mean, float *rstd, const double *sums,
	double count, float eps, int groups, int channels)
{
	(void)mean, (void)rstd, (void)sums, (void)count, (void)eps;
	tally_add(tally_of(dev), KIND_NORM, NULL, 0, (2 * F + 2 * D) * groups * channels);
}

void norm_running_tally(struct device *dev, float *running, const double *sums, double count,
	float decay, int groups, int channels)
{
	(void)running, (void)sums, (void)count, (void)decay;
	tally_add(tally_of(dev), KIND_NORM, NULL, 0, (4 * F + 2 * D * groups) * channels);
}

void norm_apply_tally(struct device *dev, const struct norm_output *of)
{
	passes(dev, tally_output(of), of->groups, of->rows, of->channels);
}

void norm_backward_sums_tally(struct device *dev, double *sums, const void *dy, const void *y,
	const void *x, const float *mean, const float *rstd, int groups, size_t rows, int channels)
{
	(void)sums, (void)dy, (void)x, (void)mean, (void)rstd;
	passes(dev, y ? 3 : 2, groups, rows, channels);
}

void norm_parameter_gradient_tally(struct device *dev, float *dgamma, float *dbeta,
	const double *sums, int groups, int channels)
{
	(void)dgamma, (void)dbeta, (void)sums;
	tally_add(tally_of(dev), KIND_NORM, NULL, 0, (4 * F + 2 * D * groups) * channels);
}

void norm_backward_tally(struct device *dev, const struct norm_input_gradient *of)
{
	passes(dev, tally_input_gradient(of), of->groups, of->rows, of->channels);
}

/* ---- pooling ---- */

static void pool(struct device *dev, const struct pool_shape *s)
{
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride),
	    q = conv_out(s->w, s->left, s->right, s->r, s->stride);
	double out = (double)s->n * p * q * s->c;

	tally_add(tally_of(dev), KIND_POINTWISE, "pooling", 0,
		elements(dev, (double)s->n * s->h * s->w * s->c + out) + out);
}

void max_pool_tally(
	struct device *dev, void *y, uint8_t *index, const void *x, const struct pool_shape *shape)
{
	(void)y, (void)index, (void)x;
	pool(dev, shape);
}

void max_pool_backward_tally(struct device *dev, void *dx, const void *dy, const uint8_t *index,
	const struct pool_shape *shape)
{
	(void)dx, (void)dy, (void)index;
	pool(dev, shape);
}

void mean_pool_tally(struct device *dev, void *y, const void *x, int n, int pixels, int c)
{
	(void)y, (void)x;
	tally_add(tally_of(dev), KIND_POINTWISE, "pooling", 0,
		elements(dev, (double)n * c * (pixels + 1)));
}

void mean_pool_backward_tally(
	struct device *dev, void *dx, const void *dy, int n, int pixels, int c)
{
	mean_pool_tally(dev, dx, dy, n, pixels, c);
}

/* ---- objective and optimiser ---- */

void unit_length_tally(
	struct device *dev, float *o, float *length, const void *u, size_t rows, int d)
{
	(void)o, (void)length, (void)u;
	tally_add(
		tally_of(dev), KIND_LOSS, "loss", 0, (F + (double)dev->element) * (double)rows * d);
}

void unit_length_backward_tally(struct device *dev, void *du, const float *g, const float *o,
	const float *length, size_t rows, int d)
{
	(void)du, (void)g, (void)o, (void)length;
	tally_add(tally_of(dev), KIND_LOSS, "loss", 0,
		(2 * F + (double)dev->element) * (double)rows * d);
}

/* Every candidate's vector is read for the logits and again for the gradient. */
void relic_loss_tally(struct device *dev, float *g, float *g_small, double *terms,
	const struct relic_batch *b, const struct relic_options *o)
{
	double candidates = (double)b->n * (1 + o->negatives) * o->large,
	       views = o->large + o->small;

	(void)g, (void)g_small, (void)terms;
	tally_add(tally_of(dev), KIND_LOSS, "loss", 0,
		F * b->d * (2 * candidates + 2 * views * b->n));
}

/* These two and ema walk the same buffer; ema is told its length and counts for all. */
void param_norms_tally(struct device *dev, double *norms, const float *p, const float *g,
	const struct param_span *spans, int count, float weight_decay)
{
	(void)dev, (void)norms, (void)p, (void)g, (void)spans, (void)count, (void)weight_decay;
}

void lars_tally(struct device *dev, float *p, float *m, const float *g, const double *norms,
	const struct param_span *spans, int count, const struct lars_step *step)
{
	(void)dev, (void)p, (void)m, (void)g, (void)norms, (void)spans, (void)count, (void)step;
}

void ema_tally(struct device *dev, float *target, const float *p, float decay, size_t n)
{
	const double norms = 2, lars = 5, ema = 3; /* passes over the buffer */

	(void)target, (void)p, (void)decay;
	tally_add(tally_of(dev), KIND_OPTIMISER, "optimiser", 0,
		(norms + lars + ema) * F * (double)n);
}
