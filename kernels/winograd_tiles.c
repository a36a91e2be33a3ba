/* winograd_tiles.c - transforms of tiles, 16 channels at a time.
 * The points are 0, a, -a, b, -b and infinity with a = 3/4 and b = 3/2.  Their powers and products
 * are exact in float, and near 1: sums lose half of the digits that they lose with Lavin's 1 and 2.
 * A transform is one of six, four or three numbers, along rows and then along columns; points p and
 * -p share their even and odd parts. */
#include "base/clones.h"

#include "winograd_tiles.h"

#define A 0.75f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)
#define A3 (A * A2)
#define B3 (B * B2)
/* One over the product of a point's distances to the other finite points. */
#define NEAR_0 (1 / (A2 * B2))
#define NEAR_A (1 / (2 * A2 * (A2 - B2)))
#define NEAR_B (1 / (2 * B2 * (B2 - A2)))

typedef float lanes __attribute__((vector_size(TILE_LANES * sizeof(float))));
typedef float lanes_at __attribute__((vector_size(TILE_LANES * sizeof(float)), aligned(4)));

#define LOAD(p) (*(const lanes_at *)(p))
#define UNROLL _Pragma("GCC unroll 6")
#define STORE(p, x) (*(lanes_at *)(p) = (x))

/* ---- along a line ---- */

/* What is at points a, -a, b and -b, from the even and odd parts of a's and of b's. */
static inline void both_signs(lanes v[6], const lanes even[2], const lanes odd[2])
{
	v[1] = even[0] + odd[0];
	v[2] = even[0] - odd[0];
	v[3] = even[1] + odd[1];
	v[4] = even[1] - odd[1];
}

static inline void input_line(lanes v[6], const lanes d[6])
{
	const lanes even[] = { d[4] - B2 * d[2], d[4] - A2 * d[2] };
	const lanes odd[] = { A * d[3] - A * B2 * d[1], B * d[3] - B * A2 * d[1] };

	v[0] = A2 * B2 * d[0] - (A2 + B2) * d[2] + d[4];
	both_signs(v, even, odd);
	v[5] = A2 * B2 * d[1] - (A2 + B2) * d[3] + d[5];
}

static inline void output_line(lanes y[4], const lanes m[6])
{
	lanes even_a = m[1] + m[2], odd_a = m[1] - m[2];
	lanes even_b = m[3] + m[4], odd_b = m[3] - m[4];

	y[0] = m[0] + even_a + even_b;
	y[1] = A * odd_a + B * odd_b;
	y[2] = A2 * even_a + B2 * even_b;
	y[3] = A3 * odd_a + B3 * odd_b + m[5];
}

static inline void output_gradient_line(lanes m[6], const lanes y[4])
{
	const lanes even[] = { y[0] + A2 * y[2], y[0] + B2 * y[2] };
	const lanes odd[] = { A * y[1] + A3 * y[3], B * y[1] + B3 * y[3] };

	m[0] = y[0];
	both_signs(m, even, odd);
	m[5] = y[3];
}

static inline void filter_line(lanes u[6], const lanes g[3])
{
	const lanes even[] = { NEAR_A * g[0] + NEAR_A * A2 * g[2],
		NEAR_B * g[0] + NEAR_B * B2 * g[2] };
	const lanes odd[] = { NEAR_A * A * g[1], NEAR_B * B * g[1] };

	u[0] = NEAR_0 * g[0];
	both_signs(u, even, odd);
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

/* ---- tiles ---- */

/* The body of each: n x n numbers, along rows and then along columns, become k x k.  TAKE(x, p)
 * and GIVE(p, x) are place p in row-major order. */
#define TRANSFORM(line, n, k, TAKE, GIVE)                                                          \
	for (int c = 0; c < channels; c += TILE_LANES) {                                           \
		lanes mid[n][k];                                                                   \
                                                                                                   \
		UNROLL for (int i = 0; i < n; i++)                                                 \
		{                                                                                  \
			lanes row[n];                                                              \
                                                                                                   \
			UNROLL for (int j = 0; j < n; j++) TAKE(row[j], i *n + j);                 \
			line(mid[i], row);                                                         \
		}                                                                                  \
		UNROLL for (int j = 0; j < k; j++)                                                 \
		{                                                                                  \
			lanes column[n], out[k];                                                   \
                                                                                                   \
			UNROLL for (int i = 0; i < n; i++) column[i] = mid[i][j];                  \
			line(out, column);                                                         \
			UNROLL for (int i = 0; i < k; i++) GIVE(i *k + j, out[i]);                 \
		}                                                                                  \
	}

#define PIXEL(x, p) x = LOAD(from[p] + c)
#define POINT(x, p) x = LOAD(from + (size_t)(p)*stride + c)
#define TO_POINT(p, x) STORE(to + (size_t)(p)*stride + c, x)
#define TO_PIXEL(p, x)                                                                             \
	if (to[p])                                                                                 \
	STORE(to[p] + c, x)
#define ADD_TO_PIXEL(p, x) STORE(to[p] + c, LOAD(to[p] + c) + (x))

CLONES void tile_input(float *to, size_t stride, const float *const from[36], int channels)
{
	TRANSFORM(input_line, 6, 6, PIXEL, TO_POINT);
}

CLONES void tile_output(float *const to[16], const float *from, size_t stride, int channels)
{
	TRANSFORM(output_line, 6, 4, POINT, TO_PIXEL);
}

CLONES void tile_output_gradient(
	float *to, size_t stride, const float *const from[16], int channels)
{
	TRANSFORM(output_gradient_line, 4, 6, PIXEL, TO_POINT);
}

CLONES void tile_filter(float *to, size_t stride, const float *const from[9], int channels)
{
	TRANSFORM(filter_line, 3, 6, PIXEL, TO_POINT);
}

CLONES void tile_filter_gradient(float *const to[9], const float *from, size_t stride, int channels)
{
	TRANSFORM(filter_gradient_line, 6, 3, POINT, ADD_TO_PIXEL);
}
