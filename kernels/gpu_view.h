#ifndef KERNELS_GPU_VIEW_H
#define KERNELS_GPU_VIEW_H

#include "gpu.h"

extern "C" {
#include "images_cuda.h"
}
#include "view_math.h"

/* What the kernels of views share.  A batch of views is worked on in the scratch memory: each view
 * has a picture of floats: side x side pixels of three in rows of `pitch`; the last pack of four
 * that a row needs is filled with zeros. */

enum { CHANNELS = 3, JITTERS = 4 };
enum { VIEW_RADIUS = 31, VIEW_SIDE = 2048 }; /* the largest; the configuration allows no more */
enum { VIEW_TILE = 32 };                     /* pixels a side of a block of the resize kernel */

/* Of one view, found on the way. */
struct view_found {
	float mean[CHANNELS]; /* for the contrast */
	int radius;           /* of the blur */
	float weight[VIEW_RADIUS + 1];
};

/* Views of one call, all of them or a part; kernels take it by value.  All is in the device's
 * memory.
 */
struct view_batch {
	const char *memory; /* of the slot */
	const struct view_params *params;
	struct view_found *found;
	float *sums; /* (count, tiles, CHANNELS) */
	float *picture;
	int first, count; /* number of the first view here; views here */
	int images;       /* of the slot: view v is of image v % images */
	int size;         /* pixels a side of the result */
	int side;         /* at most, while it is worked on */
	int tiles, pitch;
};

/* Pixels a side while the view is worked on. */
static inline HOST_DEVICE int view_side(const struct view_params *p)
{
	return p->cut_size ? p->cut_size : p->size;
}

/* How many operations of the jitter come before the contrast, whose mean needs the whole picture.
 * JITTERS: there is no contrast. */
static inline HOST_DEVICE int view_contrast_place(const struct view_params *p)
{
	int i = 0;

	while (i < JITTERS && (!p->jitter || p->order[i] != JITTER_CONTRAST))
		i++;
	return i;
}

/* Operations first .. last - 1 of the jitter but for contrast. */
static inline __device__ struct pixel view_jitter(
	struct pixel x, const struct view_params *p, int first, int last)
{
	for (int i = first; p->jitter && i < last; i++) {
		int op = p->order[i];

		if (op == JITTER_BRIGHTNESS) {
			x.r = view_brightness(x.r, p->brightness);
			x.g = view_brightness(x.g, p->brightness);
			x.b = view_brightness(x.b, p->brightness);
		}
		if (op == JITTER_SATURATION)
			x = view_saturation(x, p->saturation);
		if (op == JITTER_HUE)
			x = view_hue(x, view_hue_shift(p->hue));
	}
	if (last == JITTERS && p->grey)
		x.r = x.g = x.b = view_grey(x);
	return x;
}

static inline __device__ float *view_picture(const struct view_batch *b, int view)
{
	return b->picture + (size_t)view * (size_t)b->side * (size_t)b->pitch;
}

/* Queue the first kernel: crop, resize, flip, and the jitter before the contrast into the pictures;
 * and the sums of tiles, for the means. */
void view_resize_cuda(struct cuda *cuda, const struct view_batch *batch);

/* Behind the means and weights: contrast, the jitter after it, and the blur along rows. */
void view_rows_cuda(struct cuda *cuda, const struct view_batch *batch);

#endif
