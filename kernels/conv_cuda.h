#ifndef KERNELS_CONV_CUDA_H
#define KERNELS_CONV_CUDA_H

#include "cuda_device.h"

/* Between the files of the convolutions by cuDNN. */

enum conv_pass { CONV_FORWARD, CONV_DATA, CONV_WEIGHTS, CONV_PASSES };

/* How one pass is computed, once it is chosen. */
struct conv_way {
	cudnnConvolutionDescriptor_t conv; /* each pass its own: it holds the kind of arithmetic */
	int algorithm;                     /* cuDNN's number within the pass; -1: none will do */
	size_t workspace;                  /* bytes */
};

/* What is asked for all three passes of one shape. */
struct conv {
	struct conv *next;
	struct conv_shape shape;
	int h, w; /* of the input as cuDNN sees it: ours, or padded where padding is asymmetric */
	int chosen;
	cudnnTensorDescriptor_t x, y;
	cudnnFilterDescriptor_t filter;
	struct conv_way ways[CONV_PASSES];
};

/* Choose the algorithms of all passes, and log them. */
void conv_choose(struct cuda *cuda, struct conv *conv);

/* The name of a pass. */
const char *conv_pass_name(enum conv_pass pass);

/* A window moved over images: out (n, out_h, out_w), in (n, in_h, in_w), pixels of `pixel` bytes (a
 * multiple of 2): out[y][x] = in[y - down][x - right], zero where there is none. */
struct conv_window {
	int n, out_h, out_w, in_h, in_w;
	int down, right;
	size_t pixel;
};

#ifdef __cplusplus
extern "C" {
#endif

void conv_window_cuda(
	struct cuda *cuda, void *out, const void *in, const struct conv_window *window);

/* out += the same; pixels are the device's elements */
void conv_add_window_cuda(
	struct cuda *cuda, void *out, const void *in, const struct conv_window *window);

/* y += x; n floats, bfloat16s */
void conv_accumulate_cuda(struct cuda *cuda, float *y, const void *x, size_t n);

#ifdef __cplusplus
}
#endif

#endif
