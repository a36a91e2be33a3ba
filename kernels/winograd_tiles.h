#ifndef KERNELS_WINOGRAD_TILES_H
#define KERNELS_WINOGRAD_TILES_H

#include <stddef.h>

/* The transforms of Winograd's convolution F(4x4, 3x3): "Fast Algorithms for Convolutional Neural
 * Networks", Lavin and Gray 2016, section 4.3.  4x4 outputs of filter g on the 6x6 inputs d are A'
 * [(G g G') * (B' d B)] A, with * element by element, at 36 points.
 *
 * Everything is done for `channels` floats side by side, a multiple of TILE_LANES.  Pixels are
 * given by their addresses, point p of what is made or taken is at p * stride floats. */

enum {
	TILE_IN = 6,
	TILE_POINTS = TILE_IN * TILE_IN,
	TILE_OUT = 4,
	TILE_PIXELS = TILE_OUT * TILE_OUT,
	TILE_SIDE = 3, /* of a filter */
	TILE_TAPS = TILE_SIDE * TILE_SIDE,
	TILE_LANES = 16
};

/* v = B' d B */
void tile_input(float *v, size_t stride, const float *const d[TILE_POINTS], int channels);

/* y = A' m A; pixels whose address is NULL are left out */
void tile_output(float *const y[TILE_PIXELS], const float *m, size_t stride, int channels);

/* z = A dy A', from gradients of outputs to those of m */
void tile_output_gradient(
	float *z, size_t stride, const float *const dy[TILE_PIXELS], int channels);

/* u = G g G' */
void tile_filter(float *u, size_t stride, const float *const g[TILE_TAPS], int channels);

/* dg += G' du G, from gradients of u to those of taps */
void tile_filter_gradient(float *const dg[TILE_TAPS], const float *du, size_t stride, int channels);

#endif
