#ifndef NN_NORM_H
#define NN_NORM_H

#include "nn/pass.h"

/* Batch norm over the global batch, separately per view (spec 3.2): sums on each rank, all-reduced,
 * then applied. */

struct norm {
	int channels;
	size_t gamma, beta; /* offsets in the parameter buffer */
	size_t running;     /* offset in the statistics buffer */
};

struct norm_run {
	const struct norm *norm;
	size_t rows;  /* of a group: images x pixels, on this rank */
	double count; /* the same on all ranks */
};

/* Append gamma ("NAME.weight"), beta ("NAME.bias") and the statistics ("NAME"). */
void norm_declare(struct norm *l, struct params *p, struct stats *s, const char *name, int channels,
	int zero_gamma);

void norm_open(struct norm_run *r, const struct norm *l, struct pass *p, int pixels);

/* Whether the batch's statistics are to be made: by norm_statistics, of the sums of x in p->sums,
 * which norm_sums puts there, or the convolution that makes x. */
int norm_needs_sums(const struct pass *p);
void norm_sums(const struct norm_run *r, struct pass *p, const void *x);
void norm_statistics(const struct norm_run *r, struct pass *p);

/* y = gamma (x - mean) / deviation + beta [+ residual] [relu], as norm_apply makes it, or the
 * convolution that reads y; y may be x. */
struct norm_output norm_output(const struct norm_run *r, const struct pass *p, void *y,
	const void *x, const void *residual, int relu);

/* What norm_backward's sums are made of besides dy, into p->sums: by norm_backward_sums, or the
 * convolution that makes dy. */
struct norm_gradient norm_gradient(
	const struct norm_run *r, const struct pass *p, const void *y, const void *x);
void norm_backward_sums(
	const struct norm_run *r, struct pass *p, const void *dy, const void *y, const void *x);

/* After its sums, which it adds to the gradients of gamma and beta and reduces over all ranks: what
 * norm_backward makes, or the convolution that reads dx. y is the output if a relu ended the
 * forward pass, else NULL. */
struct norm_input_gradient norm_input_gradient(const struct norm_run *r, struct pass *p, void *dx,
	void *dresidual, const void *dy, const void *y, const void *x);

#endif
