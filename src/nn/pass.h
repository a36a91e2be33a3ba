#ifndef NN_PASS_H
#define NN_PASS_H

#include "comm/comm.h"
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
	struct device *dev;
	struct comm *comm; /* NULL for PASS_FROZEN */
	int groups;        /* views, each with batch statistics of its own */
	int n, total;      /* images of a view: on this rank, on all ranks */
	int size;          /* pixels a side of the input */
	float eps, decay;  /* of batch norm */
	const struct params *params;
	const struct stats *stats;

	/* Set before each run; dev buffers laid out by the tables. */
	const float *values;
	float *gradients; /* added to */
	float *running;   /* updated by each group in turn; NULL: left alone */
	const float
		*frozen; /* PASS_FROZEN: (mean, 1/deviation) where running has (mean, variance) */

	/* Memory; see pass_take. */
	struct pass_buffer *buffers;
	int buffer_count;
	double *sums; /* dev: batch-norm sums of the widest layer */
	size_t sums_length;
};

/* The fields up to stats are the caller's to set; the rest begins as zero.  Frees all memory. */
void pass_close(struct pass *p);

/* While the pass is opened: dev memory for an activation, and the word that its last reader is
 * planned, so that later activations may lie there (only where no backward pass needs it).
 * pass_close frees all. */
float *pass_take(struct pass *p, size_t floats);
void pass_release(struct pass *p, const float *x);

/* Dev memory that is never shared. */
float *pass_keep(struct pass *p, size_t floats);

/* Make room for the sums of a layer of so many channels. */
void pass_reserve_sums(struct pass *p, int channels);

#endif
