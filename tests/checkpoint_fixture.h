#ifndef CHECKPOINT_FIXTURE_H
#define CHECKPOINT_FIXTURE_H

#include "train/checkpoint.h"

/* The tables of a network of a few tensors (of every kind of shape), `scale` times as large as the
 * smallest. */
void fixture_tables(struct params *p, struct stats *s, int scale);

/* A state whose every value is a function of step and place. */
void fixture_fill(
	struct checkpoint *c, const struct params *p, const struct stats *s, int64_t step);

/* 1 if the state is that of its step. */
int fixture_holds(const struct checkpoint *c, const struct params *p, const struct stats *s);

#endif
