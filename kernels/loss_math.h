#ifndef KERNELS_LOSS_MATH_H
#define KERNELS_LOSS_MATH_H

#include <math.h>

#include "host_device.h"
#include "nn/backend.h"

/* The loss of one image, from its logits to the loss's gradient by them (spec 2.3, 2.4); all in
 * double. A row is a distribution over the image's candidates: log-likelihoods, and the gradient by
 * its logits (times tau N pairs), to which every term of the loss adds its own.
 *
 * On a GPU the lanes of a warp call these functions together; candidate k of any row is lane k %
 * RELIC_LANES's alone, until they have all returned, and sums over candidates are over lanes too.
 * There a .cu file defines the RELIC_ macros; here is what they are for one thread. */
#ifndef RELIC_LANES
#define RELIC_LANES 1
#define RELIC_LANE 0
#define RELIC_SUM(x) (x)
#define RELIC_MAX(x) (x)
#define RELIC_FUNCTION static inline
#endif

struct relic_row {
	double *logp, *w; /* [count] */
};

/* The rows of one image, (L+S, L, count): P of online view a against target view b; for mode 3 also
 * (S, L, count): Q of target view b against online small view s. */
struct relic_rows {
	double *logp, *w;
	double *logq, *wq; /* mode 3, else NULL */
	double *mean;      /* mode 4: [count] of scratch */
	int count;         /* candidates */
};

HOST_DEVICE static inline struct relic_row relic_row_at(double *logp, double *w, int row, int count)
{
	struct relic_row r;

	r.logp = logp + (size_t)row * (size_t)count;
	r.w = w + (size_t)row * (size_t)count;
	return r;
}

/* P of online view a, target view b */
HOST_DEVICE static inline struct relic_row relic_p(
	const struct relic_rows *rows, const struct relic_options *o, int a, int b)
{
	return relic_row_at(rows->logp, rows->w, a * o->large + b, rows->count);
}

/* Number of (online view, target view) pairs that the loss is the mean of. */
HOST_DEVICE static inline int relic_pairs(const struct relic_options *o)
{
	return (o->large + o->small) * o->large - (o->diagonal ? 0 : o->large);
}

/* Logits to log-likelihoods, in place. */
RELIC_FUNCTION void relic_log_softmax(double *row, int count)
{
	double top = -INFINITY, sum = 0, shift;

	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		top = row[k] > top ? row[k] : top;
	top = RELIC_MAX(top);
	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		sum += exp(row[k] - top);
	shift = top + log(RELIC_SUM(sum));
	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		row[k] -= shift;
}

/* -log p of the positive, candidate 0 */
RELIC_FUNCTION double relic_contrast(struct relic_row p, int count, double weight)
{
	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		p.w[k] += weight * (exp(p.logp[k]) - (k == 0 ? 1 : 0));
	return -p.logp[0];
}

RELIC_FUNCTION double relic_kl(const double *first, const double *second, int count)
{
	double sum = 0;

	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		sum += exp(first[k]) * (first[k] - second[k]);
	return RELIC_SUM(sum);
}

/* KL(first || second): its gradient by the second's logits */
RELIC_FUNCTION void relic_kl_second(
	double *w, const double *first, const double *second, int count, double weight)
{
	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		w[k] += weight * (exp(second[k]) - exp(first[k]));
}

/* ... by the first's */
RELIC_FUNCTION void relic_kl_first(
	double *w, const double *first, const double *second, int count, double weight)
{
	double kl = relic_kl(first, second, count);

	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		w[k] += weight * exp(first[k]) * (first[k] - second[k] - kl);
}

/* ... by the first's when its entropy is held */
RELIC_FUNCTION void relic_kl_first_cross(
	double *w, const double *first, const double *second, int count, double weight)
{
	double mean = 0;

	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		mean += exp(first[k]) * second[k];
	mean = RELIC_SUM(mean);
	for (int k = RELIC_LANE; k < count; k += RELIC_LANES)
		w[k] -= weight * exp(first[k]) * (second[k] - mean);
}

/* The invariance term of a student against a teacher.  The teacher gets a gradient only where the
 * gradient is stopped at the entropy alone, and only if it has weights (w not NULL). */
RELIC_FUNCTION double relic_invariance(struct relic_row student, struct relic_row teacher,
	const struct relic_options *o, int count)
{
	double weight = o->invariance;
	struct relic_row first = o->reverse ? student : teacher;
	struct relic_row second = o->reverse ? teacher : student;

	if (o->entropy_stop) {
		if (first.w)
			relic_kl_first_cross(first.w, first.logp, second.logp, count, weight);
		if (second.w)
			relic_kl_second(second.w, first.logp, second.logp, count, weight);
	} else if (o->reverse) {
		relic_kl_first(student.w, student.logp, teacher.logp, count, weight);
	} else {
		relic_kl_second(student.w, teacher.logp, student.logp, count, weight);
	}
	return relic_kl(first.logp, second.logp, count);
}

/* Mode 4's teacher for target view b: the mean of P over the other large views, as logarithms. */
RELIC_FUNCTION void relic_mean(
	double *mean, const struct relic_rows *rows, const struct relic_options *o, int b)
{
	for (int k = RELIC_LANE; k < rows->count; k += RELIC_LANES) {
		double top = -INFINITY, sum = 0;

		for (int a = 0; a < o->large; a++)
			if (a != b)
				top = fmax(top, relic_p(rows, o, a, b).logp[k]);
		for (int a = 0; a < o->large; a++)
			if (a != b)
				sum += exp(relic_p(rows, o, a, b).logp[k] - top);
		mean[k] = top + log(sum / (o->large - 1));
	}
}

/* Derivative of the term by the mean's element k, times element k of p, one of those it is the mean
 * of. */
RELIC_FUNCTION double relic_mean_part(
	const double *p, const double *mean, const double *student, int k, int reverse)
{
	return reverse ? -exp(student[k] + p[k] - mean[k]) : -exp(p[k]) * student[k];
}

/* Mode 4 with the gradient stopped at the entropy alone: what the views of the mean get. */
RELIC_FUNCTION void relic_mean_gradient(
	const struct relic_rows *rows, const double *student, const struct relic_options *o, int b)
{
	double weight = o->invariance / (o->large - 1);

	for (int a = 0; a < o->large; a++) {
		struct relic_row p = relic_p(rows, o, a, b);
		double sum = 0;

		if (a == b)
			continue;
		for (int k = RELIC_LANE; k < rows->count; k += RELIC_LANES)
			sum += relic_mean_part(p.logp, rows->mean, student, k, o->reverse);
		sum = RELIC_SUM(sum);
		for (int k = RELIC_LANE; k < rows->count; k += RELIC_LANES) {
			double part = relic_mean_part(p.logp, rows->mean, student, k, o->reverse);

			p.w[k] += weight * (part - exp(p.logp[k]) * sum);
		}
	}
}

/* The invariance term of small view s against target view b, by options.small_mode. */
RELIC_FUNCTION double relic_small(
	const struct relic_rows *rows, const struct relic_options *o, int s, int b)
{
	struct relic_row p = relic_p(rows, o, o->large + s, b), own = relic_p(rows, o, b, b), mean;

	switch (o->small_mode) {
	case 1:
		return relic_invariance(p, own, o, rows->count);
	case 2:
		return relic_invariance(own, p, o, rows->count);
	case 3:
		return relic_invariance(
			relic_row_at(rows->logq, rows->wq, s * o->large + b, rows->count), p, o,
			rows->count);
	case 4:
		relic_mean(rows->mean, rows, o, b);
		if (o->entropy_stop)
			relic_mean_gradient(rows, p.logp, o, b);
		mean.logp = rows->mean;
		mean.w = 0;
		return relic_invariance(p, mean, o, rows->count);
	default:
		return 0;
	}
}

/* All pairs of one image: adds to the rows' w (zero before) and to terms [2], unweighted sums over
 * the pairs. */
RELIC_FUNCTION void relic_image(
	double *terms, const struct relic_rows *rows, const struct relic_options *o)
{
	for (int a = 0; a < o->large + o->small; a++)
		for (int b = 0; b < o->large; b++) {
			if (a == b && !o->diagonal)
				continue;
			terms[0] +=
				relic_contrast(relic_p(rows, o, a, b), rows->count, o->contrast);
			terms[1] += a < o->large ? relic_invariance(relic_p(rows, o, a, b),
							   relic_p(rows, o, b, a), o, rows->count)
						 : relic_small(rows, o, a - o->large, b);
		}
}

#endif
