#ifndef KERNELS_WINOGRAD_LINES_H
#define KERNELS_WINOGRAD_LINES_H

/* Winograd's convolution along a line, TILE_LANES channels side by side: for winograd_tiles.c,
 * which takes rows and then columns.  A line has m outputs, 4 or 3: a constant where these are
 * used.  With 3 the point infinity is left out, and all others are as with 4: both are products
 * with the same transformed filter.
 *
 * Stride 1, F(4, 3): the points are 0, a, -a, b, -b and infinity with a = 3/4 and b = 3/2.  Their
 * powers and products are exact in float, and near 1: sums lose half of the digits that they lose
 * with Lavin's 1 and 2.
 *
 * Stride 2: inputs at even places, one more than outputs, meet the first and the last tap, a pair,
 * by F(4, 2) at c, -c, d, -d and infinity with c = 1/2 and d = 5/4, the best of some that were
 * tried; inputs at odd places meet the middle tap, which needs no transform.  Even places come
 * first in inputs, single taps' points before those of pairs.
 *
 * Points p and -p share their even and odd parts. */

#include "winograd_tiles.h"

#define A 0.75f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)
#define A3 (A * A2)
#define B3 (B * B2)

#define C 0.5f
#define D 1.25f
#define C2 (C * C)
#define D2 (D * D)
#define C3 (C * C2)
#define D3 (D * D2)

/* One over the product of a point's distances to the other finite points; of -c and -d with the
 * other sign. */
#define NEAR_0 (1 / (A2 * B2))
#define NEAR_A (1 / (2 * A2 * (A2 - B2)))
#define NEAR_B (1 / (2 * B2 * (B2 - A2)))
#define NEAR_C (1 / (2 * C * (C2 - D2)))
#define NEAR_D (1 / (2 * D * (D2 - C2)))

typedef float lanes __attribute__((vector_size(TILE_LANES * sizeof(float))));

/* What is at points a, -a, b and -b, from the even and odd parts of a's and of b's. */
static inline void both_signs(lanes v[4], const lanes even[2], const lanes odd[2])
{
	v[0] = even[0] + odd[0];
	v[1] = even[0] - odd[0];
	v[2] = even[1] + odd[1];
	v[3] = even[1] - odd[1];
}

/* ---- stride 1 ---- */

/* v [m + 2] of d [m + 2]: at each point the coefficients of the product of (x - q) over the other
 * finite points q, times d. */
static inline void input_line(lanes *v, const lanes *d, int m)
{
	const lanes even[] = { d[4] - B2 * d[2], d[4] - A2 * d[2] };
	const lanes odd[] = { A * d[3] - A * B2 * d[1], B * d[3] - B * A2 * d[1] };

	v[0] = A2 * B2 * d[0] - (A2 + B2) * d[2] + d[4];
	both_signs(v + 1, even, odd);
	if (m == 4)
		v[5] = A2 * B2 * d[1] - (A2 + B2) * d[3] + d[5];
}

/* y [m] of p [m + 2] */
static inline void output_line(lanes *y, const lanes *p, int m)
{
	lanes even_a = p[1] + p[2], odd_a = p[1] - p[2];
	lanes even_b = p[3] + p[4], odd_b = p[3] - p[4];

	y[0] = p[0] + even_a + even_b;
	y[1] = A * odd_a + B * odd_b;
	y[2] = A2 * even_a + B2 * even_b;
	if (m == 4)
		y[3] = A3 * odd_a + B3 * odd_b + p[5];
}

/* z [m + 2] of dy [m] */
static inline void gradient_line(lanes *z, const lanes *dy, int m)
{
	const lanes even[] = { dy[0] + A2 * dy[2], dy[0] + B2 * dy[2] };
	lanes odd[] = { A * dy[1], B * dy[1] };

	if (m == 4) {
		odd[0] += A3 * dy[3];
		odd[1] += B3 * dy[3];
		z[5] = dy[3];
	}
	z[0] = dy[0];
	both_signs(z + 1, even, odd);
}

static inline void filter_line(lanes u[6], const lanes g[3])
{
	const lanes even[] = { NEAR_A * g[0] + NEAR_A * A2 * g[2],
		NEAR_B * g[0] + NEAR_B * B2 * g[2] };
	const lanes odd[] = { NEAR_A * A * g[1], NEAR_B * B * g[1] };

	u[0] = NEAR_0 * g[0];
	both_signs(u + 1, even, odd);
	u[5] = g[2];
}

static inline void filter_gradient_line(lanes g[3], const lanes u[6])
{
	lanes even_a = NEAR_A * (u[1] + u[2]), odd_a = NEAR_A * (u[1] - u[2]);
	lanes even_b = NEAR_B * (u[3] + u[4]), odd_b = NEAR_B * (u[3] - u[4]);

	g[0] = NEAR_0 * u[0] + even_a + even_b;
	g[1] = A * odd_a + B * odd_b;
	g[2] = A2 * even_a + B2 * even_b + u[5];
}

/* ---- stride 2 ---- */

/* v [2 m + 1] of d [2 m + 1] */
static inline void strided_input_line(lanes *v, const lanes *d, int m)
{
	const lanes even[] = { d[3] - D2 * d[1], d[3] - C2 * d[1] };
	const lanes odd[] = { C * d[2] - C * D2 * d[0], D * d[2] - D * C2 * d[0] };

	for (int i = 0; i < m; i++)
		v[i] = d[m + 1 + i];
	both_signs(v + m, even, odd);
	if (m == 4)
		v[8] = C2 * D2 * d[0] - (C2 + D2) * d[2] + d[4];
}

/* y [2 m] of p [2 m + 1]: what pairs make, then what single taps make, which are different pixels
 * of the gradient of the input. */
static inline void apart_output_line(lanes *y, const lanes *p, int m)
{
	lanes even_c = p[m] + p[m + 1], odd_c = p[m] - p[m + 1];
	lanes even_d = p[m + 2] + p[m + 3], odd_d = p[m + 2] - p[m + 3];

	y[0] = even_c + even_d;
	y[1] = C * odd_c + D * odd_d;
	y[2] = C2 * even_c + D2 * even_d;
	if (m == 4)
		y[3] = C3 * odd_c + D3 * odd_d + p[8];
	for (int i = 0; i < m; i++)
		y[m + i] = p[i];
}

/* y [m] of p [2 m + 1] */
static inline void strided_output_line(lanes *y, const lanes *p, int m)
{
	lanes both[8];

	apart_output_line(both, p, m);
	for (int i = 0; i < m; i++)
		y[i] = both[i] + both[m + i];
}

/* z [2 m + 1] of dy [m] */
static inline void strided_gradient_line(lanes *z, const lanes *dy, int m)
{
	const lanes even[] = { dy[0] + C2 * dy[2], dy[0] + D2 * dy[2] };
	lanes odd[] = { C * dy[1], D * dy[1] };

	if (m == 4) {
		odd[0] += C3 * dy[3];
		odd[1] += D3 * dy[3];
		z[8] = dy[3];
	}
	for (int i = 0; i < m; i++)
		z[i] = dy[i];
	both_signs(z + m, even, odd);
}

static inline void strided_filter_line(lanes u[6], const lanes g[3])
{
	const lanes even[] = { NEAR_C * C * g[2], NEAR_D * D * g[2] };
	const lanes odd[] = { NEAR_C * g[0], NEAR_D * g[0] };

	u[0] = g[1];
	both_signs(u + 1, even, odd);
	u[5] = g[2];
}

static inline void strided_filter_gradient_line(lanes g[3], const lanes u[6])
{
	g[0] = NEAR_C * (u[1] - u[2]) + NEAR_D * (u[3] - u[4]);
	g[1] = u[0];
	g[2] = NEAR_C * C * (u[1] + u[2]) + NEAR_D * D * (u[3] + u[4]) + u[5];
}

#endif
