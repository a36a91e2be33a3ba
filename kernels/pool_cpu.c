/* pool_cpu.c - pooling.  The backward pass of max pooling gathers, for each pixel, from the windows
 * that hold it: threads share nothing and nothing needs to be cleared first. */
#include "base/clones.h"

#include "cpu.h"

#include "pool_math.h"

enum { BLOCK = 64 /* channels whose sums are on the stack */ };

/* The first place of a window; then the larger ones. */
CLONES static void take_first(
	float *restrict y, uint8_t *restrict index, const float *restrict x, int c, int place)
{
	for (int i = 0; i < c; i++) {
		y[i] = x[i];
		index[i] = (uint8_t)place;
	}
}

CLONES static void take_larger(
	float *restrict y, uint8_t *restrict index, const float *restrict x, int c, int place)
{
	for (int i = 0; i < c; i++) {
		int larger = pool_larger(x[i], y[i]);

		y[i] = larger ? x[i] : y[i];
		index[i] = larger ? (uint8_t)place : index[i];
	}
}

/* One window of image x, whose top left corner is at (row, column). */
static void pool_window(
	float *y, uint8_t *index, const float *x, const struct pool_shape *s, int row, int column)
{
	int first = 1;

	for (int place = 0; place < s->r * s->r; place++) {
		int h = row + place / s->r, w = column + place % s->r;
		const float *pixel;

		if (h < 0 || h >= s->h || w < 0 || w >= s->w)
			continue;
		pixel = x + ((size_t)h * (size_t)s->w + (size_t)w) * (size_t)s->c;
		(first ? take_first : take_larger)(y, index, pixel, s->c, place);
		first = 0;
	}
}

void max_pool_cpu(
	struct device *dev, void *y, uint8_t *index, const void *x, const struct pool_shape *s)
{
	struct cpu *cpu = cpu_of(dev);
	size_t image = (size_t)s->h * (size_t)s->w * (size_t)s->c;
	int p, q;

	pool_size(&p, &q, s);
#pragma omp parallel for collapse(2) num_threads(cpu->threads)
	for (int n = 0; n < s->n; n++)
		for (int i = 0; i < p; i++)
			for (int j = 0; j < q; j++) {
				size_t at = (((size_t)n * (size_t)p + (size_t)i) * (size_t)q +
						    (size_t)j) *
					(size_t)s->c;

				pool_window((float *)y + at, index + at,
					(const float *)x + (size_t)n * image, s,
					i * s->stride - s->top, j * s->stride - s->left);
			}
}

CLONES static void give_back(float *restrict dx, const float *restrict dy,
	const uint8_t *restrict index, int c, int place)
{
	for (int i = 0; i < c; i++)
		dx[i] += index[i] == place ? dy[i] : 0;
}

/* The gradient of pixel (h, w): from output rows and columns whose windows hold it. */
static void pool_pixel(float *dx, const float *dy, const uint8_t *index, const struct pool_shape *s,
	int h, int w, int p, int q)
{
	int row = h + s->top, column = w + s->left;
	int i0 = row < s->r ? 0 : (row - s->r) / s->stride + 1;
	int j0 = column < s->r ? 0 : (column - s->r) / s->stride + 1;

	for (int c = 0; c < s->c; c++)
		dx[c] = 0;
	for (int i = i0; i < p && i * s->stride <= row; i++)
		for (int j = j0; j < q && j * s->stride <= column; j++) {
			size_t at = ((size_t)i * (size_t)q + (size_t)j) * (size_t)s->c;
			int place = (row - i * s->stride) * s->r + column - j * s->stride;

			give_back(dx, dy + at, index + at, s->c, place);
		}
}

void max_pool_backward_cpu(struct device *dev, void *dx, const void *dy, const uint8_t *index,
	const struct pool_shape *s)
{
	struct cpu *cpu = cpu_of(dev);
	int p, q;

	pool_size(&p, &q, s);
#pragma omp parallel for collapse(2) num_threads(cpu->threads)
	for (int n = 0; n < s->n; n++)
		for (int h = 0; h < s->h; h++) {
			size_t from = (size_t)n * (size_t)p * (size_t)q * (size_t)s->c;
			size_t row = ((size_t)n * (size_t)s->h + (size_t)h) * (size_t)s->w;

			for (int w = 0; w < s->w; w++)
				pool_pixel((float *)dx + (row + (size_t)w) * (size_t)s->c,
					(const float *)dy + from, index + from, s, h, w, p, q);
		}
}

CLONES static void add_pixels(
	double *restrict sum, const float *restrict x, int pixels, size_t stride, int count)
{
	for (int i = 0; i < pixels; i++, x += stride)
		for (int c = 0; c < count; c++)
			sum[c] += x[c];
}

void mean_pool_cpu(struct device *dev, void *y, const void *x, int n, int pixels, int c)
{
	struct cpu *cpu = cpu_of(dev);
	size_t width = (size_t)c;
	const float *from = x;
	float *to = y;

#pragma omp parallel for collapse(2) num_threads(cpu->threads)
	for (int i = 0; i < n; i++)
		for (int channel = 0; channel < c; channel += BLOCK) {
			double sum[BLOCK] = { 0 };
			int count = c - channel < BLOCK ? c - channel : BLOCK;

			add_pixels(sum, from + (size_t)i * (size_t)pixels * width + channel, pixels,
				width, count);
			for (int k = 0; k < count; k++)
				to[(size_t)i * width + (size_t)(channel + k)] =
					(float)(sum[k] / pixels);
		}
}

void mean_pool_backward_cpu(struct device *dev, void *dx, const void *dy, int n, int pixels, int c)
{
	struct cpu *cpu = cpu_of(dev);
	float share = 1 / (float)pixels;
	size_t rows = (size_t)n * (size_t)pixels, width = (size_t)c;
	const float *from = dy;
	float *to = dx;

#pragma omp parallel for num_threads(cpu->threads) if (rows * width > 32768)
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < width; k++)
			to[i * width + k] = share * from[i / (size_t)pixels * width + k];
}
