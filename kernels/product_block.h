/* product_block.h - a product in blocks of 6 rows by so many vectors, whose sums stay in registers
 * while k passes: for product_cpu.c, which includes it for each instruction set, with
 *
 * TARGET   of the compiler
 * LANES    floats of a vector
 * WIDTH    vectors of a block: 4, or 2
 * ASKS_ALL 1, or 0 where to ask for y, or more than one array like a, takes longer than it saves
 * NAME(x)  of what is defined here
 *
 * Read alone, it is for AVX2. */
#include "product_cpu.h"

#ifndef NAME
#define TARGET "avx2,fma"
#define LANES 8
#define WIDTH 2
#define ASKS_ALL 0
#define NAME(x) x##_alone
#endif

#define EACH(DO, r) DO(r, 0) DO(r, 1) DO(r, 2) DO(r, 3)
#define EACH_ROW(DO) EACH(DO, 0) EACH(DO, 1) EACH(DO, 2) EACH(DO, 3) EACH(DO, 4) EACH(DO, 5)

typedef float NAME(vector) __attribute__((vector_size(LANES * sizeof(float))));
typedef float NAME(vector_at)
	__attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float))));

#define AT(p, i) (*(NAME(vector_at) *)((p) + LANES * (i)))
#define FROM(p, i) (*(const NAME(vector_at) *)((p) + LANES * (i)))

/* What a block asks for meanwhile: a line of each row at `next`; as much as its y after it, and at
 * both `beside`; and as much as its rows of a at each `soon`. */
struct NAME(asks) {
	const float *next, *after, *soon[3], *beside[2];
};

/* In step i of the block: line i of those in arrays like y; and in arrays like a, two by turns,
 * what lies so many floats on, which are less than a line. */
static inline __attribute__((always_inline)) void NAME(ask)(const struct product *p,
	const struct NAME(asks) * asks, size_t i, const int rows, const int width, const int beside)
{
	size_t line = i / (size_t)width * p->y_row + i % (size_t)width * LANES;
	size_t on = (size_t)rows * i;

	if (i < (size_t)(rows * width)) {
		if (ASKS_ALL)
			__builtin_prefetch(asks->after + line, 1, 2 /* second cache */);
		if (beside) {
			__builtin_prefetch(asks->beside[0] + line, 0, 2);
			__builtin_prefetch(asks->beside[1] + line, 0, 2);
		}
	}
	if (asks->soon[0])
		__builtin_prefetch(asks->soon[ASKS_ALL ? i % 2 : 0] + on, 0, 2);
	if (ASKS_ALL && asks->soon[2] && i % 2 == 0)
		__builtin_prefetch(asks->soon[2] + on, 1, 2);
}

/* rows, width in vectors, and how much it asks for (0: nothing, 1: `next`, 2: all but `beside`, 3:
 * all) are constants where it is used.  All is spelt out: sums in an array that a loop goes through
 * would lie in memory.  To ask is with short vectors a tenth of all instructions, therefore not
 * done everywhere. */
static inline __attribute__((always_inline)) void NAME(make_block)(const struct product *p,
	float *y, const float *a, const float *b, const struct NAME(asks) * asks, const int rows,
	const int width, const int much)
{
	size_t row = p->a_is_turned ? 1 : p->a_row, column = p->a_is_turned ? p->a_row : 1;
	NAME(vector) sum[6][4], right[4];

#define BEGIN(r, c)                                                                                \
	if ((r) < rows && (c) < width)                                                             \
		sum[r][c] = p->add ? AT(y + (r)*p->y_row, c) : (NAME(vector)){ 0 };
#define TAKE(r, c)                                                                                 \
	if ((c) < width)                                                                           \
		right[c] = FROM(b, c);
#define MULTIPLY(r, c)                                                                             \
	if ((r) < rows && (c) < width)                                                             \
		sum[r][c] += a[(r)*row] * right[c];
#define END(r, c)                                                                                  \
	if ((r) < rows && (c) < width)                                                             \
		AT(y + (r)*p->y_row, c) = sum[r][c];

	EACH_ROW(BEGIN)
#pragma GCC unroll 2
	for (size_t i = 0; i < p->k; i++, a += column, b += p->b_row) {
		if (much > 0)
			__builtin_prefetch(asks->next + i * p->b_row);
		if (much > 1)
			NAME(ask)(p, asks, i, rows, width, much > 2);
		EACH(TAKE, 0)
		EACH_ROW(MULTIPLY)
	}
	EACH_ROW(END)

#undef BEGIN
#undef TAKE
#undef MULTIPLY
#undef END
}

static inline const float *NAME(from)(const float *p, size_t at)
{
	return p ? p + at : NULL;
}

/* All rows of a block's columns, y from column `at` on; the last seven to eleven in two parts.  The
 * last blocks ask for the lines at `next`: earlier ones would drive out of the first cache what the
 * others read. */
static inline __attribute__((always_inline)) void NAME(make_columns)(const struct product *p,
	float *y, const float *a, const float *b, const float *next, const float *const soon[3],
	size_t at, const int width)
{
	size_t row = p->a_is_turned ? 1 : p->a_row, line = 0;
	/* rows, in as many blocks as a row has lines */
	const size_t last = PRODUCT_ROWS * (size_t)width * LANES / PRODUCT_LANES;

#define BLOCK(rows)                                                                                \
	case rows:                                                                                 \
		if (p->beside[0])                                                                  \
			NAME(make_block)(p, y + at, a, b, &asks, rows, width, 3);                  \
		else if (p->y_is_far && (ASKS_ALL || soon[0]))                                     \
			NAME(make_block)(p, y + at, a, b, &asks, rows, width, 2);                  \
		else if (left <= last)                                                             \
			NAME(make_block)(p, y + at, a, b, &asks, rows, width, 1);                  \
		else                                                                               \
			NAME(make_block)(p, y + at, a, b, &asks, rows, width, 0);                  \
		break;

	for (size_t i = 0, rows; i < p->m; i += rows, at += rows * p->y_row, a += rows * row) {
		size_t left = p->m - i;
		struct NAME(asks) asks = { .next = next + line,
			.soon = { NAME(from)(soon[0], i * row), NAME(from)(soon[1], i * row),
				NAME(from)(soon[2], i * row) },
			.beside = { NAME(from)(p->beside[0], at), NAME(from)(p->beside[1], at) } };

		rows = left >= 12 || left == 6 ? 6 : left > 6 ? left / 2 : left;
		asks.after = y + at + rows * p->y_row;
		switch (rows) {
			BLOCK(1)
			BLOCK(2)
			BLOCK(3)
			BLOCK(4)
			BLOCK(5)
			BLOCK(6)
		}
		line += left <= last ? PRODUCT_LANES : 0;
	}
#undef BLOCK
}

__attribute__((target(TARGET))) static inline void NAME(make)(
	const struct product *p, float *y, const float *a, const float *b)
{
	static const float *const none[3] = { NULL };
	const size_t columns = WIDTH * LANES;
	size_t i = 0;

	for (; i + columns <= p->n; i += columns) {
		int last = i + 2 * columns > p->n;
		const float *next = !last ? b + i + columns : p->next ? p->next : b;

		NAME(make_columns)(p, y, a, b + i, next, i > 0 ? none : p->soon, i, WIDTH);
	}
	for (; i < p->n; i += PRODUCT_LANES)
		NAME(make_columns)(p, y, a, b + i, b + i, none, i, PRODUCT_LANES / LANES);
}

#undef EACH
#undef EACH_ROW
#undef AT
#undef FROM
#undef TARGET
#undef ASKS_ALL
#undef LANES
#undef WIDTH
#undef NAME
