#ifndef NN_HEAD_H
#define NN_HEAD_H

#include "nn/norm.h"

/* Projector and predictor (spec 3.3): Linear with bias, batch norm, relu, Linear without bias. */

struct head {
	char name[PARAM_NAME_MAX];
	int in, hidden, out;
	size_t weight1, bias1, weight2; /* offsets in the parameter buffer: (hidden, in), (hidden),
					   (out, hidden) */
	struct norm norm;
	size_t first; /* offset of its first parameter */
};

struct head_run {
	const struct head *head;
	struct norm_run norm;
	const void *x;        /* dev (groups n, in) */
	void *z, *hidden, *y; /* dev (groups n, hidden), the same, (groups n, out) */
};

/* Append the tensors, names beginning with "NAME.". */
void head_declare(struct head *h, struct params *p, struct stats *s, const char *name, int in,
	int hidden, int out);

void head_open(struct head_run *r, const struct head *h, struct pass *p, const void *x);
void head_forward(struct head_run *r, struct pass *p);

/* dx from dy; dhidden is dev scratch (groups n, hidden). */
void head_backward(struct head_run *r, struct pass *p, void *dx, const void *dy, void *dhidden);

#endif
