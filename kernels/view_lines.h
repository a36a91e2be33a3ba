#ifndef KERNELS_VIEW_LINES_H
#define KERNELS_VIEW_LINES_H

#include <stdint.h>

#include "view_math.h"

/* The inner loops of view_cpu.c: runs of n floats, without gaps, that do not overlap.  n is a
 * multiple of LANES where it says so. */
enum { LANES = 16 };

/* Four taps of output place i: in starts at the first, in floats; 3 floats a pixel. */
struct line_taps {
	float weight[4];
	int start;
};

void line_from_bytes(float *out, const uint8_t *in, int n);

/* out = the sum of weight[k] * in[k] */
void line_mix(float *out, const float *const in[4], const float weight[4], int n);

/* n pixels of three planes from a line of pixels, by their taps; reads one float beyond the last
 * tap. */
void line_resample(float *const out[3], const float *in, const struct line_taps *taps, int n);

void line_scale_clip(float *x, float scale, int n);
void line_brightness(float *x, float delta, int n);
void line_contrast(float *x, float mean, float factor, int n);
void line_saturation(float *const x[3], float factor, int n);
void line_hue(float *const x[3], float shift, int n);
void line_grey(float *const x[3], int n); /* into x[0] */
void line_invert(float *x, int n);
void line_binarise(float *x, int n);

/* Always in the same order, whatever the vectors of the machine. */
float line_sum(const float *x, int n);

/* out[x] = the sum over k = -radius .. radius of weight[|k|] * in[x + k * step]; n: a multiple of
 * LANES. */
void line_blur(float *out, const float *in, int step, const float *weight, int radius, int n);

/* Clip, normalise, and n pixels in a row. */
void line_finish(float *out, const float *const in[3], int n);

#endif
