#ifndef KERNELS_WINOGRAD_POINTS_H
#define KERNELS_WINOGRAD_POINTS_H

#include "winograd_tiling.h"

/* The points of tiles as rows of matrices, one matrix for each of the 36 points of a filter, which
 * all rows are multiplied by.  A tile has one row there, none or several. */

/* The most points that a tile has; the number of all tiles' points. */
static inline int points_most(enum tile_way way)
{
	return way == TILE_STRIDE_1 ? 6 * 6 : TILE_MOST;
}

int points_of_all(const struct tiling *t);

/* The matrices of some tiles, one after another. */
struct matrices {
	const struct tiling *t;
	int before[TILE_FILTERS];    /* at each point: rows of tiles before these */
	int begin[TILE_FILTERS + 1]; /* rows of the matrices of points before; the last: all */
};

/* Those of tiles [first, first + tiles). */
struct matrices matrices_of(const struct tiling *t, int first, int tiles);

/* Floats of all, and floats before the one of a point, where rows have so many channels.  They lie
 * a line of the cache more apart than they are long: they are written side by side, and must not
 * fall into the same few lines. */
static inline size_t matrices_floats(const struct matrices *m, int channels)
{
	return (size_t)m->begin[TILE_FILTERS] * (size_t)channels + TILE_FILTERS * TILE_LANES;
}

static inline size_t matrices_at(const struct matrices *m, int point, int channels)
{
	return (size_t)m->begin[point] * (size_t)channels + (size_t)(point * TILE_LANES);
}

/* The most floats of the matrices of so many tiles. */
static inline size_t matrices_most(const struct tiling *t, int tiles, int channels)
{
	return (size_t)(tiles * points_most(t->way)) * (size_t)channels + TILE_FILTERS * TILE_LANES;
}

/* Tiles of those that have matrices. */
struct tiles {
	int first, count;
};

/* v: the matrices of so many channels of map x, from its first that is meant; `beyond`: what lies
 * beyond it, as many floats. */
void points_of_inputs(float *v, const struct matrices *m, const float *x, int channels,
	float *beyond, const struct tiles *tiles);

/* Map y, from its first channel that is meant: so many channels, from p, the matrices of these;
 * add: to what is there. */
void points_to_outputs(float *y, const struct matrices *m, const float *p, int channels,
	const struct tiles *tiles, int add);

/* z: the matrices of gradients of so many channels of map dy, from its first that is meant. */
void points_of_gradients(float *z, const struct matrices *m, const float *dy, int channels,
	float *beyond, const struct tiles *tiles);

#endif
