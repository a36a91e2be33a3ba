/* view_naive.c - the plain reference of views: each operation of spec 5.1 in turn over a whole
 * image, without regard to speed.  Images are floats, (height, width, 3). */
#include "view.h"

#include <string.h>

#include "base/memory.h"
#include "view_math.h"

struct picture {
	int w, h;
	float *x;
};

static struct picture picture_new(int w, int h)
{
	return (struct picture){ w, h, xcalloc((size_t)w * h * 3, sizeof(float)) };
}

static float *at(const struct picture *p, int x, int y, int c)
{
	return p->x + ((size_t)y * p->w + x) * 3 + c;
}

static size_t count(const struct picture *p)
{
	return (size_t)p->w * p->h * 3;
}

static void replace(struct picture *p, struct picture by)
{
	xfree(p->x);
	*p = by;
}

static struct pixel get(const struct picture *p, size_t i)
{
	return (struct pixel){ p->x[i], p->x[i + 1], p->x[i + 2] };
}

static void put(struct picture *p, size_t i, struct pixel v)
{
	p->x[i] = v.r;
	p->x[i + 1] = v.g;
	p->x[i + 2] = v.b;
}

static int foreground(const struct image *image, int x, int y)
{
	return image->mask[(size_t)y * ((image->width + 7) / 8) + x / 8] >> (7 - x % 8) & 1;
}

/* The window, 0..255, its background replaced. */
static struct picture cut_window(const struct image *image, const struct view_params *p)
{
	struct picture out = picture_new(p->w, p->h);

	for (int y = 0; y < p->h; y++)
		for (int x = 0; x < p->w; x++)
			for (int c = 0; c < 3; c++) {
				int hide = p->masked && !foreground(image, p->x + x, p->y + y);
				size_t from = (size_t)(p->y + y) * image->width + p->x + x;

				*at(&out, x, y, c) =
					hide ? 255.0f * p->background : image->rgb[3 * from + c];
			}
	return out;
}

/* The 16 taps of a bicubic output pixel. */
static float taps_sum(const struct picture *in, int first_x, int first_y, const float wx[4],
	const float wy[4], int c)
{
	float sum = 0;

	for (int j = 0; j < 4; j++)
		for (int i = 0; i < 4; i++)
			if (wx[i] * wy[j] != 0)
				sum += wx[i] * wy[j] * *at(in, first_x + i, first_y + j, c);
	return sum;
}

static struct picture resize(const struct picture *in, int size)
{
	struct picture out = picture_new(size, size);

	for (int y = 0; y < size; y++)
		for (int x = 0; x < size; x++) {
			float wx[4], wy[4];
			int first_x, first_y;

			view_taps(wx, &first_x, x, in->w, size);
			view_taps(wy, &first_y, y, in->h, size);
			for (int c = 0; c < 3; c++)
				*at(&out, x, y, c) = taps_sum(in, first_x, first_y, wx, wy, c);
		}
	for (size_t i = 0; i < count(&out); i++)
		out.x[i] = view_clip(out.x[i] / 255.0f);
	return out;
}

static struct picture flip(const struct picture *in)
{
	struct picture out = picture_new(in->w, in->h);

	for (int y = 0; y < in->h; y++)
		for (int x = 0; x < in->w; x++)
			memcpy(at(&out, x, y, 0), at(in, in->w - 1 - x, y, 0), 3 * sizeof(float));
	return out;
}

static void contrast(struct picture *p, float factor)
{
	for (int c = 0; c < 3; c++) {
		double sum = 0, n = (double)p->w * p->h;

		for (size_t i = c; i < count(p); i += 3)
			sum += p->x[i];
		for (size_t i = c; i < count(p); i += 3)
			p->x[i] = view_contrast(p->x[i], (float)(sum / n), factor);
	}
}

static void jitter(struct picture *p, const struct view_params *params, int op)
{
	if (op == JITTER_CONTRAST)
		contrast(p, params->contrast);
	if (op == JITTER_BRIGHTNESS)
		for (size_t i = 0; i < count(p); i++)
			p->x[i] = view_brightness(p->x[i], params->brightness);
	if (op == JITTER_SATURATION)
		for (size_t i = 0; i < count(p); i += 3)
			put(p, i, view_saturation(get(p, i), params->saturation));
	if (op == JITTER_HUE)
		for (size_t i = 0; i < count(p); i += 3)
			put(p, i, view_hue(get(p, i), view_hue_shift(params->hue)));
}

static void grey(struct picture *p)
{
	for (size_t i = 0; i < count(p); i += 3) {
		float v = view_grey(get(p, i));

		put(p, i, (struct pixel){ v, v, v });
	}
}

/* Along x (dx 1, dy 0) or y; zero outside. */
static struct picture blur(
	const struct picture *in, const float *weight, int radius, int dx, int dy)
{
	struct picture out = picture_new(in->w, in->h);

	for (int y = 0; y < in->h; y++)
		for (int x = 0; x < in->w; x++)
			for (int k = -radius; k <= radius; k++) {
				int from_x = x + k * dx, from_y = y + k * dy;

				if (from_x < 0 || from_x >= in->w || from_y < 0 || from_y >= in->h)
					continue;
				for (int c = 0; c < 3; c++)
					*at(&out, x, y, c) +=
						weight[k < 0 ? -k : k] * *at(in, from_x, from_y, c);
			}
	return out;
}

static void blur_both(struct picture *p, int taps, float sigma)
{
	float *weight = xcalloc(taps / 2 + 1, sizeof(float));

	view_blur_weights(weight, taps, sigma);
	replace(p, blur(p, weight, taps / 2, 1, 0));
	replace(p, blur(p, weight, taps / 2, 0, 1));
	xfree(weight);
}

static void solarise(struct picture *p, int kind)
{
	for (size_t i = 0; i < count(p); i++)
		p->x[i] = kind == VIEW_INVERT ? view_invert(p->x[i]) : view_binarise(p->x[i]);
}

/* Clip, normalise, and take the centre. */
static void finish(float *out, const struct picture *p, int size)
{
	int skip = (p->w - size) / 2;

	for (int y = 0; y < size; y++)
		for (int x = 0; x < size; x++)
			for (int c = 0; c < 3; c++) {
				float v = view_clip(*at(p, skip + x, skip + y, c));

				*out++ = view_normalise(v, c);
			}
}

void view_naive(float *out, const struct image *image, const struct view_params *p)
{
	struct picture x = cut_window(image, p);

	replace(&x, resize(&x, p->cut_size ? p->cut_size : p->size));
	if (p->flip)
		replace(&x, flip(&x));
	for (int i = 0; p->jitter && i < 4; i++)
		jitter(&x, p, p->order[i]);
	if (p->grey)
		grey(&x);
	if (p->taps)
		blur_both(&x, p->taps, p->sigma);
	if (p->solarise)
		solarise(&x, p->solarise);
	finish(out, &x, p->size);
	xfree(x.x);
}
