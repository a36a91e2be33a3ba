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

struct step {
	const struct config *config;
	struct comm *comm;
	struct device *dev;
	struct model model;
	struct recipe recipe;
	struct state state;
	int n, total, first; /* images of this rank, of the batch; this rank's first slot */

	struct model_run large, small, target; /* small: only where recipe.small > 0 */
	struct model_buffers buffers;

	struct view_params *views; /* host (L+S, n): the numbers of the views */
	int negatives;
	int32_t *host_candidates; /* (n, 1 + negatives) */
	uint8_t *mark;
	int32_t *candidates;         /* dev */
	float *o, *length, *g;       /* dev (L+S, n, d), (L+S, n), (L+S, n, d) */
	float *t_own, *t, *t_length; /* dev (L, n, d), (L, total, d), (L, n) */
	float *o_small, *g_small;    /* dev (S, total, d): small_mode 3 only */
	double *terms;               /* dev [2] */

	struct param_span *spans;   /* dev */
	double *norms, *host_norms; /* dev and host (spans, 3) */

	size_t bucket, reduced; /* floats of a bucket; gradients from here on are on their way */
};

/* Memory for everything; batch must be divisible by the ranks. */
void step_open(struct step *s, const struct config *c, struct comm *comm, struct device *dev);
void step_close(struct step *s);

/* Forward, loss, backward, and, unless loss or gradient is not finite, the update. */
void step_run(struct step *s, const struct batch *batch, const struct plan *plan,
	struct step_result *result);

#endif
