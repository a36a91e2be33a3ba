#ifndef KERNELS_CONV_ONEDNN_CPU_H
#define KERNELS_CONV_ONEDNN_CPU_H

#include "cpu.h"

/* Convolutions by oneDNN, of any shape whose output is not empty: operations as the slots of struct
 * backend have them. */

struct onednn_conv;

struct onednn_conv *onednn_open(struct cpu *cpu, const struct conv_shape *shape);
void onednn_close(struct onednn_conv *conv);

void onednn_forward(
	struct cpu *cpu, struct onednn_conv *conv, float *y, const float *x, const float *w);
void onednn_backward_data(struct cpu *cpu, struct onednn_conv *conv, float *dx, const float *dy,
	const float *w, int add);
void onednn_backward_weights(
	struct cpu *cpu, struct onednn_conv *conv, float *dw, const float *dy, const float *x);

#endif
