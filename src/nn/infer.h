#ifndef NN_INFER_H
#define NN_INFER_H

#include <stdint.h>

#include "base/config.h"
#include "nn/backend.h"
#include "nn/params.h"

/* The encoder without training: pooled features of batches of images of one size, batch norm with
 * running statistics. */

struct infer;

/* The network of the configuration's model section, for batches of up to `batch` images of size x
 * size pixels. */
struct infer *infer_open(struct device *dev, const struct config *c, int batch, int size);
void infer_close(struct infer *f); /* NULL is fine */

/* Tables of the whole network (heads included), as a checkpoint holds them; they belong to f. */
const struct params *infer_params(const struct infer *f);
const struct stats *infer_stats(const struct infer *f);

/* Width of the features, e.g. 2048. */
int infer_width(const struct infer *f);

/* Use these values (host memory, [params->length] and [stats->length]); updates: how often the
 * running statistics were updated, 0 when they never were (then infer_calibrate must follow). */
void infer_load(struct infer *f, const float *params, const float *stats, int64_t updates);

/* Running statistics for a network that has none (random or imported without): x dev (batch, size,
 * size, 3) of each rank is run as one training batch over all ranks and its statistics are averaged
 * in.  Collective; call once a batch. */
void infer_calibrate(struct infer *f, const void *x);

/* features host (n, width) = mean-pooled encoder output of x dev (n, size, size, 3), n <= batch. */
void infer_features(struct infer *f, float *features, const void *x, int n);

#endif
