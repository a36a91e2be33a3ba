#ifndef REF_H
#define REF_H

/* Every operation of struct backend again, in double, in the plainest way that its contract can be
 * read: the reference of all back ends.  Arguments are as in nn/backend.h. */

#include "nn/backend.h"

void ref_conv(double *y, const double *x, const double *w, const struct conv_shape *s);
void ref_conv_data(double *dx, const double *dy, const double *w, const struct conv_shape *s);
void ref_conv_weights(double *dw, const double *dy, const double *x, const struct conv_shape *s);
void ref_gemm(double *c, const double *a, const double *b, int m, int n, int k, int ta, int tb,
	double beta);

/* y = batch norm of x with its own statistics, each group apart */
void ref_norm(double *y, const double *x, const double *gamma, const double *beta,
	const double *residual, int relu, double eps, int groups, size_t rows, int channels);

void ref_max_pool(double *y, uint8_t *index, const double *x, const struct pool_shape *s);
void ref_mean_pool(double *y, const double *x, int n, int pixels, int c);
void ref_unit_length(double *o, double *length, const double *u, size_t rows, int d);

/* The loss of spec 2.3 over all n = total anchors, and its terms: unweighted means over pairs and
 * the batch.  o is what is differentiated, fixed the same values where the definition stops the
 * gradient.  o, fixed (L+S, n, d), t (L, n, d), candidates (n, 1 + negatives). */
struct ref_relic {
	const double *fixed, *t;
	const int32_t *candidates;
	int n, d;
};
double ref_relic_loss(double terms[2], const double *o, const struct ref_relic *in,
	const struct relic_options *options);
/* softmax over image i's candidates of <anchor, pool[candidate]> / tau into p [1 + negatives] */
void ref_likelihood(double *p, const double *anchor, const double *pool, int i,
	const struct ref_relic *in, const struct relic_options *options);

void ref_lars(double *p, double *m, const double *g, const struct param_span *spans, int count,
	const struct lars_step *step);

/* d = gradient of f at x by central differences of steps h and 2 h, so that the error is of the
 * order of h^4; x is restored. */
void ref_gradient(double *d, double *x, size_t n, double h,
	double (*f)(const double *x, void *with), void *with);

#endif
