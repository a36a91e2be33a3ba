#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "base/config.h"
#include "nn/head.h"
#include "nn/params.h"
#include "nn/resnet.h"

/* The whole network (spec 3): encoder, projector, predictor.  The online network uses all three,
 * the target network the first two. */

struct model {
	struct resnet encoder;
	struct head projector, predictor;
	struct params params;
	struct stats stats;
};

/* 0 if the configuration names a network we have, else -1 with err. */
int model_check(const struct config *c, char err[ERR_MAX]);

void model_init(struct model *m, const struct config *c);
void model_free(struct model *m);

/* Only the tables of its parameters and running statistics; free them with params_free and
 * stats_free. */
void model_tables(const struct config *c, struct params *p, struct stats *s);

/* A network at work in one pass. */
struct model_run {
	struct pass pass;
	const struct model *model;
	struct resnet_run encoder;
	struct head_run projector, predictor; /* the predictor only in PASS_TRAIN */
	void *input; /* dev (groups n, size, size, 3); owned unless it was given or is the pass's */
	int owns_input;
	void *output; /* dev (groups n, out): of the predictor, or of the projector in PASS_TARGET;
			  not normalised */
};

/* pass holds kind, dev, groups, n, total, size, turns, label, lender, early, recompute; the rest is
 * filled in.  input NULL: memory of its own, or of an early pass's lender. */
void model_open(struct model_run *r, const struct model *m, const struct config *c,
	const struct pass *pass, void *input);
void model_close(struct model_run *r);

/* Set pass.values and weights (and running, frozen, turn, replay) first. PASS_FROZEN ends with
 * encoder.features. */
void model_forward(struct model_run *r);

/* Buffers that the backward passes of several runs share. */
struct model_buffers {
	void *gradient[GRADIENT_BUFFERS];
	void *hidden, *features, *projection; /* dev: gradients between the parts */
};
void model_buffers_open(struct model_buffers *b, struct device *dev,
	const struct model_run *const *runs, int count);
void model_buffers_close(struct model_buffers *b, struct device *dev);

/* From doutput (groups n, out), adding to pass.gradients; done as in resnet_backward. */
void model_backward(struct model_run *r, struct model_buffers *b, const void *doutput,
	void (*done)(void *arg, size_t offset), void *arg);

#endif
