#ifndef WEIGHTS_FIXTURE_H
#define WEIGHTS_FIXTURE_H

#include "base/config.h"
#include "nn/params.h"
#include "train/weights.h"

/* A narrow network's tables and values, and its file. */
struct network {
	struct config c;
	struct params p;
	struct stats s;
	float *params, *stats;
	int64_t updates;
};

enum { ALL_PARTS = WEIGHTS_ENCODER | WEIGHTS_PROJECTOR | WEIGHTS_PREDICTOR };

/* Width 1/8, heads of 24 and 12; all values 0, statistics updated 3 times. */
struct network open_network(const char *arch);
void close_network(struct network *n);

/* Every value tells its place: small whole numbers and fractions, all exact. */
void fill_network(struct network *n);

void export_network(const struct network *n, const char *path, int parts);

#endif
