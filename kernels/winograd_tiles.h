#ifndef KERNELS_WINOGRAD_TILES_H
#define KERNELS_WINOGRAD_TILES_H

#include <stddef.h>

/* The transforms of Winograd's convolution: "Fast Algorithms for Convolutional Neural Networks",
 * Lavin and Gray 2016, section 4.3.  A tile's outputs of filter g on its inputs d are A' [(G g G')
 * * (B' d B)] A, with * element by element, at the tile's points.  Every point belongs to one of
 * the 36 at which filters are transformed: with stride 1 there is at most one for each, with stride
 * 2 those of inputs that meet a single tap share its filter (winograd_lines.h).
 *
 * Pixels and points are given by their addresses, in row-major order; everything is done for
 * `channels` floats side by side, a multiple of TILE_LANES. */

enum {
	TILE_SIDE = 3, /* of a filter */
	TILE_TAPS = TILE_SIDE * TILE_SIDE,
	TILE_FILTER = 6, /* of a transformed filter */
	TILE_FILTERS = TILE_FILTER * TILE_FILTER,
	TILE_LINE = 9, /* the most inputs or points of a line */
	TILE_MOST = TILE_LINE * TILE_LINE,
	TILE_LANES = 16
};

enum tile_way {
	TILE_STRIDE_1, /* a line of m outputs is made of m + 2 inputs at m + 2 points */
	TILE_STRIDE_2, /* of 2 m + 1 inputs at 2 m + 1 points: the m + 1 inputs at even places
			  come first, then those at odd places */
	TILE_APART     /* the gradient of the input of stride 2, by its filters turned around.
			  Inputs are m + 1 pixels, then those m of them that the middle tap meets;
			  m + 1 points of the former make m outputs, then the latter make m: every
			  second pixel, and those between. */
};

/* A tile of rows x columns outputs, each 4 or 3; of TILE_APART twice as many a side. */
struct tile {
	enum tile_way way;
	int rows, columns;
};

/* v = B' d B */
void tile_input(const struct tile *s, float *const v[], const float *const d[], int channels);

/* y = A' m A, or add: y += it, not of TILE_STRIDE_2; pixels whose address is NULL are left out */
void tile_output(
	const struct tile *s, float *const y[], const float *const m[], int channels, int add);

/* z = A dy A', from gradients of outputs to those of m; not of TILE_APART */
void tile_output_gradient(
	const struct tile *s, float *const z[], const float *const dy[], int channels);

/* u = G g G'; point p of u is at p * stride floats, here and below */
void tile_filter(
	enum tile_way way, float *u, size_t stride, const float *const g[TILE_TAPS], int channels);

/* to (TILE_LANES, TILE_LANES) = from turned; rows are so many floats apart. */
void tile_turn(float *to, size_t to_row, const float *from, size_t from_row);

/* dg += G' du G, from gradients of u to those of taps */
void tile_filter_gradient(enum tile_way way, float *const dg[TILE_TAPS], const float *du,
	size_t stride, int channels);

#endif
