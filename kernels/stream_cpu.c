/* stream_cpu.c - products of long activations with a small matrix. */
#include "stream_cpu.h"

#include <string.h>

#include "product_cpu.h"
#include "winograd_tiles.h"

enum {
	LONG = 1024,   /* pixels: of fewer, packing takes too long */
	DEEP = 512,    /* the most of k: beyond, a product takes far longer than what it reads */
	FEW = 1 << 17, /* floats of b, at most, where vectors are short: as many caches are small */
	PART = 512,    /* pixels at least that a thread takes at a time */
	PART_MOST = 8, /* of its parts, at most so many */
	ROOM = 1 << 16, /* floats of the x and y that are worked on: they lie in the second cache */
	ROWS_LEAST = 24,
	ROWS_MOST = 112
};

struct stream stream_of(size_t pixels, size_t k, size_t n)
{
	return (struct stream){
		.pixels = pixels, .k = k, .n = n, .panel = product_columns(product_best())
	};
}

int stream_fits(const struct stream *s)
{
	enum product_set set = product_best();

	return (set == PRODUCT_AVX512 || (set == PRODUCT_AVX2 && s->k * s->n <= FEW)) &&
		s->pixels >= LONG && s->k <= DEEP && s->k % TILE_LANES == 0 && s->n % s->panel == 0;
}

size_t stream_parts(const struct cpu *cpu, size_t pixels)
{
	size_t threads = (size_t)cpu->threads, turns = pixels / (PART * threads);

	return threads * (turns < 1 ? 1 : turns > PART_MOST ? PART_MOST : turns);
}

void stream_pack(const struct cpu *cpu, float *panels, const float *b, const struct stream *s)
{
#pragma omp parallel for num_threads(cpu->threads) schedule(static)
	for (size_t i = 0; i < s->k; i++)
		for (size_t column = 0; column < s->n; column += s->panel)
			memcpy(panels + column * s->k + i * s->panel, b + i * s->n + column,
				s->panel * sizeof *b);
}

void stream_pack_turned(
	const struct cpu *cpu, float *panels, const float *b, const struct stream *s)
{
#pragma omp parallel for num_threads(cpu->threads) schedule(static)
	for (size_t column = 0; column < s->n; column += TILE_LANES) {
		size_t within = column % s->panel;
		float *panel = panels + (column - within) * s->k + within;

		for (size_t i = 0; i < s->k; i += TILE_LANES)
			tile_turn(panel + i * s->panel, s->panel, b + column * s->k + i, s->k);
	}
}

/* Of the rows left, in parts of a size. */
static size_t rows_at_once(const struct stream *s, size_t left)
{
	size_t most = ROOM / (s->k + s->n), parts, rows;

	most = most < ROWS_LEAST ? ROWS_LEAST : most > ROWS_MOST ? ROWS_MOST : most;
	parts = (left + most - 1) / most;
	rows = (left + parts - 1) / parts;
	rows = (rows + PRODUCT_ROWS - 1) / PRODUCT_ROWS * PRODUCT_ROWS;
	return rows < left ? rows : left;
}

/* Of what x is made of, the rows that are made after these `rows`; or the rows of x itself that are
 * next. */
static void look_ahead(const float *ahead[3], const struct stream *s, const float *x, size_t rows)
{
	for (int i = 0; i < 3; i++)
		ahead[i] = s->ahead[i] ? s->ahead[i] + rows * s->k : NULL;
	if (!s->ahead[0])
		ahead[0] = ahead[1] = x + PRODUCT_ROWS * s->k;
}

/* A panel's columns of rows [first, first + p->m), from `column` on. */
static void make_panel(struct product *p, const struct stream *s, float *y, const float *x,
	const float *panels, const float *const ahead[3], size_t first, size_t column)
{
	size_t next = (column + s->panel) % s->n, row = first * s->n + column;

	p->next = panels + next * s->k;
	for (int i = 0; i < 3; i++)
		p->soon[i] = column == 0 && ahead[i] ? ahead[i] + first * s->k : NULL;
	for (int i = 0; i < 2; i++)
		p->beside[i] = s->beside[i] ? s->beside[i] + row : NULL;
	product_cpu(p, y + row, x + first * s->k, panels + column * s->k);
}

void stream_rows(float *y, const float *x, const float *panels, const struct stream *s,
	size_t first, size_t end, int add)
{
	const float *ahead[3];
	struct product p = { .n = s->panel,
		.k = s->k,
		.y_row = s->n,
		.a_row = s->k,
		.b_row = s->panel,
		.add = add,
		.y_is_far = 1 };

	for (; first < end; first += p.m) {
		p.m = rows_at_once(s, end - first);
		look_ahead(ahead, s, x, p.m);
		for (size_t column = 0; column < s->n; column += s->panel)
			make_panel(&p, s, y, x, panels, ahead, first, column);
	}
}

void stream_product(const struct cpu *cpu, float *y, const float *x, const float *panels,
	const struct stream *s, int add)
{
	size_t parts = stream_parts(cpu, s->pixels);

#pragma omp parallel num_threads(cpu->threads)
	for (size_t i; (i = cpu_next(cpu, parts)) < parts;)
		stream_rows(
			y, x, panels, s, s->pixels * i / parts, s->pixels * (i + 1) / parts, add);
}
