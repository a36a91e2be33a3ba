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

/* The encoder at work in one pass. */
struct encoder_run {
	struct pass pass;
	struct resnet_run resnet;
	void *input; /* dev (groups n, size, size, 3); owned unless it was given or is the pass's */
	int owns_input;
};

/* pass holds kind, dev, groups, counted, n, total, size, turns, label, lender, early, recompute;
 * the rest is filled in.  input NULL: memory of its own, or of an early pass's lender. */
void encoder_run_open(struct encoder_run *r, const struct model *m, const struct config *c,
	const struct pass *pass, void *input);
void encoder_run_close(struct encoder_run *r);

/* features: dev (groups n, features), elements.  Set pass.values and weights (and running, frozen,
 * turn, replay) first. */
void encoder_run_forward(struct encoder_run *r, void *features);

/* Buffers that the backward passes of several runs share. */
struct encoder_buffers {
	void *gradient[GRADIENT_BUFFERS];
};
void encoder_buffers_open(struct encoder_buffers *b, struct device *dev,
	const struct encoder_run *const *runs, int count);
void encoder_buffers_close(struct encoder_buffers *b, struct device *dev);

/* From dfeatures, adding to pass.gradients; done as in resnet_backward. */
void encoder_run_backward(struct encoder_run *r, struct encoder_buffers *b, const void *dfeatures,
	void (*done)(void *arg, size_t offset), void *arg);

/* Projector and predictor at work on the features of all views at once, of whatever size these are:
 * what weights cost is paid once, and all that is kept for the backward pass is small. */
struct heads_run {
	struct pass pass;
	struct head_run projector, predictor; /* the predictor only in PASS_TRAIN */
	void *features; /* dev (groups n, features), elements: filled by the caller */
	void *output;   /* dev (groups n, out): of the predictor, or of the projector in
			   PASS_TARGET; not normalised */
	void *dfeatures, *dprojection, *dhidden; /* PASS_TRAIN: gradients */
};

/* pass as above, without size, lender, early and recompute; all memory is the pass's. */
void heads_open(struct heads_run *r, const struct model *m, const struct config *c,
	const struct pass *pass);
void heads_close(struct heads_run *r);
void heads_forward(struct heads_run *r);

/* dfeatures from doutput (groups n, out), adding to pass.gradients; done as in resnet_backward. */
void heads_backward(struct heads_run *r, const void *doutput,
	void (*done)(void *arg, size_t offset), void *arg);

#endif
