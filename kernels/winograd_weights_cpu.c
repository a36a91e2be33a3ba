/* winograd_weights_cpu.c - the gradient of the filters of Winograd's convolution: the adjoint of
 * its products, at each point (outputs, tiles) by (tiles, inputs). */
#include <string.h>

#include "winograd_cpu.h"
#include "winograd_tiling.h"

enum { TILES = 256 /* at a time */ };

struct call {
	struct tiling t;
	const float *x, *dy;
	float *dw;
	int first, count; /* the block of outputs */
	int tiles;        /* at a time */
	float *du;        /* (36, count, in) */
	float *v, *z;     /* (36, tiles, in), (36, tiles, count) */
	float *zeros;     /* a pixel beyond the border */
};

static void take_tile(const struct call *c, int tile, int at, int tiles)
{
	const struct tiling *t = &c->t;
	float *pixel[TILE_POINTS];

	/* Where all tiles are taken at a time, they are there since the first block of outputs. */
	if (c->first == 0 || c->tiles < t->count) {
		tiling_inputs(pixel, t, c->x, tile, c->zeros);
		tile_input(c->v + (size_t)at * (size_t)t->in, apart(tiles, t->in),
			(const float **)pixel, t->in);
	}
	tiling_outputs(pixel, t, (float *)c->dy + c->first, tile, c->zeros);
	tile_output_gradient(c->z + (size_t)at * (size_t)c->count, apart(tiles, c->count),
		(const float **)pixel, c->count);
}

static void multiply(const struct call *c, size_t point, int tiles, int add)
{
	int in = c->t.in, count = c->count;

	DNNL_CHECK(dnnl_sgemm('T', 'N', count, in, tiles, 1, c->z + point * apart(tiles, count),
		count, c->v + point * apart(tiles, in), in, (float)add,
		c->du + point * apart(count, in), in));
}

static void add_filter(const struct call *c, int row)
{
	size_t in = (size_t)c->t.in;
	float *tap[TILE_TAPS];

	for (int i = 0; i < TILE_TAPS; i++)
		tap[i] = c->dw + (size_t)((c->first + row) * TILE_TAPS + i) * in;
	tile_filter_gradient(tap, c->du + (size_t)row * in, apart(c->count, c->t.in), c->t.in);
}

static void add_block(const struct call *c, int threads)
{
#pragma omp parallel num_threads(threads)
	{
		for (int first = 0; first < c->t.count; first += c->tiles) {
			int tiles = first + c->tiles < c->t.count ? c->tiles : c->t.count - first;

#pragma omp for schedule(static)
			for (int i = 0; i < tiles; i++)
				take_tile(c, first + i, i, tiles);
#pragma omp for schedule(static)
			for (size_t p = 0; p < TILE_POINTS; p++)
				multiply(c, p, tiles, first > 0);
		}
#pragma omp for schedule(static)
		for (int row = 0; row < c->count; row++)
			add_filter(c, row);
	}
}

void winograd_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x)
{
	struct call c = { .t = tiling_of(s), .x = x, .dy = dy, .dw = dw };
	const struct tiling *t = &c.t;
	int block = tiling_block(t);
	int pixel = t->in > block ? t->in : block;
	size_t du = TILE_POINTS * apart(block, t->in), v, z;

	c.tiles = t->count < TILES ? t->count : TILES;
	v = TILE_POINTS * apart(c.tiles, t->in);
	z = TILE_POINTS * apart(c.tiles, block);
	c.zeros = cpu_scratch(cpu, ((size_t)pixel + du + v + z) * sizeof(float));
	memset(c.zeros, 0, (size_t)pixel * sizeof(float));
	c.du = c.zeros + pixel;
	c.v = c.du + du;
	c.z = c.v + v;
	for (c.first = 0; c.first < t->out; c.first += block) {
		c.count = c.first + block < t->out ? block : t->out - c.first;
		add_block(&c, cpu->threads);
	}
}
