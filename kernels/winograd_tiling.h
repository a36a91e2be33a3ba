#ifndef KERNELS_WINOGRAD_TILING_H
#define KERNELS_WINOGRAD_TILING_H

#include "nn/backend.h"
#include "winograd_tiles.h"

/* A convolution of side 3 as tiles: maps of `in` channels become maps of `out`. What lies beyond a
 * map is zero, and not made. */

/* One side of the maps. */
struct tiling_side {
	int in, out;      /* pixels */
	int tiles, fours; /* all, and those of 4 outputs, which come first; the others have 3 */
	int before;       /* of an image's first tile, pixels of input before the map */
	int late;         /* TILE_APART: whether single taps make a pair's second pixel */
};

struct tiling {
	enum tile_way way;
	int n, in, out;
	struct tiling_side rows, columns;
	int count; /* tiles of all images */
};

struct tiling tiling_of(const struct conv_shape *s);
/* That of the gradient of the input: the filters turned around, on the gradient of the output. */
struct tiling tiling_of_data(const struct conv_shape *s);

/* A tile, and which it is: of which image, and of its rows and columns of tiles. */
struct tiling_place {
	struct tile tile;
	int image, row, column;
};

/* tile == count: the place after the last. */
struct tiling_place tiling_place(const struct tiling *t, int tile);

/* Addresses of a tile's inputs and outputs in maps x and y; `beyond` for those outside. */
void tiling_inputs(float **pixel, const struct tiling *t, const float *x,
	const struct tiling_place *p, float *beyond);
void tiling_outputs(float **pixel, const struct tiling *t, float *y, const struct tiling_place *p,
	float *beyond);

/* Outputs at a time whose filters at the points stay in the caches. */
int tiling_block(const struct tiling *t);

/* Channels at a time, of `channels`, in turns as even as may be: a multiple of TILE_LANES, about
 * `most` at most. */
int tiling_part(int channels, int most);

/* Floats from one point's filters to the next, a line of the cache more than they are long. */
static inline size_t apart(int rows, int columns)
{
	return (size_t)rows * (size_t)columns + TILE_LANES;
}

#endif
