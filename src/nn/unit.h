#ifndef NN_UNIT_H
#define NN_UNIT_H

#include "base/config.h"
#include "nn/norm.h"

/* A convolution and its batch norm, y = norm(conv(x)) [+ residual] [relu]: what residual networks
 * are made of. */

struct unit {
	char name[PARAM_NAME_MAX]; /* of the convolution */
	int in, out, kernel, stride, relu;
	int remade; /* its convolution costs little beside its output's memory, of one turn only: a
		       replay makes it again */
	enum padding padding;
	size_t weight; /* offset in the parameter buffer */
	struct norm norm;
};

struct unit_run {
	const struct unit *unit;
	struct conv *conv;
	struct norm_run norm;
	int x_height, x_width, height, width; /* of input and output */
	const void *x;                        /* dev (groups n, x_height, x_width, in) */
	/* dev (groups n, height, width, out): the convolution's output (see pass_of_turn), in the
	 * backward pass then its gradient; the unit's */
	void *z, *y;
	const void *residual; /* NULL, or what is added to it */
};

/* Padding before and after so that out = ceil(in / stride): symmetric as torchvision's, or
 * TensorFlow's "same". */
void unit_padding(int *before, int *after, int in, int kernel, int stride, enum padding padding);

/* Append the weights ("CONV.weight") and the norm's tensors; the other fields of u are set by the
 * caller. */
void unit_declare(struct unit *u, struct params *p, struct stats *s, const char *conv,
	const char *norm, int zero_gamma);

/* x (height, width as given) is the input's memory.  Takes memory for z and y, which the caller may
 * release; last: y is needed longer than the units before it, by the next block. */
void unit_open(struct unit_run *r, const struct unit *u, struct pass *p, const void *x, int height,
	int width, int last);
void unit_close(struct unit_run *r, struct pass *p);

/* z, unless a replay finds it there; y is left to the unit above, or unit_apply.  below, unless
 * NULL: the unit whose y, which is x, is made first. */
void unit_forward(struct unit_run *r, struct pass *p, const struct unit_run *below);

/* y from z of this turn, for the first time or again. */
void unit_apply(const struct unit_run *r, struct pass *p);

/* The sums that unit_backward_norm needs, of dy = the gradient of y; or the convolution that makes
 * dy makes them. */
void unit_backward_sums(const struct unit_run *r, struct pass *p, const void *dy);

/* After its sums: what makes, from dy = the gradient of y, that of z in the place of z and, unless
 * NULL, dresidual (may be dy): unit_backward_norm, or unit_backward_conv. */
struct norm_input_gradient unit_gradient(
	const struct unit_run *r, struct pass *p, void *dresidual, const void *dy);
void unit_backward_norm(struct pass *p, const struct norm_input_gradient *dz);

/* The gradient of z if dz is not NULL, else it is there; from it those of x, unless dx is NULL, and
 * of the weights; add: added to dx, which may be the dy of dz.  below, unless NULL: the unit whose
 * y is x, whose sums dx is made with. */
void unit_backward_conv(const struct unit_run *r, struct pass *p, void *dx, int add,
	const struct unit_run *below, const struct norm_input_gradient *dz);

/* Elements of y. */
size_t unit_output(const struct unit_run *r, const struct pass *p);

#endif
