#ifndef KERNELS_GPU_COLUMNS_H
#define KERNELS_GPU_COLUMNS_H

#include "gpu_vector.h"

/* How the threads of a grid lie over a (groups, rows, channels) array.
 *
 * Consecutive threads have consecutive packs of a row, so that a warp's accesses are whole lines of
 * memory, and a thread stays with its channels: what belongs to a channel is read once.  A block is
 * `width` packs wide, at most a warp, and `height` rows high; few channels make it higher.  Blocks
 * lie along the rows (x), the channels (y) and the groups (z); along the rows they stride. */

enum {
	COLUMNS_BLOCK = 256,
	COLUMNS_WIDTH = 32,
	COLUMNS_UNROLL = 4 /* rows whose loads a thread has in flight */
};

struct columns {
	size_t rows; /* of a group */
	int channels;
	int packs, width, height;
};

static inline struct columns columns_of(size_t rows, int channels, int pack)
{
	struct columns c;
	int packs = channels / pack, blocks = (packs + COLUMNS_WIDTH - 1) / COLUMNS_WIDTH;

	c.rows = rows;
	c.channels = channels;
	c.packs = packs;
	c.width = (packs + blocks - 1) / blocks;
	c.height = COLUMNS_BLOCK / c.width;
	return c;
}

/* Blocks enough for so many on each multiprocessor, unless a thread would have fewer rows than
 * rows_least. */
static inline dim3 columns_grid(
	const struct cuda *cuda, const struct columns *c, int groups, int blocks, int rows_least)
{
	size_t across = (size_t)(c->packs + c->width - 1) / (size_t)c->width;
	size_t most = (size_t)(cuda->multiprocessors * blocks) / (across * (size_t)groups);
	size_t least = (size_t)(c->height * rows_least);
	size_t along = (c->rows + least - 1) / least;

	along = along < most ? along : most;
	return dim3(along > 0 ? (unsigned)along : 1, (unsigned)across, (unsigned)groups);
}

/* A thread's place: it has rows row, row + step ... and W channels; element (0, channel) of its
 * group is at `at`. */
struct columns_place {
	int inside; /* 0: it has nothing to do */
	int channel;
	size_t row, step, at;
};

static inline __device__ struct columns_place place_of(const struct columns *c, int pack)
{
	int lane = (int)threadIdx.x % c->width, y = (int)threadIdx.x / c->width;
	int column = (int)blockIdx.y * c->width + lane;
	struct columns_place p;

	p.inside = y < c->height && column < c->packs;
	p.channel = column * pack;
	p.row = (size_t)blockIdx.x * (size_t)c->height + (size_t)y;
	p.step = (size_t)gridDim.x * (size_t)c->height;
	p.at = (size_t)blockIdx.z * c->rows * (size_t)c->channels + (size_t)p.channel;
	return p;
}

/* Where a thread's columns begin in an array; NULL: there is no array. */
template <class T>
static inline __device__ T *columns_to(void *array, const struct columns_place *p)
{
	return array ? (T *)array + p->at : NULL;
}

template <class T>
static inline __device__ const T *columns_from(const void *array, const struct columns_place *p)
{
	return array ? (const T *)array + p->at : NULL;
}

#endif
