#ifndef NN_PASS_H
#define NN_PASS_H

#include "nn/backend.h"
#include "nn/params.h"

/* One way of running the network: so many views of so many images of one size, trained, as a
 * target, or frozen. Opening a pass walks the network once and gives every activation its memory;
 * running it allocates nothing. */

enum pass_kind {
	PASS_TRAIN,  /* batch statistics; activations are kept for the backward pass */
	PASS_TARGET, /* batch statistics; no backward pass, so activations share a few buffers */
	PASS_FROZEN  /* running statistics, no other rank involved */
};

struct pass {
	enum pass_kind kind;
	struct device *dev;  /* connected to the other ranks, but for PASS_FROZEN */
	int groups;          /* views, each with batch statistics of its own */
	int n, total;        /* images of a view: on this rank, on all ranks */
	int size;            /* pixels a side of the input */
	int turns;           /* sets of batch statistics that are kept, at least 1 */
	const char *label;   /* what its memory is for: a constant string */
	struct pass *lender; /* a pass of the same network, no smaller: this one's activations lie
				in its memory, and whichever ran last is what can be run backward;
				NULL: memory of its own */
	float eps, decay;    /* of batch norm */
	const struct params *params;
	const struct stats *stats;

	/* Set before each run; dev buffers laid out by the tables. */
	const float *values;
	const void *weights; /* the values as elements of the device */
	float *gradients;    /* added to */
	float *running;      /* updated by each group in turn; NULL: left alone */
	const float
		*frozen; /* PASS_FROZEN: (mean, 1/deviation) where running has (mean, variance) */
	int turn;        /* which set of batch statistics this run makes or uses */
	int replay;      /* use the set as it is: the same input was run before */

	/* Memory; see pass_take. */
	struct pass_buffer *buffers;
	int buffer_count;
	double *sums; /* dev: batch-norm sums of the widest layer */
	size_t sums_length;
	float *statistics; /* dev (turns, groups * stats->length): mean and 1/deviation of each
			      layer */
};

/* The fields up to stats are the caller's to set; the rest begins as zero.  Frees all memory. */
void pass_close(struct pass *p);

/* While the pass is opened: dev memory for an activation of so many elements, and the word that its
 * last reader is planned, so that later activations may lie there (only where no backward pass
 * needs it). pass_close frees all. */
void *pass_take(struct pass *p, size_t elements);
void pass_release(struct pass *p, const void *x);

/* Elements that are never shared with another activation. */
void *pass_keep(struct pass *p, size_t elements);

/* Make room for the sums of a layer of so many channels, and for the statistics of all layers. */
void pass_reserve_sums(struct pass *p, int channels);

/* The weights of the tensor at that offset of the parameter buffer. */
static inline const void *pass_weights(const struct pass *p, size_t offset)
{
	return (const char *)p->weights + offset * p->dev->element;
}

#endif
