/* view_lines.c - the inner loops of views, for the compiler to vectorise. */
#include "base/clones.h"

#include "view_lines.h"

/* Four floats from anywhere: one pixel and the next one's red. */
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

CLONES void line_from_bytes(float *restrict out, const uint8_t *restrict in, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		out[i] = in[i];
}

CLONES void line_mix(float *restrict out, const float *const in[4], const float weight[4], int n)
{
	const float *a = in[0], *b = in[1], *c = in[2], *d = in[3];
	const float wa = weight[0], wb = weight[1], wc = weight[2], wd = weight[3];

#pragma omp simd
	for (int i = 0; i < n; i++)
		out[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
}

CLONES void line_resample(float *const out[3], const float *in, const struct line_taps *taps, int n)
{
	float *restrict r = out[0], *restrict g = out[1], *restrict b = out[2];

	for (int i = 0; i < n; i++) {
		const float *p = in + taps[i].start, *w = taps[i].weight;
		quad sum = *(const quad *)p * w[0] + *(const quad *)(p + 3) * w[1] +
			*(const quad *)(p + 6) * w[2] + *(const quad *)(p + 9) * w[3];

		r[i] = sum[0];
		g[i] = sum[1];
		b[i] = sum[2];
	}
}

CLONES void line_scale_clip(float *restrict x, float scale, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		x[i] = view_clip(x[i] * scale);
}

CLONES void line_brightness(float *restrict x, float delta, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		x[i] = view_brightness(x[i], delta);
}

CLONES void line_contrast(float *restrict x, float mean, float factor, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		x[i] = view_contrast(x[i], mean, factor);
}

CLONES void line_saturation(float *const x[3], float factor, int n)
{
	float *restrict r = x[0], *restrict g = x[1], *restrict b = x[2];

#pragma omp simd
	for (int i = 0; i < n; i++) {
		struct pixel p = { r[i], g[i], b[i] };

		p = view_saturation(p, factor);
		r[i] = p.r;
		g[i] = p.g;
		b[i] = p.b;
	}
}

CLONES void line_hue(float *const x[3], float shift, int n)
{
	float *restrict r = x[0], *restrict g = x[1], *restrict b = x[2];

#pragma omp simd
	for (int i = 0; i < n; i++) {
		struct pixel p = { r[i], g[i], b[i] };

		p = view_hue(p, shift);
		r[i] = p.r;
		g[i] = p.g;
		b[i] = p.b;
	}
}

CLONES void line_grey(float *const x[3], int n)
{
	float *restrict r = x[0], *restrict g = x[1], *restrict b = x[2];

#pragma omp simd
	for (int i = 0; i < n; i++) {
		struct pixel p = { r[i], g[i], b[i] };

		r[i] = view_grey(p);
	}
}

CLONES void line_invert(float *restrict x, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		x[i] = view_invert(x[i]);
}

CLONES void line_binarise(float *restrict x, int n)
{
#pragma omp simd
	for (int i = 0; i < n; i++)
		x[i] = view_binarise(x[i]);
}

CLONES float line_sum(const float *restrict x, int n)
{
	float lane[LANES] = { 0 }, sum = 0;
	int i;

	for (i = 0; i + LANES <= n; i += LANES) {
#pragma omp simd
		for (int k = 0; k < LANES; k++)
			lane[k] += x[i + k];
	}
	for (int k = 0; i + k < n; k++)
		lane[k] += x[i + k];
	for (int k = 0; k < LANES; k++)
		sum += lane[k];
	return sum;
}

CLONES void line_blur(float *restrict out, const float *restrict in, int step,
	const float *restrict weight, int radius, int n)
{
	for (int i = 0; i < n; i += LANES) {
		float sum[LANES];

#pragma omp simd
		for (int k = 0; k < LANES; k++)
			sum[k] = in[i + k] * weight[0];
		for (int r = 1; r <= radius; r++) {
			const float *before = in + i - (long)r * step,
				    *after = in + i + (long)r * step;

#pragma omp simd
			for (int k = 0; k < LANES; k++)
				sum[k] += (before[k] + after[k]) * weight[r];
		}
		for (int k = 0; k < LANES; k++)
			out[i + k] = sum[k];
	}
}

CLONES void line_finish(float *restrict out, const float *const in[3], int n)
{
	const float *r = in[0], *g = in[1], *b = in[2];

#pragma omp simd
	for (int i = 0; i < n; i++) {
		out[3 * i] = view_normalise(view_clip(r[i]), 0);
		out[3 * i + 1] = view_normalise(view_clip(g[i]), 1);
		out[3 * i + 2] = view_normalise(view_clip(b[i]), 2);
	}
}
