/* winograd_weights_cpu.c - the gradient of the filters of Winograd's convolution: the adjoint of
 * its products, at each point (outputs, tiles) by (tiles, inputs).
 * A thread makes the filters of some outputs for some inputs, and transforms these channels of some
 * tiles at a time: what it makes on the way stays near it, whatever else the machine does, at the
 * price that channels are transformed once for each block.  Where there are fewer blocks than
 * threads, several share a block's tiles. */
#include <omp.h>
#include <string.h>

#include "product_cpu.h"
#include "winograd_cpu.h"
#include "winograd_points.h"

enum {
	INPUTS = 4 * TILE_LANES, /* of a block, at most */
	OUTPUTS = 8 * TILE_LANES,
	POINTS = 32 * 36 /* about so many at a time */
};

struct call {
	struct tiling t;
	const float *x, *dy;
	float *dw;
	int inputs, outputs;               /* of a block, at most */
	int input_blocks, blocks, sharing; /* threads that share a block's tiles */
	int tiles;                         /* at a time */
	float *zeros;                      /* a pixel beyond the border */
	float *shares; /* (sharing, outputs, taps, inputs), all of them; NULL: one has them all */
};

/* One thread's share of a block. */
struct part {
	int input, inputs, output, outputs;
	int share, first, end; /* tiles */
	float *du;             /* (36, outputs, inputs) */
	float *v, *z;          /* matrices of these inputs, and of gradients of these outputs */
};

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* ---- one part ---- */

static void multiply(const struct part *part, const struct matrices *m, int add)
{
	struct product product = { .m = (size_t)part->outputs,
		.n = (size_t)part->inputs,
		.y_row = (size_t)part->inputs,
		.a_row = (size_t)part->outputs,
		.b_row = (size_t)part->inputs,
		.a_is_turned = 1,
		.add = add };

	for (int p = 0; p < TILE_FILTERS; p++) {
		product.k = (size_t)(m->begin[p + 1] - m->begin[p]);
		product.next = part->v + matrices_at(m, (p + 1) % TILE_FILTERS, part->inputs);
		product_cpu(&product, part->du + (size_t)p * apart(part->outputs, part->inputs),
			part->z + matrices_at(m, p, part->outputs),
			part->v + matrices_at(m, p, part->inputs));
	}
}

/* A row's taps are asked for while the one before is made: they lie apart in memory. */
static void add_filters(const struct call *c, const struct part *part)
{
	size_t in = (size_t)c->t.in, size = (size_t)c->t.out * TILE_TAPS * in;
	float *dw = c->shares ? c->shares + (size_t)part->share * size : c->dw;
	float *tap[TILE_TAPS];

	for (int row = 0; row < part->outputs; row++) {
		for (int i = 0; i < TILE_TAPS; i++) {
			tap[i] = dw + (size_t)((part->output + row) * TILE_TAPS + i) * in +
				part->input;
			for (int k = 0; row + 1 < part->outputs && k < part->inputs;
				k += TILE_LANES)
				__builtin_prefetch(tap[i] + TILE_TAPS * in + k, 1);
		}
		tile_filter_gradient(c->t.way, tap, part->du + (size_t)(row * part->inputs),
			apart(part->outputs, part->inputs), part->inputs);
	}
}

static void make_part(const struct call *c, const struct part *part)
{
	for (int first = part->first; first < part->end; first += c->tiles) {
		const struct tiles tiles = { first, least(c->tiles, part->end - first) };
		const struct matrices m = matrices_of(&c->t, tiles.first, tiles.count);

		points_of_inputs(part->v, &m, c->x + part->input, part->inputs, c->zeros, &tiles);
		points_of_gradients(
			part->z, &m, c->dy + part->output, part->outputs, c->zeros, &tiles);
		multiply(part, &m, first > part->first);
	}
	add_filters(c, part);
}

/* ---- all parts ---- */

static struct part part_of(const struct call *c, int number, float *work)
{
	const struct tiling *t = &c->t;
	int block = number / c->sharing, share = number % c->sharing;
	int output = block / c->input_blocks * c->outputs;
	int input = block % c->input_blocks * c->inputs;

	return (struct part){ .input = input,
		.inputs = least(c->inputs, t->in - input),
		.output = output,
		.outputs = least(c->outputs, t->out - output),
		.share = share,
		.first = (int)((long)t->count * share / c->sharing),
		.end = (int)((long)t->count * (share + 1) / c->sharing),
		.du = work,
		.v = work + TILE_FILTERS * apart(c->outputs, c->inputs),
		.z = work + TILE_FILTERS * apart(c->outputs, c->inputs) +
			matrices_most(t, c->tiles, c->inputs) };
}

static size_t work_of(const struct call *c)
{
	return TILE_FILTERS * apart(c->outputs, c->inputs) +
		matrices_most(&c->t, c->tiles, c->inputs) +
		matrices_most(&c->t, c->tiles, c->outputs);
}

/* As many parts for each thread, or many. */
static void share_out(struct call *c, int threads)
{
	enum { MANY = 4 };

	c->inputs = tiling_part(c->t.in, INPUTS);
	c->outputs = tiling_part(c->t.out, OUTPUTS);
	c->input_blocks = (c->t.in + c->inputs - 1) / c->inputs;
	c->blocks = c->input_blocks * ((c->t.out + c->outputs - 1) / c->outputs);
	c->tiles = POINTS / points_most(c->t.way);
	c->sharing = 1;
	while (c->blocks * c->sharing % threads != 0 && c->blocks * c->sharing < MANY * threads &&
		c->sharing * c->tiles < c->t.count)
		c->sharing++;
}

static void add_shares(const struct call *c, int threads)
{
	size_t size = (size_t)c->t.out * TILE_TAPS * (size_t)c->t.in;

#pragma omp parallel for num_threads(threads) schedule(static)
	for (size_t i = 0; i < size; i++)
		for (int share = 0; share < c->sharing; share++)
			c->dw[i] += c->shares[(size_t)share * size + i];
}

void winograd_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x)
{
	struct call c = { .t = tiling_of(s), .x = x, .dy = dy, .dw = dw };
	size_t zeros = INPUTS > OUTPUTS ? INPUTS : OUTPUTS, shares = 0, work, parts;
	float *works;

	share_out(&c, cpu->threads);
	if (c.sharing > 1)
		shares = (size_t)(c.sharing * c.t.out * TILE_TAPS) * (size_t)c.t.in;
	work = work_of(&c);
	c.zeros = cpu_scratch(cpu, (zeros + shares + work * (size_t)cpu->threads) * sizeof(float));
	memset(c.zeros, 0, (zeros + shares) * sizeof(float));
	c.shares = shares > 0 ? c.zeros + zeros : NULL;
	works = c.zeros + zeros + shares;
	cpu_go_forwards(cpu);
	parts = (size_t)(c.blocks * c.sharing);
#pragma omp parallel num_threads(cpu->threads)
	for (size_t i; (i = cpu_next(cpu, parts)) < parts;) {
		const struct part part =
			part_of(&c, (int)i, works + work * (size_t)omp_get_thread_num());

		make_part(&c, &part);
	}
	if (c.shares)
		add_shares(&c, cpu->threads);
}
