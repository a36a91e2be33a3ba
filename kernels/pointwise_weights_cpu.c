/* pointwise_weights_cpu.c - the gradient of the filters of convolutions of side 1: gradients of
 * outputs, turned, by inputs. */
#include <omp.h>
#include <string.h>

#include "pick_cpu.h"
#include "pointwise_cpu.h"
#include "product_cpu.h"

enum {
	FEW = 1 << 16, /* weights up to which a thread makes their gradient from some of the pixels:
			  the order of sums is that of the threads */
	SIDE = 16,     /* of blocks in which what the threads made is added */

	OUTPUTS = 256, /* of a block, at most */
	INPUTS = 512,
	INPUTS_LEAST = 64,
	PIXELS = 128, /* at a time: those of a block lie in the second cache */
	ROOM = PIXELS * (OUTPUTS + INPUTS)
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* ---- few weights ---- */

/* A block of what the threads made, of all that is (outputs, inputs) or turned, added. */
static void add_block(float *dw, const float *parts, const struct points *p, int turned,
	size_t output, size_t input)
{
	size_t outputs = least(output + SIDE, p->out);
	size_t inputs = least(input + SIDE, p->in);
	size_t row = turned ? 1 : p->in, column = turned ? p->out : 1;

	for (size_t i = output; i < outputs; i++)
		for (size_t j = input; j < inputs; j++)
			for (int t = 0; t < p->cpu->threads; t++)
				dw[i * p->in + j] +=
					parts[(size_t)t * p->in * p->out + i * row + j * column];
}

/* Each thread's part of the gradient, from some of the pixels; then all are added.  oneDNN likes
 * the matrix that it turns to be the narrower one. */
static void weights_few(
	float *dw, float *parts, const float *dy, const float *x, const struct points *p)
{
	int threads = p->cpu->threads, turned = p->out > p->in;

#pragma omp parallel num_threads(threads)
	{
#pragma omp for schedule(static)
		for (int t = 0; t < threads; t++) {
			size_t first = points_part(p->count, t, threads);
			size_t count = points_part(p->count, t + 1, threads) - first;
			const float *x_part = x + first * p->in, *dy_part = dy + first * p->out;
			float *to = parts + (size_t)t * p->in * p->out;

			memset(to, 0, p->in * p->out * sizeof *to);
			if (turned)
				points_product('T', 'N', p->in, p->out, count, x_part, p->in,
					dy_part, p->out, 1, to, p->out);
			else
				points_product('T', 'N', p->out, p->in, count, dy_part, p->out,
					x_part, p->in, 1, to, p->in);
		}
#pragma omp for collapse(2) schedule(static)
		for (size_t output = 0; output < p->out; output += SIDE)
			for (size_t input = 0; input < p->in; input += SIDE)
				add_block(dw, parts, p, turned, output, input);
	}
}

/* ---- many weights ---- */

/* Threads share the outputs. */
static void weights_many(float *dw, const float *dy, const float *x, const struct points *p)
{
	int threads = p->cpu->threads;

#pragma omp parallel for num_threads(threads) schedule(static)
	for (int t = 0; t < threads; t++) {
		size_t first = points_part(p->out, t, threads),
		       end = points_part(p->out, t + 1, threads);

		points_product('T', 'N', end - first, p->in, p->count, dy + first, p->out, x, p->in,
			1, dw + first * p->in, p->in);
	}
}

/* ---- many weights, with short vectors ----
 * oneDNN does not copy matrices of 263 rows or columns and less there, and reads them across at
 * half the rate.  A thread copies some pixels' channels for a block of the filters at a time. */

static int blocks_fit(const struct points *p)
{
	return product_best() == PRODUCT_AVX2 && p->in * p->out >= FEW &&
		p->in % PRODUCT_LANES == 0;
}

/* Of a block, so that there are at least as many as threads, unless they became too small. */
static size_t inputs_of(const struct points *p)
{
	size_t threads = (size_t)p->cpu->threads, inputs = INPUTS;
	size_t rows = (p->out + OUTPUTS - 1) / OUTPUTS;

	while (inputs > INPUTS_LEAST && rows * ((p->in + inputs - 1) / inputs) < threads)
		inputs /= 2;
	return inputs;
}

static void copy_rows(float *to, size_t width, const float *from, size_t from_row, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		memcpy(to + i * width, from + i * from_row, width * sizeof *to);
}

/* A block's first weight, and its channels of the first pixel. */
struct block {
	float *dw;
	const float *dy, *x;
	size_t outputs, inputs;
};

/* What some pixels add.  Room: for (pixels, outputs) and (inputs / PRODUCT_LANES, pixels,
 * PRODUCT_LANES). */
static void add_pixels(
	const struct block *block, const struct points *p, size_t first, size_t pixels, float *room)
{
	const float *dy = block->dy + first * p->out, *x = block->x + first * p->in;
	float *panels = room + PIXELS * OUTPUTS;
	struct product product = { .m = block->outputs,
		.n = PRODUCT_LANES,
		.k = pixels,
		.y_row = p->in,
		.a_row = block->outputs,
		.b_row = PRODUCT_LANES,
		.a_is_turned = 1,
		.add = 1 };

	copy_rows(room, block->outputs, dy, p->out, pixels);
	for (size_t i = 0; i < block->inputs; i += PRODUCT_LANES)
		copy_rows(panels + i * pixels, PRODUCT_LANES, x + i, p->in, pixels);
	for (size_t i = 0; i < block->inputs; i += PRODUCT_LANES) {
		product.next = panels + (i + PRODUCT_LANES) % block->inputs * pixels;
		product_cpu(&product, block->dw + i, room, panels + i * pixels);
	}
}

static void make_block(const struct block *block, const struct points *p, float *room)
{
	for (size_t i = 0; i < p->count; i += PIXELS)
		add_pixels(block, p, i, least(p->count - i, PIXELS), room);
}

static void weights_blocks(
	float *dw, float *rooms, const float *dy, const float *x, const struct points *p)
{
	size_t inputs = inputs_of(p);

#pragma omp parallel for num_threads(p->cpu->threads) schedule(dynamic) collapse(2)
	for (size_t output = 0; output < p->out; output += OUTPUTS)
		for (size_t input = 0; input < p->in; input += inputs) {
			const struct block block = { .dw = dw + output * p->in + input,
				.dy = dy + output,
				.x = x + input,
				.outputs = least(OUTPUTS, p->out - output),
				.inputs = least(inputs, p->in - input) };

			make_block(&block, p, rooms + ROOM * (size_t)omp_get_thread_num());
		}
}

/* ---- all ---- */

void pointwise_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x)
{
	const struct points p = points_of(cpu, s);
	size_t picked = points_picked(&p, s), threads = (size_t)cpu->threads;
	int in_blocks = blocks_fit(&p), few = !in_blocks && p.in * p.out <= FEW;
	size_t room = in_blocks ? ROOM : few ? p.in * p.out : 0; /* for each thread */
	float *scratch = cpu_scratch(cpu, (picked + room * threads) * sizeof(float));

	cpu_go_forwards(cpu);
	if (picked) {
		pick_pixels(cpu, scratch, (float *)x, s, PICK);
		x = scratch;
	}
	if (in_blocks)
		weights_blocks(dw, scratch + picked, dy, x, &p);
	else if (few)
		weights_few(dw, scratch + picked, dy, x, &p);
	else
		weights_many(dw, dy, x, &p);
}
