#ifndef RELIC_BATCH_H
#define RELIC_BATCH_H

#include "kernel.h"

/* A batch in the device's memory, and what the kernel makes of it. */
struct relic_case {
	struct relic_options options;
	int n, d;
	float *o, *t, *g, *g_small;
	int32_t *candidates;
	double terms[2];
};

/* Unit vectors and candidates of n images; all in buffers of the case. */
void relic_make(struct relic_case *b, const struct relic_options *options, int n, int d);

/* Number of floats of o and g. */
size_t relic_online(const struct relic_case *b);

/* Sets g and terms: runs the shares of so many ranks one after another and adds them up as the
 * ranks would. */
void relic_run(struct device *dev, struct relic_case *b, int ranks);

#endif
