#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "comm/comm.h"
#include "data/loader.h"
#include "nn/model.h"
#include "train/state.h"
#include "views/recipe.h"

/* One training step (spec 8), as the paper's listing has it. */

/* What rank 0 decides for a step and tells all ranks before it. */
struct plan {
	int64_t step, epoch;
	double lr, ema;
	uint64_t key; /* of the negatives */
	int log, checkpoint, dump;
	int stop;   /* no step: leave with a checkpoint */
	int failed; /* no step: leave without, rank 0 says why */
};

struct step_result {
	double loss, contrastive, invariance; /* of the whole batch */
	double gradient_norm;
	int finite; /* 0: the step was not applied */
};

/* The images of a step on their way to the network. */
struct fed {
	int64_t step;
	uint64_t *ids;             /* [n] numbers of the images */
	struct view_params *views; /* (L+S, n) the numbers of their views */
};

struct step {
	const struct config *config;
	struct comm *comm;
	struct device *dev;
	struct model model;
	struct recipe recipe;
	struct state state;
	int n, total, first; /* images of this rank, of the batch; this rank's first slot */

	/* An encoder does all views of its size at once, or, where something of them is made again
	 * for the backward pass, one at a time.  small: only where recipe.small > 0. */
	struct encoder_run large, small, target;
	struct encoder_buffers buffers;
	struct heads_run heads, target_heads; /* of (L+S) views, of L */
	enum recompute recompute;             /* not AUTO */
	const struct encoder_run *held; /* recompute: the run whose activations are those of ... */
	int held_view;                  /* ... this view */

	struct fed fed[2]; /* by the step's parity: one is computed with while the next comes */
	int slot;          /* of the step under way */
	int negatives;
	int32_t *host_candidates; /* (n, 1 + negatives) */
	uint8_t *mark;
	int32_t *candidates;   /* dev */
	float *o, *length, *g; /* dev (L+S, n, d), (L+S, n), (L+S, n, d) */
	void *du;              /* dev (L+S, n, d) elements: gradient of the predictor's output */
	float *t_own, *t, *t_length; /* dev (L, n, d), (L, total, d), (L, n) */
	float *o_small, *g_small;    /* dev (S, total, d): small_mode 3 only */

	struct param_span *spans;     /* dev */
	double *report, *host_report; /* dev, host: the loss's two terms, then (spans, 3) norms */

	size_t bucket, reduced; /* floats of a bucket; gradients from here on are on their way */
};

/* What the device does for the configuration's train.recompute; not AUTO. */
enum recompute step_recompute(const struct config *c, const struct device *dev);

/* Memory for everything; batch must be divisible by the ranks; dev is connected to them. */
void step_open(struct step *s, const struct config *c, struct comm *comm, struct device *dev);
void step_close(struct step *s);

/* Give the images of a step; they must not change until it is finished (and dumped).  The next
 * step's may come while a step is under way, after step_start. */
void step_feed(struct step *s, const struct batch *batch, int64_t epoch);

/* Forward, loss and backward are asked of the device. */
void step_start(struct step *s, const struct plan *plan);

/* Wait for them; then, unless loss or gradient is not finite, the update is asked for. */
void step_finish(struct step *s, const struct plan *plan, struct step_result *result);

/* All three, whatever step the batch was of. */
void step_run(struct step *s, const struct batch *batch, const struct plan *plan,
	struct step_result *result);

/* The images of view v of the step that was started last are drawn again: dev (n, size, size, 3),
 * elements; *size is its side. */
const void *step_view(struct step *s, int v, int *size);

#endif
