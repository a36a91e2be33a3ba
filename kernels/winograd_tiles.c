/* winograd_tiles.c - transforms of tiles, 16 channels at a time: along rows, then along columns. */
#include "base/clones.h"

#include "winograd_lines.h"

typedef float lanes_at __attribute__((vector_size(TILE_LANES * sizeof(float)), aligned(4)));

#define LOAD(p) (*(const lanes_at *)(p))
#define STORE(p, x) (*(lanes_at *)(p) = (x))
#define UNROLL _Pragma("GCC unroll 9")
#define UNROLL16 _Pragma("GCC unroll 16")

/* How many numbers a line of m outputs has. */
#define OUTPUTS(m) (m)
#define POINTS(m) ((m) + 2)
#define STRIDED_POINTS(m) (2 * (m) + 1)
#define APART(m) (2 * (m))

/* All rows, of n numbers, become rows of mid. */
#define ROWS(n, LINE, TAKE)                                                                        \
	for (int i = 0; i < rows; i++) {                                                           \
		lanes row[n];                                                                      \
                                                                                                   \
		UNROLL for (int j = 0; j < (n); j++) TAKE(row[j], i *(n) + j);                     \
		LINE;                                                                              \
	}

/* All columns of mid, of n numbers, become `out` of k numbers. */
#define COLUMNS(n, k, LINE, GIVE)                                                                  \
	for (int j = 0; j < columns; j++) {                                                        \
		lanes column[n], out[k];                                                           \
                                                                                                   \
		UNROLL for (int i = 0; i < (n); i++) column[i] = mid[i][j];                        \
		LINE;                                                                              \
		UNROLL for (int i = 0; i < (k); i++) GIVE(i *columns + j, out[i]);                 \
	}

/* The body of each: a line of m outputs has N(m) numbers, which become K(m).  TAKE(x, p) and
 * GIVE(p, x) are place p in row-major order. */
#define TRANSFORM(line, N, K, TAKE, GIVE)                                                          \
	const int rows = N(s->rows), columns = K(s->columns);                                      \
                                                                                                   \
	for (int c = 0; c < channels; c += TILE_LANES) {                                           \
		lanes mid[N(4)][K(4)];                                                             \
                                                                                                   \
		if (s->columns == 4)                                                               \
			ROWS(N(4), line(mid[i], row, 4), TAKE)                                     \
		else                                                                               \
			ROWS(N(3), line(mid[i], row, 3), TAKE)                                     \
		if (s->rows == 4)                                                                  \
			COLUMNS(N(4), K(4), line(out, column, 4), GIVE)                            \
		else                                                                               \
			COLUMNS(N(3), K(3), line(out, column, 3), GIVE)                            \
	}

#define FROM(x, p) x = LOAD(from[p] + c)
#define TO(p, x) STORE(to[p] + c, x)
#define TO_WHAT_IS_THERE(p, x)                                                                     \
	if (to[p])                                                                                 \
	STORE(to[p] + c, x)
#define ADD_TO(p, x) STORE(to[p] + c, LOAD(to[p] + c) + (x))
#define ADD_TO_WHAT_IS_THERE(p, x)                                                                 \
	if (to[p])                                                                                 \
	ADD_TO(p, x)

CLONES static void input(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(input_line, POINTS, POINTS, FROM, TO);
}

CLONES static void strided_input(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(strided_input_line, STRIDED_POINTS, STRIDED_POINTS, FROM, TO);
}

void tile_input(const struct tile *s, float *const v[], const float *const d[], int channels)
{
	(s->way == TILE_STRIDE_1 ? input : strided_input)(s, v, d, channels);
}

CLONES static void output(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(output_line, POINTS, OUTPUTS, FROM, TO_WHAT_IS_THERE);
}

CLONES static void strided_output(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(strided_output_line, STRIDED_POINTS, OUTPUTS, FROM, TO_WHAT_IS_THERE);
}

CLONES static void apart_output(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(apart_output_line, STRIDED_POINTS, APART, FROM, TO_WHAT_IS_THERE);
}

CLONES static void output_added(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(output_line, POINTS, OUTPUTS, FROM, ADD_TO_WHAT_IS_THERE);
}

CLONES static void apart_output_added(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(apart_output_line, STRIDED_POINTS, APART, FROM, ADD_TO_WHAT_IS_THERE);
}

void tile_output(
	const struct tile *s, float *const y[], const float *const m[], int channels, int add)
{
	static void (*const ways[][2])(const struct tile *s, float *const to[],
		const float *const from[], int channels) = {
		[TILE_STRIDE_1] = { output, output_added },
		[TILE_STRIDE_2] = { strided_output, NULL },
		[TILE_APART] = { apart_output, apart_output_added },
	};

	ways[s->way][add](s, y, m, channels);
}

CLONES static void gradient(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(gradient_line, OUTPUTS, POINTS, FROM, TO);
}

CLONES static void strided_gradient(
	const struct tile *s, float *const to[], const float *const from[], int channels)
{
	TRANSFORM(strided_gradient_line, OUTPUTS, STRIDED_POINTS, FROM, TO);
}

void tile_output_gradient(
	const struct tile *s, float *const z[], const float *const dy[], int channels)
{
	(s->way == TILE_STRIDE_1 ? gradient : strided_gradient)(s, z, dy, channels);
}

/* ---- filters: three taps a line, always at all points ---- */

#define FILTER(line, n, k, TAKE, GIVE)                                                             \
	const int rows = (n), columns = (k);                                                       \
                                                                                                   \
	for (int c = 0; c < channels; c += TILE_LANES) {                                           \
		lanes mid[n][k];                                                                   \
                                                                                                   \
		ROWS(n, line(mid[i], row), TAKE)                                                   \
		COLUMNS(n, k, line(out, column), GIVE)                                             \
	}

#define POINT(x, p) x = LOAD(u + (size_t)(p)*stride + c)
#define TO_POINT(p, x) STORE(u + (size_t)(p)*stride + c, x)

CLONES static void filter(float *u, size_t stride, const float *const from[9], int channels)
{
	FILTER(filter_line, TILE_SIDE, TILE_FILTER, FROM, TO_POINT);
}

CLONES static void strided_filter(float *u, size_t stride, const float *const from[9], int channels)
{
	FILTER(strided_filter_line, TILE_SIDE, TILE_FILTER, FROM, TO_POINT);
}

void tile_filter(
	enum tile_way way, float *u, size_t stride, const float *const g[TILE_TAPS], int channels)
{
	(way == TILE_STRIDE_1 ? filter : strided_filter)(u, stride, g, channels);
}

CLONES static void filter_gradient(float *const to[9], const float *u, size_t stride, int channels)
{
	FILTER(filter_gradient_line, TILE_FILTER, TILE_SIDE, POINT, ADD_TO);
}

CLONES static void strided_filter_gradient(
	float *const to[9], const float *u, size_t stride, int channels)
{
	FILTER(strided_filter_gradient_line, TILE_FILTER, TILE_SIDE, POINT, ADD_TO);
}

void tile_filter_gradient(
	enum tile_way way, float *const dg[TILE_TAPS], const float *du, size_t stride, int channels)
{
	(way == TILE_STRIDE_1 ? filter_gradient : strided_filter_gradient)(
		dg, du, stride, channels);
}

/* ---- turning ---- */

#ifdef __clang__
#define SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int lane_numbers __attribute__((vector_size(TILE_LANES * sizeof(int))));
#define SHUFFLED(a, b, ...) __builtin_shuffle(a, b, (lane_numbers){ __VA_ARGS__ })
#endif

/* a[n], b[n], a[n + 1], b[n + 1] ... */
#define IN_TURN(a, b, n)                                                                           \
	SHUFFLED(a, b, n, 16 + n, n + 1, 17 + n, n + 2, 18 + n, n + 3, 19 + n, n + 4, 20 + n,      \
		n + 5, 21 + n, n + 6, 22 + n, n + 7, 23 + n)

static inline __attribute__((always_inline)) void merge_halves(lanes *to, const lanes *from)
{
	UNROLL for (size_t i = 0; i < TILE_LANES / 2; i++)
	{
		to[2 * i] = IN_TURN(from[i], from[i + TILE_LANES / 2], 0);
		to[2 * i + 1] = IN_TURN(from[i], from[i + TILE_LANES / 2], 8);
	}
}

/* Four times the rows of the upper half come between those of the lower one, and so do numbers. */
CLONES void tile_turn(float *to, size_t to_row, const float *from, size_t from_row)
{
	lanes a[TILE_LANES], b[TILE_LANES];

	UNROLL16 for (size_t i = 0; i < TILE_LANES; i++) a[i] = LOAD(from + i * from_row);
	merge_halves(b, a);
	merge_halves(a, b);
	merge_halves(b, a);
	merge_halves(a, b);
	UNROLL16 for (size_t i = 0; i < TILE_LANES; i++) STORE(to + i * to_row, a[i]);
}
