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

/* The same input was run before, in the same turn: use its batch statistics as they are. */
enum replay {
	REPLAY_NOT,
	REPLAY_ALL,    /* all else is made again */
	REPLAY_OUTPUTS /* outputs of convolutions are there by turn, but for the first shortcut's:
			  make what follows them again */
};

struct pass {
	enum pass_kind kind;
	struct device *dev;       /* connected to the other ranks, but for PASS_FROZEN */
	int groups;               /* views, each with batch statistics of its own */
	int counted;              /* the first so many of them update running statistics */
	int n, total;             /* images of a view: on this rank, on all ranks */
	int size;                 /* pixels a side of the input */
	int turns;                /* sets of batch statistics that are kept, at least 1 */
	const char *label;        /* what its memory is for: a constant string */
	struct pass *lender;      /* a pass whose activations, but for those kept by turn, may be
				     overwritten when this one runs; NULL: memory of its own */
	int early;                /* it runs before the lender's turns: those kept by turn, too */
	enum recompute recompute; /* PASS_TRAIN: what is not kept for the backward pass; not AUTO */
	float eps, decay;         /* of batch norm */
	const struct params *params;
	const struct stats *stats;

	/* Set before each run; dev buffers laid out by the tables. */
	const float *values;
	const void *weights; /* the values as elements of the device */
	float *gradients;    /* added to */
	float *running;      /* updated by each group that is counted, in turn */
	const float
		*frozen; /* PASS_FROZEN: (mean, 1/deviation) where running has (mean, variance) */
	int turn;        /* which set of batch statistics this run makes or uses */
	enum replay replay;

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

/* First of all, once: the lender's memory, if there is one, is this pass's to use as well. */
void pass_borrow(struct pass *p);

/* While the pass is opened: dev memory for an activation of so many elements, and the word that its
 * last reader is planned, so that later activations may lie there: nothing happens where the
 * backward pass needs it and does not make it again. pass_close frees all. */
void *pass_take(struct pass *p, size_t elements);
void pass_release(struct pass *p, const void *x);

/* Activations of the next block follow, which the backward pass is done with before it comes to
 * those so far. */
void pass_next_block(struct pass *p);

/* Elements that the backward pass finds as they are: shared with released activations of earlier
 * blocks only. */
void *pass_keep(struct pass *p, size_t elements);

/* Elements of each turn, where the backward pass finds them although other turns ran since
 * (RECOMPUTE_OUTPUTS; else those of one turn).  pass_of_turn is those of this turn. */
void *pass_keep_turns(struct pass *p, size_t elements);
void *pass_of_turn(const struct pass *p, void *x, size_t elements);

/* Whether only the inputs of blocks and what is kept by turn outlast the forward pass. */
int pass_is_lean(const struct pass *p);

/* Make room for the sums of a layer of so many channels, and for the statistics of all layers. */
void pass_reserve_sums(struct pass *p, int channels);

/* The weights of the tensor at that offset of the parameter buffer. */
static inline const void *pass_weights(const struct pass *p, size_t offset)
{
	return (const char *)p->weights + offset * p->dev->element;
}

#endif
