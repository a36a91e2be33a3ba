#ifndef EVAL_FEATURES_H
#define EVAL_FEATURES_H

#include <stdint.h>

#include "eval/encoder.h"
#include "eval/subset.h"

/* Pooled features of the images of a subset, batch after batch, made by all ranks together and
 * given to all. The images of a batch are encoded in pieces of ENCODER_PIECE, and a piece holds the
 * same images on any number of ranks: so do its features, bit for bit. */

enum { FEATURES_BATCH = 512 /* most images of a batch of a single pass */ };

/* steps 0, a single pass: every image once, in order, by its centre.  Else training: so many
 * batches of `batch` random crops and flips, each epoch in an order of its own. */
struct feature_options {
	const struct subset *set;
	int64_t steps;
	int batch; /* at most set->count; a single pass chooses for itself */
	uint64_t seed;
};

/* An image that cannot be read has the label -1 in a single pass; in training another stands in. */
struct feature_batch {
	int count;
	const float *x;        /* (count, width) */
	const int32_t *labels; /* (count) */
};

struct feature_stream;

struct feature_stream *features_open(const struct encoder *e, const struct feature_options *o);
void features_close(struct feature_stream *s); /* also in the middle; NULL is fine */

/* 1 and the next batch, which is valid until the next call; 0 after the last; -1: a feature is not
 * finite, or the job has been asked to end (the encoder's stop). Collective, with the same result
 * on all ranks. */
int features_next(struct feature_stream *s, struct feature_batch *b, char err[ERR_MAX]);

/* Batches of the whole stream. */
int64_t features_steps(const struct feature_stream *s);

#endif
