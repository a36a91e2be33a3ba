/* view_resize_cuda.cu - from the bytes of images to pictures of floats, with the jitter up to the
 * contrast on the way.
 * A block makes a tile of a view.  A pixel reads its 16 taps from the image as it lies there, four
 * pixels at a time as whole words: whatever the size of the window these are at most 192 bytes a
 * pixel, nearly all from the cache, whereas resampling in two passes through shared memory saves at
 * most half of the products and nothing where a view is smaller than its window.  The tile goes
 * through shared memory, so that it leaves in packs. */
#include "gpu.h"

#include "gpu_reduce.h"
#include "gpu_vector.h"
#include "gpu_view.h"

enum { BLOCK = 256, TAPS = 4, LINES = BLOCK / VIEW_TILE };
enum { PACK = 4, ROW_PACKS = CHANNELS * VIEW_TILE / PACK };

struct taps {
	float weight[TAPS];
	int first; /* of the window */
};

/* Of all columns and rows of a tile, in shared memory. */
struct tile_taps {
	struct taps column[VIEW_TILE], row[VIEW_TILE];
};

static __device__ void taps_fill(
	struct tile_taps *taps, const struct view_params *p, int x0, int y0, int side)
{
	int i = (int)threadIdx.x % VIEW_TILE, x = x0 + i, y = y0 + i;

	if (threadIdx.x < VIEW_TILE)
		view_taps(taps->column[i].weight, &taps->column[i].first,
			p->flip ? side - 1 - x : x, p->w, side);
	else if (threadIdx.x < 2 * VIEW_TILE)
		view_taps(taps->row[i].weight, &taps->row[i].first, y, p->h, side);
}

static __device__ int clamp(int x, int low, int high)
{
	return x < low ? low : x > high ? high : x;
}

/* Four pixels in a row from that byte of the memory on, wherever it is: 12 bytes touch at most four
 * words. */
static __device__ void pixels_load(float value[TAPS * CHANNELS], const char *memory, ptrdiff_t at)
{
	const uint32_t *word = (const uint32_t *)memory + at / 4;
	const int shift = 8 * (int)(at % 4);

	for (int i = 0; i < CHANNELS; i++) {
		uint64_t two = (uint64_t)word[i + 1] << 32 | word[i];
		uint32_t four = (uint32_t)(two >> shift);

		for (int k = 0; k < 4; k++)
			value[4 * i + k] = (float)(four >> 8 * k & 0xff);
	}
}

/* Pixels x .. x + 3 of line y that are not under the mask take the level. */
static __device__ void background_hide(float value[TAPS * CHANNELS], const uint8_t *mask,
	const struct cuda_image *image, int x, int y, float level)
{
	const uint8_t *line = mask + (size_t)y * (size_t)((image->width + 7) / 8);

	for (int i = 0; i < TAPS; i++) {
		int column = clamp(x + i, 0, image->width - 1); /* beyond it nothing weighs */

		if (!(line[column / 8] >> (7 - column % 8) & 1))
			value[3 * i] = value[3 * i + 1] = value[3 * i + 2] = level;
	}
}

/* The sum over the 16 taps, as part of the whole.  Those beyond the window weigh nothing: they may
 * read anything within the memory. */
static __device__ struct pixel resample(const char *memory, const struct cuda_image *image,
	const struct view_params *p, const struct taps *column, const struct taps *row)
{
	struct pixel sum = { 0, 0, 0 };

	for (int j = 0; j < TAPS; j++) {
		int x = p->x + column->first, y = p->y + clamp(row->first + j, 0, p->h - 1);
		float v[TAPS * CHANNELS];

		pixels_load(v, memory,
			(ptrdiff_t)image->rgb + ((ptrdiff_t)y * image->width + x) * CHANNELS);
		if (p->masked)
			background_hide(v, (const uint8_t *)memory + image->mask, image, x, y,
				255.0f * p->background);
		for (int i = 0; i < TAPS; i++) {
			float weight = row->weight[j] * column->weight[i];

			sum.r += weight * v[3 * i];
			sum.g += weight * v[3 * i + 1];
			sum.b += weight * v[3 * i + 2];
		}
	}
	sum.r = view_clip(sum.r * (1.0f / 255.0f));
	sum.g = view_clip(sum.g * (1.0f / 255.0f));
	sum.b = view_clip(sum.b * (1.0f / 255.0f));
	return sum;
}

/* The tile's rows into the picture; the packs at a row's end may be longer than it. */
static __device__ void tile_store(const struct pack<float, PACK> tile[VIEW_TILE][ROW_PACKS],
	float *to, int pitch, int x0, int y0, int side)
{
	for (int i = threadIdx.x; i < VIEW_TILE * ROW_PACKS; i += BLOCK) {
		int row = i / ROW_PACKS, at = PACK * (i % ROW_PACKS), y = y0 + row;

		if (y < side && CHANNELS * x0 + at < pitch)
			pack_store(to + (size_t)y * (size_t)pitch + CHANNELS * x0 + at,
				&tile[row][i % ROW_PACKS]);
	}
}

static __global__ void resize_kernel(const struct view_batch b)
{
	__shared__ struct pack<float, PACK> tile[VIEW_TILE][ROW_PACKS];
	__shared__ struct tile_taps taps;
	const int view = (int)blockIdx.x / b.tiles, part = (int)blockIdx.x % b.tiles;
	const int across = (b.side + VIEW_TILE - 1) / VIEW_TILE;
	const struct view_params *p = b.params + view;
	const struct cuda_image *image =
		(const struct cuda_image *)b.memory + (b.first + view) % b.images;
	const int side = view_side(p), x0 = part % across * VIEW_TILE,
		  y0 = part / across * VIEW_TILE, before = view_contrast_place(p);
	const int column = (int)threadIdx.x % VIEW_TILE;
	struct pixel sum = { 0, 0, 0 };

	if (x0 >= side || y0 >= side)
		return;
	taps_fill(&taps, p, x0, y0, side);
	__syncthreads();
	for (int row = (int)threadIdx.x / VIEW_TILE; row < VIEW_TILE; row += LINES) {
		float *to = tile[row]->v + CHANNELS * column;
		struct pixel x = { 0, 0, 0 };

		if (x0 + column < side && y0 + row < side) {
			x = resample(b.memory, image, p, &taps.column[column], &taps.row[row]);
			x = view_jitter(x, p, 0, before);
		}
		to[0] = x.r, to[1] = x.g, to[2] = x.b;
		sum.r += x.r, sum.g += x.g, sum.b += x.b;
	}
	__syncthreads();
	tile_store(tile, view_picture(&b, view), b.pitch, x0, y0, side);
	if (before < JITTERS) {
		float *to = b.sums + (size_t)blockIdx.x * CHANNELS;

		sum.r = block_sum(sum.r);
		sum.g = block_sum(sum.g);
		sum.b = block_sum(sum.b);
		if (threadIdx.x == 0)
			to[0] = sum.r, to[1] = sum.g, to[2] = sum.b;
	}
}

void view_resize_cuda(struct cuda *cuda, const struct view_batch *batch)
{
	LAUNCH(resize_kernel, (unsigned)batch->count * (unsigned)batch->tiles, BLOCK, cuda, *batch);
}
