/* view_rows_cuda.cu - the contrast, the jitter after it, and the blur along rows.
 * A block has some whole rows in shared memory, with zeros on both sides: so the result can take
 * the place of what it was made from, and the colours are worked out once for all taps.  A view
 * without contrast and blur is left as it is. */
#include "gpu.h"

#include "gpu_vector.h"
#include "gpu_view.h"

enum { BLOCK = 256, PACK = 4 };
enum {
	MARGIN = 96, /* floats: 3 * VIEW_RADIUS, in whole packs */
	LINES = 6400,
	ROWS_SHORT = 4, /* of at most SIDE_SHORT pixels; longer ones are taken one by one */
	SIDE_SHORT = (LINES / ROWS_SHORT - 2 * MARGIN) / CHANNELS
};

static __device__ void rows_load(
	struct pack<float, PACK> *lines, int rows, const float *from, int pitch, int y0, int side)
{
	const int length = LINES / rows / PACK, margin = MARGIN / PACK;
	const int inner = (CHANNELS * side + PACK - 1) / PACK;
	const int used = inner + 2 * margin;

	for (int i = threadIdx.x; i < rows * used; i += BLOCK) {
		int row = i / used, at = i % used - margin, y = y0 + row;
		int inside = y < side && at >= 0 && at < inner;

		lines[row * length + at + margin] = pack_load_if<PACK>(
			inside, from + (size_t)(inside ? y * pitch + at * PACK : 0));
	}
}

/* The contrast and what follows it, on `side` pixels of each row. */
static __device__ void rows_colour(float *lines, int rows, const struct view_params *p,
	const struct view_found *found, int place)
{
	const int side = view_side(p);
	const float r = found->mean[0], g = found->mean[1], b = found->mean[2];

	for (int i = threadIdx.x; i < rows * side; i += BLOCK) {
		float *at = lines + i / side * (LINES / rows) + MARGIN + CHANNELS * (i % side);
		struct pixel x;

		x.r = view_contrast(at[0], r, p->contrast);
		x.g = view_contrast(at[1], g, p->contrast);
		x.b = view_contrast(at[2], b, p->contrast);
		x = view_jitter(x, p, place + 1, JITTERS);
		at[0] = x.r, at[1] = x.g, at[2] = x.b;
	}
}

/* A thread takes the same column of floats in all rows: it needs a weight once for all of them. */
template <int ROWS>
static __device__ void rows_blur(
	float *to, const float *lines, const float *weight, int radius, int pitch, int y0, int side)
{
	const int length = LINES / ROWS;

	for (int i = threadIdx.x; i < CHANNELS * side; i += BLOCK) {
		const float *at = lines + MARGIN + i;
		float sum[ROWS];

		for (int row = 0; row < ROWS; row++)
			sum[row] = at[row * length] * weight[0];
		for (int k = 1; k <= radius; k++)
			for (int row = 0; row < ROWS; row++)
				sum[row] += (at[row * length - CHANNELS * k] +
						    at[row * length + CHANNELS * k]) *
					weight[k];
		for (int row = 0; row < ROWS; row++)
			if (y0 + row < side)
				to[(size_t)(y0 + row) * (size_t)pitch + i] = sum[row];
	}
}

template <int ROWS> static __global__ void rows_kernel(const struct view_batch b)
{
	__shared__ struct pack<float, PACK> lines[LINES / PACK];
	__shared__ float weight[VIEW_RADIUS + 1];
	const int groups = (b.side + ROWS - 1) / ROWS;
	const int view = (int)blockIdx.x / groups, y0 = (int)blockIdx.x % groups * ROWS;
	const struct view_params *p = b.params + view;
	const struct view_found *found = b.found + view;
	const int side = view_side(p), place = view_contrast_place(p), radius = found->radius;
	float *picture = view_picture(&b, view);

	if (y0 >= side || (place == JITTERS && radius == 0))
		return;
	if ((int)threadIdx.x <= radius)
		weight[threadIdx.x] = found->weight[threadIdx.x];
	rows_load(lines, ROWS, picture, b.pitch, y0, side);
	__syncthreads();
	if (place < JITTERS) {
		rows_colour(lines->v, ROWS, p, found, place);
		__syncthreads();
	}
	rows_blur<ROWS>(picture, lines->v, weight, radius, b.pitch, y0, side);
}

void view_rows_cuda(struct cuda *cuda, const struct view_batch *b)
{
	if (b->side <= SIDE_SHORT)
		LAUNCH(rows_kernel<ROWS_SHORT>,
			(unsigned)b->count * (unsigned)((b->side + ROWS_SHORT - 1) / ROWS_SHORT),
			BLOCK, cuda, *b);
	else
		LAUNCH(rows_kernel<1>, (unsigned)b->count * (unsigned)b->side, BLOCK, cuda, *b);
}
