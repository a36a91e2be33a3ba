#ifndef EVAL_KNN_H
#define EVAL_KNN_H

#include <stdint.h>

#include "comm/comm.h"
#include "nn/backend.h"

/* Nearest neighbours by cosine among labelled features that are dealt to the ranks in blocks, and
 * their weighted vote (spec 6.5). The search is exact, and its result the same on any number of
 * ranks: a block is multiplied as it was added, wherever it lies. */

struct neighbour {
	float similarity; /* cosine; -infinity where there is none */
	int32_t label;    /* -1 where there is none */
	int64_t row;      /* number among the rows added */
};

struct knn_options {
	int width;
	int k;     /* neighbours found */
	int block; /* most rows of one call of add or find */
};

struct knn;

struct knn *knn_open(struct device *dev, struct comm *comm, const struct knn_options *options);
void knn_close(struct knn *knn); /* NULL is fine */

/* Add n rows of features host (n, width); rows of a label below 0 are left out (but counted in
 * neighbour.row).  All ranks give the same rows; block number b stays on rank b mod size. */
void knn_add(struct knn *knn, const float *features, const int32_t *labels, int n);

/* found (n, k): for each row of features host (n, width) its nearest, nearest first; of equals the
 * one added first. Collective: all ranks give the same rows and get the same. */
void knn_find(struct knn *knn, struct neighbour *found, const float *features, int n);

/* votes (classes): sum of exp((similarity - 1) / temperature) over the first k neighbours of each
 * class. */
void knn_vote(double *votes, int classes, const struct neighbour *found, int k, double temperature);

/* How many classes come before the label: those of more votes, and of the same votes and a lower
 * number.  A label without any vote is after all classes. */
int knn_place(const double *votes, int classes, int label);

#endif
