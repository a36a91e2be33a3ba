#ifndef VIEW_MATH_H
#define VIEW_MATH_H

/* The arithmetic of views on single numbers and pixels (spec 5.1), said once for all back ends:
 * plain C without branches that hinder vectors, float, values in 0..1. */

#include <math.h>

#include "host_device.h"

struct pixel {
	float r, g, b;
};

HOST_DEVICE static inline float view_clip(float x)
{
	x = x > 0.0f ? x : 0.0f;
	return x < 1.0f ? x : 1.0f;
}

/* Keys' cubic with a = -0.5 at distance x >= 0. */
HOST_DEVICE static inline float view_cubic(float x)
{
	if (x < 1.0f)
		return (1.5f * x - 2.5f) * x * x + 1.0f;
	if (x < 2.0f)
		return ((-0.5f * x + 2.5f) * x - 4.0f) * x + 2.0f;
	return 0.0f;
}

/* Output place i of `size` made from `window` inputs: taps first .. first + 3.  Pixels are squares
 * (half-pixel centres); taps outside the window weigh nothing and the others share their part.  The
 * place is (2 i + 1) window / (2 size) - 1/2 in exact integers: neither windows of many pixels nor
 * the device change it. */
HOST_DEVICE static inline void view_taps(float weight[4], int *first, int i, int window, int size)
{
	int place = (2 * i + 1) * window - size, whole = place / (2 * size),
	    rest = place % (2 * size);
	float sum = 0.0f, t;

	if (rest < 0) {
		rest += 2 * size;
		whole--;
	}
	t = (float)rest / (float)(2 * size);
	*first = whole - 1;
	for (int k = 0; k < 4; k++) {
		int inside = whole - 1 + k >= 0 && whole - 1 + k < window;

		weight[k] = inside ? view_cubic(fabsf(t + 1.0f - (float)k)) : 0.0f;
		sum += weight[k];
	}
	for (int k = 0; k < 4; k++)
		weight[k] /= sum;
}

/* weight[k] of the taps k and -k, k = 0 .. taps / 2, of a Gaussian; all taps together weigh 1.  In
 * double, so that rounding to float hides the differences between exponential functions. */
HOST_DEVICE static inline void view_blur_weights(float *weight, int taps, float sigma)
{
	double spread = 2.0 * (double)sigma * (double)sigma, sum = 0.0;

	spread = spread > 1e-12 ? spread : 1e-12;
	for (int k = -(taps / 2); k <= taps / 2; k++)
		sum += exp(-(double)k * k / spread);
	for (int k = 0; k <= taps / 2; k++)
		weight[k] = (float)(exp(-(double)k * k / spread) / sum);
}

/* Taps that weigh less than 2^-20 of the middle one may be left out: those farther than 5.26 sigma,
 * together at most 4e-6 of the weight of both directions.  The radius that is left: of the paper's
 * 23 taps at most 21 count, sigma being 2 at most, and the least, 1, below a sigma of 0.19. */
HOST_DEVICE static inline int view_blur_radius(const float *weight, int radius)
{
	while (radius > 0 && weight[radius] < 0x1p-20f * weight[0])
		radius--;
	return radius;
}

HOST_DEVICE static inline float view_brightness(float x, float delta)
{
	return view_clip(x + delta);
}

HOST_DEVICE static inline float view_contrast(float x, float mean, float factor)
{
	return view_clip((x - mean) * factor + mean);
}

HOST_DEVICE static inline float view_maximum(struct pixel p)
{
	float v = p.r > p.g ? p.r : p.g;

	return v > p.b ? v : p.b;
}

HOST_DEVICE static inline float view_minimum(struct pixel p)
{
	float v = p.r < p.g ? p.r : p.g;

	return v < p.b ? v : p.b;
}

/* HSV's S times factor, at most 1.  S scales the distances to the largest channel, so hue is not
 * needed: S' / S = min(factor, 1 / S), S = range / maximum. */
HOST_DEVICE static inline struct pixel view_saturation(struct pixel p, float factor)
{
	float v = view_maximum(p), range = v - view_minimum(p);
	float limit = v / (range > 0.0f ? range : 1.0f), k = factor > 0.0f ? factor : 0.0f;

	k = k < limit ? k : limit;
	p.r = view_clip(v - (v - p.r) * k);
	p.g = view_clip(v - (v - p.g) * k);
	p.b = view_clip(v - (v - p.b) * k);
	return p;
}

/* A channel of hue h (sixths of a turn, 0..6) at that value and range: it is full within one sixth
 * either side of its own hue and empty opposite; n turns its own hue to 2. */
HOST_DEVICE static inline float view_hue_channel(float n, float h, float v, float range)
{
	float k = n + h, w;

	k = k >= 6.0f ? k - 6.0f : k;
	w = k < 4.0f - k ? k : 4.0f - k;
	return view_clip(v - range * view_clip(w));
}

/* The shift of view_hue, sixths of a turn in 0..6, for a hue added in turns. */
HOST_DEVICE static inline float view_hue_shift(float turns)
{
	return 6.0f * (turns - floorf(turns));
}

/* HSV's H plus shift; grey stays as it is. */
HOST_DEVICE static inline struct pixel view_hue(struct pixel p, float shift)
{
	float v = view_maximum(p), range = v - view_minimum(p);
	float distance = p.r - p.g, h = 4.0f;

	h = v == p.g ? 2.0f : h;
	distance = v == p.g ? p.b - p.r : distance;
	h = v == p.r ? 0.0f : h;
	distance = v == p.r ? p.g - p.b : distance;
	h += distance / (range > 0.0f ? range : 1.0f) + shift;
	h = h < 0.0f ? h + 6.0f : h;
	h = h >= 6.0f ? h - 6.0f : h;
	p.r = view_hue_channel(5.0f, h, v, range);
	p.g = view_hue_channel(3.0f, h, v, range);
	p.b = view_hue_channel(1.0f, h, v, range);
	return p;
}

HOST_DEVICE static inline float view_grey(struct pixel p)
{
	return 0.2989f * p.r + 0.5870f * p.g + 0.1140f * p.b;
}

HOST_DEVICE static inline float view_invert(float x)
{
	return x < 0.5f ? x : 1.0f - x;
}

HOST_DEVICE static inline float view_binarise(float x)
{
	return x < 0.5f ? 0.0f : 1.0f;
}

/* Spec 3.1: channel c less its mean, over its deviation. */
HOST_DEVICE static inline float view_normalise(float x, int c)
{
	/* not an array: a GPU's registers cannot be indexed */
	float mean = c == 0 ? 0.485f : c == 1 ? 0.456f : 0.406f;
	float scale = c == 0 ? 1.0f / 0.229f : c == 1 ? 1.0f / 0.224f : 1.0f / 0.225f;

	return (x - mean) * scale;
}

#endif
