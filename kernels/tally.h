#ifndef KERNELS_TALLY_H
#define KERNELS_TALLY_H

#include "nn/tally.h"

/* Between the files of the tally. */

static inline struct tally *tally_of(struct device *dev)
{
	return (struct tally *)dev;
}

/* Add a call of this kind and layer: operations of matrix products, bytes moved. layer NULL: the
 * one that the network is at. */
void tally_add(struct tally *t, enum kind kind, const char *layer, double operations, double bytes);

/* Add a message of so many bytes a rank. */
void tally_send(struct tally *t, const char *what, double bytes);

/* The operation needs so much memory while it runs. */
void tally_scratch(struct tally *t, size_t bytes);

/* The slots in tally_ops.c. */
extern const struct backend backend_tally;

/* An operation reads and writes each of its arrays once: bytes of so many elements, and of floats
 * and doubles. */
static inline double elements(struct device *dev, double count)
{
	return count * (double)dev->element;
}

static const double F = sizeof(float), D = sizeof(double);

/* So many arrays of activations norm_apply and norm_backward read and write. */
static inline int tally_output(const struct norm_output *of)
{
	return of->residual ? 3 : 2;
}

static inline int tally_input_gradient(const struct norm_input_gradient *of)
{
	return 3 + (of->y ? 1 : 0) + (of->dresidual ? 1 : 0);
}

/* The slots in tally.c and tally_layers.c. */
void *tally_alloc(struct device *dev, size_t bytes, const char *purpose);
void tally_free(struct device *dev, void *p);
void norm_sums_tally(
	struct device *dev, double *sums, const void *x, int groups, size_t rows, int channels);
void norm_statistics_tally(struct device *dev, float *mean, float *rstd, const double *sums,
	double count, float eps, int groups, int channels);
void norm_running_tally(struct device *dev, float *running, const double *sums, double count,
	float decay, int groups, int channels);
void norm_apply_tally(struct device *dev, const struct norm_output *of);
void norm_backward_sums_tally(struct device *dev, double *sums, const void *dy, const void *y,
	const void *x, const float *mean, const float *rstd, int groups, size_t rows, int channels);
void norm_parameter_gradient_tally(struct device *dev, float *dgamma, float *dbeta,
	const double *sums, int groups, int channels);
void norm_backward_tally(struct device *dev, const struct norm_input_gradient *of);
void max_pool_tally(
	struct device *dev, void *y, uint8_t *index, const void *x, const struct pool_shape *shape);
void max_pool_backward_tally(struct device *dev, void *dx, const void *dy, const uint8_t *index,
	const struct pool_shape *shape);
void mean_pool_tally(struct device *dev, void *y, const void *x, int n, int pixels, int c);
void mean_pool_backward_tally(
	struct device *dev, void *dx, const void *dy, int n, int pixels, int c);
void unit_length_tally(
	struct device *dev, float *o, float *length, const void *u, size_t rows, int d);
void unit_length_backward_tally(struct device *dev, void *du, const float *g, const float *o,
	const float *length, size_t rows, int d);
void relic_loss_tally(struct device *dev, float *g, float *g_small, double *terms,
	const struct relic_batch *b, const struct relic_options *o);
void param_norms_tally(struct device *dev, double *norms, const float *p, const float *g,
	const struct param_span *spans, int count, float weight_decay);
void lars_tally(struct device *dev, float *p, float *m, const float *g, const double *norms,
	const struct param_span *spans, int count, const struct lars_step *step);
void ema_tally(struct device *dev, float *target, const float *p, float decay, size_t n);

#endif
