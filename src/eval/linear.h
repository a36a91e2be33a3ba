#ifndef EVAL_LINEAR_H
#define EVAL_LINEAR_H

#include <stdint.h>

#include "nn/backend.h"

/* Linear classifiers on frozen features, one for each of several learning rates, trained at once
 * from the same features (spec 6.1): scores = weights x + bias, truncated normal initial weights of
 * deviation 1/sqrt(width), mean cross-entropy, SGD with Nesterov momentum 0.9 as optax has it (m =
 * 0.9 m + g; step = -lr (g + 0.9 m)), no weight decay. */

enum { LINEAR_RATES_MAX = 16 };

struct linear_options {
	int width, classes;
	int rates;        /* classifiers, 1..LINEAR_RATES_MAX */
	const double *lr; /* (rates) peak learning rates, already scaled by batch / 256 */
	int batch;        /* most rows of one call */
	uint64_t seed;    /* of the initial weights, which are the same for all rates */
};

struct linear;

struct linear *linear_open(struct device *dev, const struct linear_options *options);
void linear_close(struct linear *l); /* NULL is fine */

/* One step at `share` of the peak rates from x host (n, width) and labels 0..classes-1; loss
 * (rates) is the mean cross-entropy of each classifier before the step. */
void linear_step(
	struct linear *l, double *loss, const float *x, const int32_t *labels, int n, double share);

/* scores host (n, rates, classes) of x host (n, width). */
void linear_scores(struct linear *l, float *scores, const float *x, int n);

/* How many classes come before the label: those of a higher score, and of the same score and a
 * lower number; a score that is not a number is after all others. */
int linear_place(const float *scores, int classes, int label);

/* Weights of one classifier, host (classes, width + 1): the last column is the bias. */
void linear_get(struct linear *l, int rate, float *weights);
void linear_set(struct linear *l, int rate, const float *weights);

#endif
