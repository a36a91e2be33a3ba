/* stream_cpu.c - products of long activations with a small matrix. */
#include "stream_cpu.h"

#include <string.h>

#include "product_cpu.h"
#include "winograd_tiles.h"

enum {
	LONG = 1024,   /* pixels: of fewer, packing takes too long */
	DEEP = 512,    /* the most of k: beyond, a product takes far longer than what it reads */
	PART = 512,    /* pixels at least that a thread takes at a time */
	PART_MOST = 8, /* of its parts, at most so many */
	ROWS = 112     /* pixels whose x and y lie in the second cache */
};

int stream_fits(const struct stream *s)
{
	return product_of(PRODUCT_AVX512) && s->pixels >= LONG && s->k <= DEEP &&
		s->k % TILE_LANES == 0 && s->n % STREAM_PANEL == 0;
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
		for (size_t column = 0; column < s->n; column += STREAM_PANEL)
			memcpy(panels + column * s->k + i * STREAM_PANEL, b + i * s->n + column,
				STREAM_PANEL * sizeof *b);
}

void stream_pack_turned(
	const struct cpu *cpu, float *panels, const float *b, const struct stream *s)
{
#pragma omp parallel for num_threads(cpu->threads) schedule(static)
	for (size_t column = 0; column < s->n; column += TILE_LANES) {
		size_t within = column % STREAM_PANEL;
		float *panel = panels + (column - within) * s->k + within;

		for (size_t i = 0; i < s->k; i += TILE_LANES)
			tile_turn(panel + i * STREAM_PANEL, STREAM_PANEL, b + column * s->k + i,
				s->k);
	}
}

void stream_rows(float *y, const float *x, const float *panels, const struct stream *s,
	size_t first, size_t end, int add)
{
	struct product p = { .n = STREAM_PANEL,
		.k = s->k,
		.y_row = s->n,
		.a_row = s->k,
		.b_row = STREAM_PANEL,
		.add = add };

	for (; first < end; first += p.m) {
		p.m = end - first < ROWS ? end - first : ROWS;
		for (size_t column = 0; column < s->n; column += STREAM_PANEL) {
			size_t next = (column + STREAM_PANEL) % s->n;

			p.next = panels + next * s->k;
			p.a_ahead = column == 0 ? p.m * s->k : 0;
			product_cpu(&p, y + first * s->n + column, x + first * s->k,
				panels + column * s->k);
		}
	}
}

void stream_product(const struct cpu *cpu, float *y, const float *x, const float *panels,
	const struct stream *s, int add)
{
	size_t parts = stream_parts(cpu, s->pixels);

#pragma omp parallel for num_threads(cpu->threads) schedule(dynamic)
	for (size_t i = 0; i < parts; i++) {
		size_t part = cpu_part(cpu, i, parts);

		stream_rows(y, x, panels, s, s->pixels * part / parts,
			s->pixels * (part + 1) / parts, add);
	}
}
