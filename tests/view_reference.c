/* view_reference.c - views in double, by the formulas. */
#include "view_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static double clip(double x)
{
	return fmin(fmax(x, 0), 1);
}

/* ---- bicubic ---- */

static double keys(double x)
{
	const double a = -0.5;

	x = fabs(x);
	if (x <= 1)
		return (a + 2) * x * x * x - (a + 3) * x * x + 1;
	if (x < 2)
		return a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
	return 0;
}

static double source(const struct image *image, const struct view_params *p, int x, int y, int c)
{
	int column = p->x + x, line = p->y + y, bytes = (image->width + 7) / 8;

	if (p->masked && !(image->mask[line * bytes + column / 8] & (0x80 >> column % 8)))
		return p->background;
	return image->rgb[((size_t)line * image->width + column) * 3 + c] / 255.0;
}

/* The sum over all pixels of the window near (u, v), over the sum of their weights. */
static double bicubic(
	const struct image *image, const struct view_params *p, double u, double v, int c)
{
	double sum = 0, weights = 0;

	for (int y = (int)floor(v) - 3; y <= v + 3; y++)
		for (int x = (int)floor(u) - 3; x <= u + 3; x++) {
			double weight = keys(u - x) * keys(v - y);

			if (x < 0 || y < 0 || x >= p->w || y >= p->h || weight == 0)
				continue;
			sum += weight * source(image, p, x, y, c);
			weights += weight;
		}
	return sum / weights;
}

static void resize(double *out, int size, const struct image *image, const struct view_params *p)
{
	for (int y = 0; y < size; y++)
		for (int x = 0; x < size; x++) {
			int from = p->flip ? size - 1 - x : x;
			double u = (from + 0.5) * p->w / size - 0.5,
			       v = (y + 0.5) * p->h / size - 0.5;

			for (int c = 0; c < 3; c++)
				*out++ = clip(bicubic(image, p, u, v, c));
		}
}

/* ---- jitter: colours by way of hue, saturation and value ---- */

static void to_hsv(double hsv[3], const double rgb[3])
{
	double r = rgb[0], g = rgb[1], b = rgb[2], v = fmax(r, fmax(g, b)),
	       range = v - fmin(r, fmin(g, b)), h = 0;

	if (range > 0 && v == r)
		h = (g - b) / (6 * range);
	else if (range > 0 && v == g)
		h = (b - r) / (6 * range) + 2.0 / 6;
	else if (range > 0)
		h = (r - g) / (6 * range) + 4.0 / 6;
	hsv[0] = h < 0 ? h + 1 : h;
	hsv[1] = v > 0 ? range / v : 0;
	hsv[2] = v;
}

static void to_rgb(double rgb[3], const double hsv[3])
{
	/* which of c, x and 0 each channel takes in each sixth of the circle */
	static const char sector[6][4] = { "cx0", "xc0", "0cx", "0xc", "x0c", "c0x" };
	double c = hsv[1] * hsv[2], h = hsv[0] * 6, x = c * (1 - fabs(fmod(h, 2) - 1)),
	       m = hsv[2] - c;

	for (int i = 0; i < 3; i++) {
		char part = sector[(int)h % 6][i];

		rgb[i] = clip(m + (part == 'c' ? c : part == 'x' ? x : 0));
	}
}

static void add_brightness(double *x, size_t n, double delta)
{
	for (size_t i = 0; i < n; i++)
		x[i] = clip(x[i] + delta);
}

static void scale_contrast(double *x, size_t n, double factor)
{
	for (int c = 0; c < 3; c++) {
		double mean = 0;

		for (size_t i = c; i < n; i += 3)
			mean += x[i] / (n / 3.0);
		for (size_t i = c; i < n; i += 3)
			x[i] = clip(factor * (x[i] - mean) + mean);
	}
}

static void change_colour(double *x, size_t n, double turn, double saturation)
{
	for (size_t i = 0; i < n; i += 3) {
		double hsv[3];

		to_hsv(hsv, x + i);
		hsv[0] = hsv[0] + turn - floor(hsv[0] + turn);
		hsv[1] = clip(hsv[1] * saturation);
		to_rgb(x + i, hsv);
	}
}

void reference_jitter(double *x, int size, const struct view_params *p, enum jitter_op op)
{
	size_t n = (size_t)size * size * 3;

	if (op == JITTER_BRIGHTNESS)
		add_brightness(x, n, p->brightness);
	if (op == JITTER_CONTRAST)
		scale_contrast(x, n, p->contrast);
	if (op == JITTER_SATURATION)
		change_colour(x, n, 0, p->saturation);
	if (op == JITTER_HUE)
		change_colour(x, n, p->hue, 1);
}

/* ---- the rest ---- */

static void grey(double *x, size_t n)
{
	for (size_t i = 0; i < n; i += 3)
		x[i] = x[i + 1] = x[i + 2] = 0.2989 * x[i] + 0.5870 * x[i + 1] + 0.1140 * x[i + 2];
}

/* Along one axis: a pixel's neighbours are `step` doubles apart, and it is number `place` of
 * `size`. */
static double gauss_sum(const double *x, int place, int size, size_t step, int radius, double sigma)
{
	double sum = 0, weights = 0;

	for (int k = -radius; k <= radius; k++) {
		double weight = exp(-k * k / (2 * sigma * sigma));

		weights += weight;
		if (place + k >= 0 && place + k < size)
			sum += weight * x[(ptrdiff_t)step * k];
	}
	return sum / weights;
}

void reference_blur(double *x, int size, int taps, double sigma)
{
	size_t n = (size_t)size * size * 3;
	double *across = xmalloc(n * sizeof *across);

	for (size_t i = 0; i < n; i++)
		across[i] = gauss_sum(x + i, (int)(i / 3 % size), size, 3, taps / 2, sigma);
	for (size_t i = 0; i < n; i++)
		x[i] = gauss_sum(
			across + i, (int)(i / 3 / size), size, 3 * (size_t)size, taps / 2, sigma);
	xfree(across);
}

static void solarise(double *x, size_t n, int kind)
{
	for (size_t i = 0; i < n; i++)
		x[i] = kind == VIEW_BINARISE ? x[i] >= 0.5 : x[i] < 0.5 ? x[i] : 1 - x[i];
}

void reference_view(double *out, const struct image *image, const struct view_params *p)
{
	int size = p->cut_size ? p->cut_size : p->size, skip = (size - p->size) / 2;
	size_t n = (size_t)size * size * 3, row = 3 * (size_t)p->size;
	double *x = xmalloc(n * sizeof *x);

	resize(x, size, image, p);
	for (int i = 0; p->jitter && i < 4; i++)
		reference_jitter(x, size, p, p->order[i]);
	if (p->grey)
		grey(x, n);
	if (p->taps)
		reference_blur(x, size, p->taps, p->sigma);
	if (p->solarise)
		solarise(x, n, p->solarise);
	for (int y = 0; y < p->size; y++)
		memcpy(out + y * row, x + 3 * ((size_t)(skip + y) * size + skip), row * sizeof *x);
	xfree(x);
}
