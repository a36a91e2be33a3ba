#ifndef KERNELS_WINOGRAD_TILING_H
#define KERNELS_WINOGRAD_TILING_H

#include "nn/backend.h"
#include "winograd_tiles.h"

/* A convolution of side 3 and stride 1 as tiles: maps of `in` channels become maps of `out`.  Tile
 * (i, j) of an image makes the 4x4 outputs from (4i, 4j) on, of the 6x6 inputs from (4i - top, 4j -
 * left) on; what lies beyond a map is zero, and not made. */

struct tiling {
	int n, top, left;
	int in_height, in_width, in;
	int out_height, out_width, out;
	int down, across, count; /* tiles: of an image, of all images */
};

struct tiling tiling_of(const struct conv_shape *s);
/* That of the gradient of the input: the filters turned around, on the gradient of the output. */
struct tiling tiling_of_data(const struct conv_shape *s);

/* Addresses of a tile's 36 inputs and 16 outputs in maps x and y; `beyond` for those outside. */
void tiling_inputs(float **pixel, const struct tiling *t, const float *x, int tile, float *beyond);
void tiling_outputs(float **pixel, const struct tiling *t, float *y, int tile, float *beyond);

/* Outputs at a time whose filters at the points stay in the caches. */
int tiling_block(const struct tiling *t);

/* Channels at a time, of `channels`, in turns as even as may be: a multiple of TILE_LANES, about
 * `most` at most. */
int tiling_part(int channels, int most);

/* Floats from one point's matrix to the next, a line of the cache more than it has: the 36 are
 * written side by side, and must not fall into the same few lines. */
static inline size_t apart(int rows, int columns)
{
	return (size_t)rows * (size_t)columns + TILE_LANES;
}

#endif
