#ifndef EVAL_SUBSET_H
#define EVAL_SUBSET_H

#include <stdint.h>

#include "base/die.h"
#include "data/dataset.h"

/* The images of a data set that an evaluation uses.  An image of several labels counts for its
 * first. */
struct subset {
	const struct dataset *data; /* not owned */
	uint64_t *images;           /* (count) ascending */
	uint64_t count;
};

/* All images that have a label; says how many have none.  Error: none has. */
int subset_labelled(struct subset *s, const struct dataset *d, char err[ERR_MAX]);
void subset_free(struct subset *s);

/* Deal the images of all: a share of them, drawn by the seed, to held, the others to rest; at least
 * one to each. */
int subset_split(struct subset *rest, struct subset *held, const struct subset *all, double share,
	uint64_t seed, char err[ERR_MAX]);

/* Both data sets have the same classes; err names the first that differs. */
int subset_same_classes(const struct dataset *train, const struct dataset *test, char err[ERR_MAX]);

#endif
