#ifndef EVAL_PROTOCOL_H
#define EVAL_PROTOCOL_H

#include "eval/encoder.h"
#include "eval/linear.h"
#include "eval/result.h"
#include "eval/subset.h"

/* The protocols: from a frozen encoder and two sets of labelled images to a result.  All are
 * collective, with the same result on any number of ranks of the same number of compute threads; -1
 * with err: the encoder's features are not finite. */

struct linear_settings {
	double epochs;
	int batch;                      /* clipped to the training images */
	double rates[LINEAR_RATES_MAX]; /* base learning rates: the peak is rate x batch / 256 */
	int rate_count;
	int holdout;  /* 1: choose the rate on training images held out; 0: on the test images */
	double share; /* of the training images that are held out, and not trained on */
	uint64_t seed;
};

/* Linear classifiers (spec 6.1), trained on random crops, tested on centre crops. */
int linear_protocol(struct result *r, const struct encoder *e, const struct subset *train,
	const struct subset *test, const struct linear_settings *settings, char err[ERR_MAX]);

struct knn_settings {
	int k[RESULT_ROWS_MAX]; /* neighbours that vote; clipped to the training images; the first
				   is reported */
	int k_count;
	double temperature;
};

/* Weighted vote of the nearest neighbours (spec 6.5), all from centre crops. */
int knn_protocol(struct result *r, const struct encoder *e, const struct subset *train,
	const struct subset *test, const struct knn_settings *settings, char err[ERR_MAX]);

#endif
