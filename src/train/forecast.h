#ifndef TRAIN_FORECAST_H
#define TRAIN_FORECAST_H

#include "base/config.h"
#include "nn/tally.h"

/* What a run would need and do, before it runs: the step's own code on a device that only counts.
 */

struct forecast_options {
	const struct card *card;
	int ranks;
	int image_width, image_height; /* of a typical decoded image */
};

/* One step, not the first, on rank 0 of so many ranks with the configuration's train.batch, which
 * they divide.  Caller closes it.  NULL with err: the card cannot do it. */
struct tally *forecast(const struct config *c, const struct forecast_options *o, char err[ERR_MAX]);

/* Most images a rank that fit into so many bytes; 0: not one. */
int forecast_largest(const struct config *c, const struct forecast_options *o, double bytes);

#endif
