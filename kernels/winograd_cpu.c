/* winograd_cpu.c - Winograd's convolution, and the gradient of its input.
 * At each of the 36 points of a filter it is a product of matrices, (rows of tiles, inputs) by
 * (inputs, outputs).  What is made on the way stays in the caches.  Of many tiles a thread takes
 * some at a time, for a block of outputs whose transformed filters all threads share; where there
 * are few, a thread takes some outputs at a time, transforms their filters for itself, and threads
 * share the transformed tiles. */
#include "winograd_cpu.h"

#include <omp.h>
#include <string.h>

#include "product_cpu.h"
#include "winograd_points.h"

enum {
	POINTS = 48 * 36,         /* about so many that a thread takes at a time */
	FEW = 256 * 36,           /* points of all tiles */
	SOME = 4,                 /* tiles, of few */
	CHANNELS = 4 * TILE_LANES /* of filters that a thread transforms for itself, at a time */
};

struct call {
	const struct cpu *cpu;
	struct tiling t;
	const float *x, *w;
	float *y;
	int turned;   /* filters are to be turned around, and are stored (in, 3, 3, out) */
	int add;      /* to y */
	float *zeros; /* a pixel beyond the border */
};

/* A thread's or all threads' filters at the points, (36, inputs, outputs), of outputs from `output`
 * on and inputs from `input` on. */
struct filters {
	float *u;
	int output, outputs, input, inputs;
};

/* ---- filters ---- */

/* The taps of TILE_LANES filters for as many inputs, with the filters side by side. */
struct taps {
	float tap[TILE_LANES][TILE_TAPS][TILE_LANES]; /* by input */
};

static void take_taps(struct taps *taps, const struct call *c, size_t output, size_t input)
{
	size_t in = (size_t)c->t.in;
	const float *w = c->w + output * TILE_TAPS * in + input;

	for (size_t j = 0; j < TILE_TAPS; j++)
		tile_turn(taps->tap[0][j], sizeof taps->tap[0] / sizeof(float), w + j * in,
			TILE_TAPS * in);
}

/* TILE_LANES x TILE_LANES of the filters, from the row and column of their matrices on. */
static void transform_filters(
	const struct filters *f, const struct call *c, size_t row, size_t column)
{
	size_t outputs = (size_t)f->outputs, stride = apart(f->inputs, f->outputs);
	size_t input = (size_t)f->input + row, output = (size_t)f->output + column;
	float *u = f->u + row * outputs + column;
	const float *tap[TILE_TAPS];
	struct taps taps;

	if (!c->turned)
		take_taps(&taps, c, output, input);
	for (size_t i = 0; i < TILE_LANES; i++, u += outputs) {
		const float *turned = c->w + (input + i) * TILE_TAPS * (size_t)c->t.out + output;

		for (size_t j = 0; j < TILE_TAPS; j++)
			tap[j] = c->turned ? turned + (TILE_TAPS - 1 - j) * (size_t)c->t.out
					   : taps.tap[i][j];
		tile_filter(c->t.way, u, stride, tap, TILE_LANES);
	}
}

/* ---- products ---- */

/* y = v u, or +=: matrices of all inputs, of which the filters' are taken, and of the filters'
 * outputs */
static void multiply(
	float *y, const float *v, const struct filters *f, const struct matrices *m, int add)
{
	int in = m->t->in;
	struct product product = { .n = (size_t)f->outputs,
		.k = (size_t)f->inputs,
		.y_row = (size_t)f->outputs,
		.a_row = (size_t)in,
		.b_row = (size_t)f->outputs,
		.add = add };

	for (int p = 0; p < TILE_FILTERS; p++) {
		const float *u = f->u + (size_t)p * apart(f->inputs, f->outputs);

		product.m = (size_t)(m->begin[p + 1] - m->begin[p]);
		product.next = p + 1 < TILE_FILTERS ? u + apart(f->inputs, f->outputs) : f->u;
		product_cpu(&product, y + matrices_at(m, p, f->outputs),
			v + matrices_at(m, p, in) + f->input, u);
	}
}

/* ---- many tiles ---- */

static void make_tiles(
	float *work, const struct call *c, const struct filters *f, const struct tiles *tiles)
{
	const struct matrices m = matrices_of(&c->t, tiles->first, tiles->count);
	float *v = work, *y = work + matrices_floats(&m, c->t.in);

	points_of_inputs(v, &m, c->x, c->t.in, c->zeros, tiles);
	multiply(y, v, f, &m, 0);
	points_to_outputs(c->y + f->output, &m, y, f->outputs, tiles, c->add);
}

/* A block of outputs; work: of each thread, `size` floats. */
static void make_block(
	float *work, size_t size, const struct call *c, const struct filters *f, int tiles)
{
	size_t turns = (size_t)((c->t.count + tiles - 1) / tiles);

#pragma omp parallel num_threads(c->cpu->threads)
	{
		float *own = work + (size_t)omp_get_thread_num() * size;

#pragma omp for collapse(2) schedule(static)
		for (int column = 0; column < f->outputs; column += TILE_LANES)
			for (int row = 0; row < f->inputs; row += TILE_LANES)
				transform_filters(f, c, (size_t)row, (size_t)column);
		for (size_t i; (i = cpu_next(c->cpu, turns)) < turns;) {
			int first = tiles * (int)i, left = c->t.count - first;

			make_tiles(
				own, c, f, &(struct tiles){ first, left < tiles ? left : tiles });
		}
	}
}

/* Tiles at a time, such that all threads have as many turns. */
static int turn_of(const struct tiling *t, int threads)
{
	int most = POINTS / points_most(t->way);
	int turns = threads * ((t->count + threads * most - 1) / (threads * most));

	return (t->count + turns - 1) / turns;
}

static void make_many(struct cpu *cpu, struct call *c)
{
	const struct tiling *t = &c->t;
	int block = tiling_block(t);
	int tiles = turn_of(t, cpu->threads);
	size_t u = TILE_FILTERS * apart(t->in, block);
	size_t size = matrices_most(t, tiles, t->in) + matrices_most(t, tiles, block);
	struct filters f = { .inputs = t->in };

	c->zeros =
		cpu_scratch(cpu, ((size_t)t->in + u + size * (size_t)cpu->threads) * sizeof(float));
	f.u = c->zeros + t->in;
	memset(c->zeros, 0, (size_t)t->in * sizeof(float));
	for (f.output = 0; f.output < t->out; f.output += block) {
		f.outputs = f.output + block < t->out ? block : t->out - f.output;
		cpu_turn(cpu);
		make_block(f.u + u, size, c, &f, tiles);
	}
}

/* ---- few tiles ---- */

/* Outputs [output, output + outputs) from v, all tiles' inputs. */
static void make_outputs(float *work, const float *v, const struct call *c,
	const struct matrices *m, int output, int outputs)
{
	const struct tiling *t = &c->t;
	struct filters f = { .u = work, .output = output, .outputs = outputs };
	float *y = work + TILE_FILTERS * apart(CHANNELS, outputs);

	for (f.input = 0; f.input < t->in; f.input += CHANNELS) {
		f.inputs = f.input + CHANNELS < t->in ? CHANNELS : t->in - f.input;
		for (int column = 0; column < outputs; column += TILE_LANES)
			for (int row = 0; row < f.inputs; row += TILE_LANES)
				transform_filters(&f, c, (size_t)row, (size_t)column);
		multiply(y, v, &f, m, f.input > 0);
	}
	points_to_outputs(c->y + output, m, y, outputs, &(struct tiles){ 0, t->count }, c->add);
}

static void make_few(struct cpu *cpu, struct call *c)
{
	const struct tiling *t = &c->t;
	const struct matrices m = matrices_of(t, 0, t->count);
	int fair = (t->out + cpu->threads - 1) / cpu->threads;
	int part = tiling_part(t->out, fair < CHANNELS ? fair : CHANNELS);
	size_t all = matrices_floats(&m, t->in);
	size_t size = TILE_FILTERS * apart(CHANNELS, part) + matrices_floats(&m, part);
	float *v, *work;

	c->zeros = cpu_scratch(
		cpu, ((size_t)t->in + all + size * (size_t)cpu->threads) * sizeof(float));
	v = c->zeros + t->in;
	work = v + all;
	memset(c->zeros, 0, (size_t)t->in * sizeof(float));
#pragma omp parallel num_threads(cpu->threads)
	{
		float *own = work + (size_t)omp_get_thread_num() * size;

#pragma omp for schedule(static)
		for (int i = 0; i < t->count; i += SOME) {
			int left = t->count - i;

			points_of_inputs(v, &m, c->x, t->in, c->zeros,
				&(struct tiles){ i, left < SOME ? left : SOME });
		}
#pragma omp for schedule(dynamic)
		for (int output = 0; output < t->out; output += part)
			make_outputs(own, v, c, &m, output,
				output + part < t->out ? part : t->out - output);
	}
}

static void convolve(struct cpu *cpu, struct call *c)
{
	if (c->t.count * points_most(c->t.way) > FEW)
		make_many(cpu, c);
	else
		make_few(cpu, c);
}

void winograd_forward(
	struct cpu *cpu, const struct conv_shape *s, float *y, const float *x, const float *w)
{
	struct call c = { .cpu = cpu, .t = tiling_of(s), .x = x, .w = w, .y = y };

	convolve(cpu, &c);
}

void winograd_backward_data(struct cpu *cpu, const struct conv_shape *s, float *dx, const float *dy,
	const float *w, int add)
{
	struct call c = { .cpu = cpu,
		.t = tiling_of_data(s),
		.x = dy,
		.w = w,
		.y = dx,
		.turned = 1,
		.add = add };

	convolve(cpu, &c);
}
