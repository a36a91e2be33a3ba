#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include "nn/model.h"
#include "train/checkpoint.h"

/* All that training changes, in device memory, in the layouts of the model's tables. */
struct state {
	struct device *dev;
	const struct params *params;
	const struct stats *stats;
	float *values, *gradients, *momentum, *target; /* dev [params->length] */
	/* dev: values and target as elements of the device, for convolutions and linear layers;
	 * values and target themselves where elements are floats */
	void *weights, *target_weights;
	float *running, *target_running; /* dev [stats->length] */
	int64_t step;                    /* done */
	int64_t updates;                 /* of the running statistics */
};

void state_open(struct state *s, struct device *dev, const struct model *m);
void state_close(struct state *s);

/* Bring weights and target_weights up to values and target. */
void state_round(struct state *s);

/* Initial weights of both networks (spec 3.1, 3.3). */
void state_init(struct state *s, const struct config *c);

/* To and from host memory, in the form of a checkpoint whose buffers are there. */
void state_save(const struct state *s, struct checkpoint *c);
void state_load(struct state *s, const struct checkpoint *c);

#endif
