/* winograd_weights_cpu.c - the gradient of the filters of Winograd's convolution: the adjoint of
 * its products, at each point (outputs, tiles) by (tiles, inputs). */
#include <string.h>

#include "winograd_cpu.h"
#include "winograd_points.h"

enum {
	POINTS = 256 * 36, /* about so many at a time */
	SOME = 4           /* tiles, of a thread */
};

struct call {
	struct tiling t;
	const float *x, *dy;
	float *dw;
	int first, count; /* the block of outputs */
	int tiles;        /* at a time */
	float *du;        /* (36, count, in) */
	float *v, *z;     /* matrices of inputs, and of gradients of these outputs */
	float *zeros;     /* a pixel beyond the border */
};

static void take_tiles(const struct call *c, const struct matrices *m, const struct tiles *tiles)
{
	/* Where all tiles are taken at a time, they are there since the first block of outputs. */
	if (c->first == 0 || c->tiles < c->t.count)
		points_of_inputs(c->v, m, c->x, c->t.in, c->zeros, tiles);
	points_of_gradients(c->z, m, c->dy + c->first, c->count, c->zeros, tiles);
}

static void multiply(const struct call *c, const struct matrices *m, int p, int add)
{
	int in = c->t.in, count = c->count, rows = m->begin[p + 1] - m->begin[p];
	float *du = c->du + (size_t)p * apart(count, in);

	if (rows > 0)
		DNNL_CHECK(dnnl_sgemm('T', 'N', count, in, rows, 1, c->z + matrices_at(m, p, count),
			count, c->v + matrices_at(m, p, in), in, (float)add, du, in));
	else if (!add)
		memset(du, 0, (size_t)count * (size_t)in * sizeof *du);
}

static void add_filter(const struct call *c, int row)
{
	size_t in = (size_t)c->t.in;
	float *tap[TILE_TAPS];

	for (int i = 0; i < TILE_TAPS; i++)
		tap[i] = c->dw + (size_t)((c->first + row) * TILE_TAPS + i) * in;
	tile_filter_gradient(
		c->t.way, tap, c->du + (size_t)row * in, apart(c->count, c->t.in), c->t.in);
}

static void add_block(const struct call *c, int threads)
{
#pragma omp parallel num_threads(threads)
	{
		for (int first = 0; first < c->t.count; first += c->tiles) {
			int tiles = first + c->tiles < c->t.count ? c->tiles : c->t.count - first;
			const struct matrices m = matrices_of(&c->t, first, tiles);

#pragma omp for schedule(static)
			for (int i = 0; i < tiles; i += SOME)
				take_tiles(c, &m,
					&(struct tiles){
						first + i, i + SOME < tiles ? SOME : tiles - i });
#pragma omp for schedule(dynamic)
			for (int p = 0; p < TILE_FILTERS; p++)
				multiply(c, &m, p, first > 0);
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
	int block = tiling_block(t), most = POINTS / points_most(t->way);
	int pixel = t->in > block ? t->in : block;
	size_t du = TILE_FILTERS * apart(block, t->in), v, z;

	c.tiles = t->count < most ? t->count : most;
	v = matrices_most(t, c.tiles, t->in);
	z = matrices_most(t, c.tiles, block);
	c.zeros = cpu_scratch(cpu, ((size_t)pixel + du + v + z) * sizeof(float));
	cpu_go_forwards(cpu);
	memset(c.zeros, 0, (size_t)pixel * sizeof(float));
	c.du = c.zeros + pixel;
	c.v = c.du + du;
	c.z = c.v + v;
	for (c.first = 0; c.first < t->out; c.first += block) {
		c.count = c.first + block < t->out ? block : t->out - c.first;
		add_block(&c, cpu->threads);
	}
}
