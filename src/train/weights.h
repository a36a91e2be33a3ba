#ifndef TRAIN_WEIGHTS_H
#define TRAIN_WEIGHTS_H

#include <stdint.h>

#include "base/config.h"
#include "base/die.h"
#include "nn/params.h"
#include "train/safetensors.h"

/* Weights as other programs know them: names and layouts of torchvision's ResNets for the encoder,
 * without the prefix "encoder."; heads keep theirs.  Convolutions are (k, c, r, r) there and (k, r,
 * r, c) here. Running statistics are plain means and biased variances there, hidden averages here
 * (nn/params.h). */

/* After an import the statistics count as the averages of so many updates that 1 - decay^updates is
 * exactly 1 for every decay: hidden averages and plain values are then the same, bit for bit. */
#define WEIGHTS_UPDATES_IMPORTED ((int64_t)1 << 40)

enum weights_part { WEIGHTS_ENCODER = 1, WEIGHTS_PROJECTOR = 2, WEIGHTS_PREDICTOR = 4 };

struct weights {
	const struct params *p;
	const struct stats *s;
	const float *params, *stats; /* [p->length], [s->length] */
	int64_t updates; /* of the statistics; 0: means of 0 and variances of 1 are given out */
	double decay;
};

/* Append the tensors of some parts (weights_part, added up) to f. */
void weights_add(struct safetensors *f, const struct weights *w, int parts);

/* Record in f's metadata what cannot be seen from the tensors: arch, width, stem, padding, program.
 */
void weights_describe(struct safetensors *f, const struct config *c);

/* Put the weights of a safetensors file into host buffers params [p->length] and stats [s->length]
 * of the network that c describes (p and s are its tables).  The whole encoder must be there;
 * projector and predictor are taken if the file has them (each whole), else left as they are; a
 * classifier (fc.*) is passed over with a remark, and so are heads that the network does not have.
 * Statistics of layers that the file does not hold become mean 0, variance 1. *updates becomes
 * WEIGHTS_UPDATES_IMPORTED; or 0, and stats 0, for a file whose statistics were never updated. -1
 * with err: not a safetensors file, or the first tensor that is missing, unknown, of another type
 * or shape, or holds a value that is not finite; params and stats are then undefined. */
int weights_load_encoder(const char *path, const struct config *c, const struct params *p,
	const struct stats *s, float *params, float *stats, int64_t *updates, char err[ERR_MAX]);

#endif
