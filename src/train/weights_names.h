#ifndef TRAIN_WEIGHTS_NAMES_H
#define TRAIN_WEIGHTS_NAMES_H

#include <stdint.h>

#include "base/config.h"
#include "nn/params.h"
#include "train/weights.h"

/* For weights.c and weights_load.c only: how a tensor is called and laid out here and there. */

enum { WEIGHTS_NAME_BYTES = PARAM_NAME_MAX + 32 };

/* What the others keep of the statistics of a layer. */
enum weights_statistic { WEIGHTS_MEAN, WEIGHTS_VARIANCE, WEIGHTS_BATCHES, WEIGHTS_STATISTICS };

/* The configuration's word for what it holds as a number. */
const char *weights_stem(const struct config *c);
const char *weights_padding(const struct config *c);

/* The part of the network that a name, ours or theirs, begins with; 0: none (theirs: of the
 * encoder, or unknown). */
int weights_part_of(const char *name);

/* Our name -> theirs; points into name. */
const char *weights_outer_name(const char *name);

/* Writes and returns "bn1.running_mean" ... */
const char *weights_statistic_name(
	char name[WEIGHTS_NAME_BYTES], const struct norm_stat *s, enum weights_statistic which);

/* Shape [p->dims] of the tensor as others see it: (k, r, r, c) is (k, c, r, r) there. */
void weights_outer_shape(int64_t shape[4], const struct param *p);

/* Our layout -> theirs, and theirs -> ours; p->count floats. */
void weights_copy_out(float *out, const float *in, const struct param *p);
void weights_copy_in(float *out, const float *in, const struct param *p);

#endif
