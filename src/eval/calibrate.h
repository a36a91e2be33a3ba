#ifndef EVAL_CALIBRATE_H
#define EVAL_CALIBRATE_H

#include <stdint.h>

#include "eval/features.h"

/* Take the running statistics of the encoder from centre crops of up to 2,048 images of the set,
 * drawn by the seed.  Every rank encodes the same images, so that the statistics do not depend on
 * the number of ranks. */
void calibrate(const struct encoder *e, const struct subset *set, uint64_t seed);

#endif
