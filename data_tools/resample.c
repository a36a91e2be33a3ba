/* resample.c - separable for upright windows; directly, pixel by pixel, for turned ones: resizing
 * first and turning afterwards would blur twice. */
#include "resample.h"

#include <math.h>
#include <string.h>

#include "base/die.h"
#include "base/memory.h"

enum { RADIUS = 2 };

/* Keys 1981, a = -1/2. */
static double cubic(double x)
{
	x = fabs(x);
	if (x < 1)
		return (1.5 * x - 2.5) * x * x + 1;
	return x < RADIUS ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* The weights of one axis: output i is the sum of weight[i * taps + k] * input[first[i] + k]. */
struct axis {
	int taps;
	int *first;
	float *weight;
};

static void axis_init(struct axis *a, int out, int in, double start, double length)
{
	double step = length / out, stretch = step > 1 ? step : 1, reach = RADIUS * stretch;

	a->taps = (int)(2 * reach) + 2;
	if (a->taps > in)
		a->taps = in;
	a->first = xmalloc((size_t)out * sizeof *a->first);
	a->weight = xmalloc((size_t)out * (size_t)a->taps * sizeof *a->weight);
	for (int i = 0; i < out; i++) {
		double centre = start + (i + 0.5) * step - 0.5, sum = 0;
		float *weight = a->weight + (size_t)i * (size_t)a->taps;
		int first = (int)floor(centre - reach);

		first = first > in - a->taps ? in - a->taps : first;
		first = first < 0 ? 0 : first;
		for (int k = 0; k < a->taps; k++)
			sum += cubic((first + k - centre) / stretch);
		for (int k = 0; k < a->taps; k++)
			weight[k] = (float)(cubic((first + k - centre) / stretch) / sum);
		a->first[i] = first;
	}
}

static void axis_free(struct axis *a)
{
	xfree(a->first);
	xfree(a->weight);
}

/* One row of the source, narrowed: row (out, 3). */
static void narrow(float *row, const uint8_t *rgb, const struct axis *a, int out)
{
	for (int i = 0; i < out; i++) {
		const uint8_t *in = rgb + (size_t)a->first[i] * 3;
		const float *weight = a->weight + (size_t)i * (size_t)a->taps;
		float sum[3] = { 0 };

		for (int k = 0; k < a->taps; k++)
			for (int c = 0; c < 3; c++)
				sum[c] += weight[k] * (float)in[k * 3 + c];
		memcpy(row + (size_t)i * 3, sum, sizeof sum);
	}
}

static uint8_t to_byte(float x)
{
	return x <= 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5f);
}

/* One row of the result: rows (taps, n) summed under their weights. */
static void shorten(
	uint8_t *out, float *sum, const float *rows, const float *weight, int taps, size_t n)
{
	memset(sum, 0, n * sizeof *sum);
	for (int k = 0; k < taps; k++, rows += n)
		for (size_t i = 0; i < n; i++)
			sum[i] += weight[k] * rows[i];
	for (size_t i = 0; i < n; i++)
		out[i] = to_byte(sum[i]);
}

void resample_window(uint8_t *out, const uint8_t *rgb, const struct resample *r)
{
	size_t n = (size_t)r->width * 3;
	struct axis across, down;
	int top, rows;
	float *narrowed, *sum;

	axis_init(&across, r->width, r->rgb_width, r->window.x, r->window.width);
	axis_init(&down, r->height, r->rgb_height, r->window.y, r->window.height);
	top = down.first[0];
	rows = down.first[r->height - 1] + down.taps - top;
	narrowed = xmalloc((size_t)rows * n * sizeof *narrowed);
	sum = xmalloc(n * sizeof *sum);
	for (int y = 0; y < rows; y++)
		narrow(narrowed + (size_t)y * n, rgb + (size_t)(top + y) * (size_t)r->rgb_width * 3,
			&across, r->width);
	for (int y = 0; y < r->height; y++)
		shorten(out + (size_t)y * n, sum, narrowed + (size_t)(down.first[y] - top) * n,
			down.weight + (size_t)y * (size_t)down.taps, down.taps, n);
	xfree(narrowed);
	xfree(sum);
	axis_free(&across);
	axis_free(&down);
}

/* The taps of one axis about a point: normalised over all of them, then confined to the cut-out. */
enum { TAPS_MAX = 2 * RADIUS * RESAMPLE_SHRINK_MAX + 2 };
struct taps {
	int first, count;
	float weight[TAPS_MAX];
};

static void taps_about(struct taps *t, double centre, double stretch, int in)
{
	int first = (int)ceil(centre - RADIUS * stretch),
	    last = (int)floor(centre + RADIUS * stretch);
	double sum = 0;

	CHECK(stretch <= RESAMPLE_SHRINK_MAX, "a cut-out is shrunk %g times", stretch);
	t->first = first < 0 ? 0 : first;
	t->count = 0;
	for (int i = first; i <= last; i++) {
		double weight = cubic((i - centre) / stretch);

		sum += weight;
		if (i >= 0 && i < in)
			t->weight[t->count++] = (float)weight;
	}
	for (int k = 0; k < t->count; k++)
		t->weight[k] /= (float)sum;
}

/* A cubic overshoots: bring alpha back into 0..1, and the colours with it. */
static void settle(float pixel[4])
{
	float over = pixel[3] > 1 ? 1 / pixel[3] : 1;

	pixel[3] = pixel[3] < 0 ? 0 : pixel[3] * over;
	for (int c = 0; c < 3; c++) {
		float x = pixel[c] * over;

		pixel[c] = x < 0 ? 0 : x > pixel[3] ? pixel[3] : x;
	}
}

static void sample(float pixel[4], const float *cutout, int width, const struct taps *across,
	const struct taps *down)
{
	memset(pixel, 0, 4 * sizeof *pixel);
	for (int j = 0; j < down->count; j++) {
		const float *in = cutout +
			((size_t)(down->first + j) * (size_t)width + (size_t)across->first) * 4;
		float sum[4] = { 0 };

		for (int i = 0; i < across->count; i++)
			for (int c = 0; c < 4; c++)
				sum[c] += across->weight[i] * in[i * 4 + c];
		for (int c = 0; c < 4; c++)
			pixel[c] += down->weight[j] * sum[c];
	}
	settle(pixel);
}

void resample_pose(
	float *out, int size, const float *cutout, int width, int height, const struct pose *pose)
{
	double stretch = pose->scale < 1 ? 1 / pose->scale : 1, reach = RADIUS * stretch;
	double along = cos(pose->angle) / pose->scale, aslant = sin(pose->angle) / pose->scale;
	struct taps across, down;

	for (int y = 0; y < size; y++)
		for (int x = 0; x < size; x++, out += 4) {
			double dx = x + 0.5 - pose->x, dy = y + 0.5 - pose->y;
			double u = along * dx + aslant * dy, v = along * dy - aslant * dx;

			u = (pose->flip ? -u : u) + width / 2.0 - 0.5;
			v += height / 2.0 - 0.5;
			memset(out, 0, 4 * sizeof *out);
			if (u < -reach || v < -reach || u > width + reach || v > height + reach)
				continue;
			taps_about(&across, u, stretch, width);
			taps_about(&down, v, stretch, height);
			sample(out, cutout, width, &across, &down);
		}
}
