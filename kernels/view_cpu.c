/* view_cpu.c - the views of a batch.
 * A view is made in planes, one a channel, which stay in the core's cache: resampling writes them,
 * and each operation is one pass of view_lines.c over them.  A plane's rows are padded to whole
 * vectors; the padding is computed like pixels and never read as one. */
#include "cpu.h"
#include "view.h"

#include <string.h>

#include "base/memory.h"
#include "view_lines.h"

enum { CHANNELS = 3, TAPS = 4, ALIGN = 64, GAP = 4 * CHANNELS };

/* What one view needs; all in the thread's scratch. */
struct work {
	int size, pitch; /* pixels a side; floats from row to row */
	int channels;    /* planes in use: 1 once all three are equal */
	int radius;      /* of the blur at its widest */
	float *plane[CHANNELS];
	float *soft;         /* blurred along rows; `radius` rows of zeros above and below */
	float *line;         /* a row between zeros */
	float *weight;       /* of the blur */
	float *source[TAPS]; /* row r of the window is kept in r % TAPS */
	int kept[TAPS];
	float *mixed;           /* a row of the window's width, between zeros */
	struct line_taps *taps; /* along the row */
};

/* The next bytes of base; with NULL for base, only counts. */
static void *take(char *base, size_t *used, size_t bytes)
{
	void *p = base ? base + *used : NULL;

	*used += (bytes + ALIGN - 1) / ALIGN * ALIGN;
	return p;
}

/* Set w's pointers to parts of base.  Returns the bytes they take. */
static size_t work_place(struct work *w, char *base, int width)
{
	size_t used = 0, row = (size_t)width * CHANNELS, plane = (size_t)w->pitch * w->size;

	for (int c = 0; c < CHANNELS; c++)
		w->plane[c] = take(base, &used, plane * sizeof(float));
	w->soft = take(base, &used, (plane + 2 * (size_t)w->radius * w->pitch) * sizeof(float));
	w->line = take(base, &used, (w->pitch + 2 * (size_t)w->radius) * sizeof(float));
	w->weight = take(base, &used, (w->radius + 1) * sizeof(float));
	for (int k = 0; k < TAPS; k++)
		w->source[k] = take(base, &used, row * sizeof(float));
	w->mixed = take(base, &used, (row + 2 * GAP) * sizeof(float));
	w->taps = take(base, &used, w->size * sizeof *w->taps);
	return used;
}

/* This thread's scratch, at least so many bytes; it lives as long as the thread. */
static char *scratch(size_t bytes)
{
	static _Thread_local char *memory;
	static _Thread_local size_t have;

	if (bytes > have) {
		xfree(memory);
		memory = xaligned(bytes);
		have = bytes;
	}
	return memory;
}

static struct work work_for(const struct view_params *p)
{
	struct work w = { .size = p->cut_size ? p->cut_size : p->size,
		.channels = CHANNELS,
		.radius = p->taps / 2 };

	w.pitch = (w.size + LANES - 1) / LANES * LANES;
	work_place(&w, scratch(work_place(&w, NULL, p->w)), p->w);
	for (int k = 0; k < TAPS; k++)
		w.kept[k] = -1;
	return w;
}

static float *plane_row(const struct work *w, int c, int y)
{
	return w->plane[c] + (size_t)y * w->pitch;
}

/* ---- crop, resize, flip ---- */

/* Pixels of row y from x on that are not under the mask take the level. */
static void hide_background(float *row, const struct image *image, int x, int y, int n, float level)
{
	const uint8_t *mask = image->mask + (size_t)y * ((image->width + 7) / 8);

	for (int i = 0; i < n; i++)
		if (!(mask[(x + i) / 8] >> (7 - (x + i) % 8) & 1))
			row[3 * i] = row[3 * i + 1] = row[3 * i + 2] = level;
}

/* Row r of the window as floats 0..255. */
static const float *source_row(
	struct work *w, const struct image *image, const struct view_params *p, int r)
{
	float *row = w->source[r % TAPS];
	size_t from;

	if (w->kept[r % TAPS] == r)
		return row;
	from = (size_t)(p->y + r) * image->width + p->x;
	line_from_bytes(row, image->rgb + from * CHANNELS, p->w * CHANNELS);
	if (p->masked)
		hide_background(row, image, p->x, p->y + r, p->w, 255.0f * p->background);
	w->kept[r % TAPS] = r;
	return row;
}

/* Taps of each place of a row; a flipped row takes them from its other end.  Taps beyond the window
 * are in the zeros. */
static void set_taps(struct work *w, const struct view_params *p)
{
	for (int x = 0; x < w->size; x++) {
		struct line_taps *t = &w->taps[x];
		int first;

		view_taps(t->weight, &first, p->flip ? w->size - 1 - x : x, p->w, w->size);
		t->start = GAP + first * CHANNELS;
	}
}

/* The four rows of the window that weigh in row y, mixed. */
static void mix_rows(struct work *w, const struct image *image, const struct view_params *p, int y)
{
	const float *in[TAPS];
	float weight[TAPS];
	int first;

	view_taps(weight, &first, y, p->h, w->size);
	for (int k = 0; k < TAPS; k++) {
		int r = first + k < 0 ? 0 : first + k >= p->h ? p->h - 1 : first + k;

		in[k] = source_row(w, image, p, r);
	}
	line_mix(w->mixed + GAP, in, weight, p->w * CHANNELS);
}

static void resample(struct work *w, const struct image *image, const struct view_params *p)
{
	set_taps(w, p);
	memset(w->mixed, 0, GAP * sizeof(float));
	memset(w->mixed + GAP + p->w * CHANNELS, 0, GAP * sizeof(float));
	for (int y = 0; y < w->size; y++) {
		float *const out[CHANNELS] = { plane_row(w, 0, y), plane_row(w, 1, y),
			plane_row(w, 2, y) };

		mix_rows(w, image, p, y);
		line_resample(out, w->mixed, w->taps, w->size);
		for (int c = 0; c < CHANNELS; c++) {
			line_scale_clip(out[c], 1.0f / 255.0f, w->size);
			memset(out[c] + w->size, 0, (w->pitch - w->size) * sizeof(float));
		}
	}
}

/* ---- jitter ---- */

static void brightness(struct work *w, const struct view_params *p)
{
	for (int c = 0; c < CHANNELS; c++)
		line_brightness(w->plane[c], p->brightness, w->pitch * w->size);
}

static void contrast(struct work *w, const struct view_params *p)
{
	for (int c = 0; c < CHANNELS; c++) {
		double sum = 0;

		for (int y = 0; y < w->size; y++)
			sum += line_sum(plane_row(w, c, y), w->size);
		line_contrast(w->plane[c], (float)(sum / ((double)w->size * w->size)), p->contrast,
			w->pitch * w->size);
	}
}

static void saturation(struct work *w, const struct view_params *p)
{
	line_saturation(w->plane, p->saturation, w->pitch * w->size);
}

static void hue(struct work *w, const struct view_params *p)
{
	line_hue(w->plane, view_hue_shift(p->hue), w->pitch * w->size);
}

static void (*const jitter[])(struct work *, const struct view_params *) = {
	[JITTER_BRIGHTNESS] = brightness,
	[JITTER_CONTRAST] = contrast,
	[JITTER_SATURATION] = saturation,
	[JITTER_HUE] = hue,
};

/* ---- grey, blur, solarise ---- */

static void grey(struct work *w)
{
	line_grey(w->plane, w->pitch * w->size);
	w->channels = 1;
}

static void blur_plane(struct work *w, float *plane, int radius)
{
	float *soft = w->soft + (size_t)radius * w->pitch;

	for (int y = 0; y < w->size; y++) {
		memcpy(w->line + radius, plane + (size_t)y * w->pitch, w->size * sizeof(float));
		line_blur(soft + (size_t)y * w->pitch, w->line + radius, 1, w->weight, radius,
			w->pitch);
	}
	for (int y = 0; y < w->size; y++)
		line_blur(plane + (size_t)y * w->pitch, soft + (size_t)y * w->pitch, w->pitch,
			w->weight, radius, w->pitch);
}

static void blur(struct work *w, const struct view_params *p)
{
	size_t edge;
	int radius;

	view_blur_weights(w->weight, p->taps, p->sigma);
	radius = view_blur_radius(w->weight, w->radius);
	edge = (size_t)radius * w->pitch;
	memset(w->line, 0, (w->pitch + 2 * (size_t)radius) * sizeof(float));
	memset(w->soft, 0, edge * sizeof(float));
	memset(w->soft + edge + (size_t)w->pitch * w->size, 0, edge * sizeof(float));
	for (int c = 0; c < w->channels; c++)
		blur_plane(w, w->plane[c], radius);
}

static void solarise(struct work *w, const struct view_params *p)
{
	for (int c = 0; c < w->channels; c++)
		(p->solarise == VIEW_INVERT ? line_invert : line_binarise)(
			w->plane[c], w->pitch * w->size);
}

/* The centre, (size, size, 3). */
static void finish(float *out, const struct work *w, int size)
{
	int skip = (w->size - size) / 2;

	for (int y = 0; y < size; y++) {
		const float *in[CHANNELS];

		for (int c = 0; c < CHANNELS; c++)
			in[c] = plane_row(w, c < w->channels ? c : 0, skip + y) + skip;
		line_finish(out + (size_t)y * size * CHANNELS, in, size);
	}
}

static void view_fast(float *out, const struct image *image, const struct view_params *p)
{
	struct work w = work_for(p);

	resample(&w, image, p);
	for (int i = 0; p->jitter && i < 4; i++)
		jitter[p->order[i]](&w, p);
	if (p->grey)
		grey(&w);
	if (p->taps)
		blur(&w, p);
	if (p->solarise)
		solarise(&w, p);
	finish(out, &w, p->size);
}

void images_cpu(struct device *dev, int slot, const struct image *images, int n)
{
	struct cpu *cpu = cpu_of(dev);

	CHECK(slot >= 0 && slot < CPU_SLOTS, "slot %d of images", slot);
	cpu->images[slot] = images;
	cpu->image_count[slot] = n;
}

void views_cpu(struct device *dev, void *out, int slot, const struct view_params *params, int views,
	int naive)
{
	struct cpu *cpu = cpu_of(dev);
	const struct image *images = cpu->images[slot];
	int n = cpu->image_count[slot];
	long count = (long)n * views;

#pragma omp parallel for schedule(dynamic) num_threads(cpu->threads)
	for (long i = 0; i < count; i++) {
		const struct view_params *p = &params[i];
		float *view = (float *)out + (size_t)i * p->size * p->size * CHANNELS;

		(naive ? view_naive : view_fast)(view, &images[i % n], p);
	}
}
