#ifndef TRAIN_WEIGHTS_H
#define TRAIN_WEIGHTS_H

#include <stdint.h>

#include "base/config.h"
#include "nn/params.h"

/* Put the encoder of a safetensors file (torchvision's names and layouts) into host buffers laid out by the tables; what the
 * file does not hold (heads, statistics) stays.  *updates becomes such that the running statistics divide back (spec 3.2).
 * err names file and tensor: missing, unknown, of another shape. */
int weights_load_encoder(const char *path, const struct config *c, const struct params *p, const struct stats *s, float *params,
	float *stats, int64_t *updates, char err[ERR_MAX]);

#endif
