/* pointwise_cpu.c - convolutions of side 1.
 * oneDNN's product of matrices, shared among the threads as suits the shape, is faster than its
 * convolution: in the forward pass it likes the filters turned, (inputs, outputs), which pays where
 * there are many pixels.  A stride picks pixels first. */
#include "pointwise_cpu.h"

#include <string.h>

#include "pick_cpu.h"
#include "stream_cpu.h"

enum {
	MANY_PIXELS = 1024,    /* threads share them; in the forward pass filters are turned */
	FEW_WEIGHTS = 1 << 16, /* up to which a thread makes their gradient from some of the pixels:
				  the order of sums is that of the threads */
	SIDE = 16              /* of blocks in which filters are turned: a line of the cache */
};

struct points {
	const struct cpu *cpu;
	size_t count, in, out; /* pixels of y; channels */
};

static struct points points_of(const struct cpu *cpu, const struct conv_shape *s)
{
	size_t height = (size_t)conv_out(s->h, 0, 0, 1, s->stride);
	size_t width = (size_t)conv_out(s->w, 0, 0, 1, s->stride);

	return (struct points){ .cpu = cpu,
		.count = (size_t)s->n * height * width,
		.in = (size_t)s->c,
		.out = (size_t)s->k };
}

int pointwise_fits(const struct conv_shape *s)
{
	return s->r == 1 && s->top == 0 && s->left == 0 && s->bottom == 0 && s->right == 0;
}

/* Where part t of so many begins; the last ends at n. */
static size_t part(size_t n, int t, int parts)
{
	return n * (size_t)t / (size_t)parts;
}

/* c (m, n) of rows ldc = a b, or +=; a (m, k) or turned, b (k, n) or turned */
static void product(char ta, char tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, int add, float *c, size_t ldc)
{
	if (m > 0 && n > 0)
		DNNL_CHECK(dnnl_sgemm(ta, tb, (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1, a,
			(dnnl_dim_t)lda, b, (dnnl_dim_t)ldb, (float)add, c, (dnnl_dim_t)ldc));
}

/* Floats of the pixels that are picked. */
static size_t picked_count(const struct points *p, const struct conv_shape *s)
{
	return s->stride > 1 ? p->count * p->in : 0;
}

/* ---- forward ---- */

static void turn_block(
	float *to, const float *w, const struct points *p, size_t output, size_t input)
{
	size_t outputs = p->out - output < SIDE ? p->out - output : SIDE;
	size_t inputs = p->in - input < SIDE ? p->in - input : SIDE;

	for (size_t i = 0; i < inputs; i++)
		for (size_t j = 0; j < outputs; j++)
			to[(input + i) * p->out + output + j] = w[(output + j) * p->in + input + i];
}

/* Filters (in, out). */
static void turn(float *to, const float *w, const struct points *p)
{
#pragma omp parallel for num_threads(p->cpu->threads) collapse(2) schedule(static)
	for (size_t output = 0; output < p->out; output += SIDE)
		for (size_t input = 0; input < p->in; input += SIDE)
			turn_block(to, w, p, output, input);
}

/* Threads share the pixels. */
static void forward_many(float *y, const float *x, const float *turned, const struct points *p)
{
	int parts = (int)stream_parts(p->cpu, p->count);

#pragma omp parallel for num_threads(p->cpu->threads) schedule(dynamic)
	for (int i = 0; i < parts; i++) {
		int t = (int)cpu_part(p->cpu, (size_t)i, (size_t)parts);
		size_t first = part(p->count, t, parts), end = part(p->count, t + 1, parts);

		product('N', 'N', end - first, p->out, p->in, x + first * p->in, p->in, turned,
			p->out, 0, y + first * p->out, p->out);
	}
}

/* Threads share the outputs, so that each reads its filters only. */
static void forward_few(float *y, const float *x, const float *w, const struct points *p)
{
	int threads = p->cpu->threads;

#pragma omp parallel for num_threads(threads) schedule(static)
	for (int t = 0; t < threads; t++) {
		size_t first = part(p->out, t, threads), end = part(p->out, t + 1, threads);

		product('N', 'T', p->count, end - first, p->in, x, p->in, w + first * p->in, p->in,
			0, y + first, p->out);
	}
}

void pointwise_forward(
	struct cpu *cpu, const struct conv_shape *s, float *y, const float *x, const float *w)
{
	const struct points p = points_of(cpu, s);
	const struct stream stream = stream_of(p.count, p.in, p.out);
	int streams = stream_fits(&stream);
	size_t picked = picked_count(&p, s);
	size_t turned = streams || p.count >= MANY_PIXELS ? p.in * p.out : 0;
	float *scratch = cpu_scratch(cpu, (picked + turned) * sizeof(float));

	cpu_turn(cpu);
	if (picked) {
		pick_pixels(cpu, scratch, (float *)x, s, PICK);
		x = scratch;
	}
	if (streams) {
		stream_pack_turned(cpu, scratch + picked, w, &stream);
		stream_product(cpu, y, x, scratch + picked, &stream, 0);
	} else if (turned) {
		turn(scratch + picked, w, &p);
		forward_many(y, x, scratch + picked, &p);
	} else {
		forward_few(y, x, w, &p);
	}
}

/* ---- backward ---- */

/* Threads share the pixels. */
static void data_many(float *dx, const float *dy, const float *w, const struct points *p, int add)
{
	int parts = (int)stream_parts(p->cpu, p->count);

#pragma omp parallel for num_threads(p->cpu->threads) schedule(dynamic)
	for (int i = 0; i < parts; i++) {
		int t = (int)cpu_part(p->cpu, (size_t)i, (size_t)parts);
		size_t first = part(p->count, t, parts), end = part(p->count, t + 1, parts);

		product('N', 'N', end - first, p->in, p->out, dy + first * p->out, p->out, w, p->in,
			add, dx + first * p->in, p->in);
	}
}

void pointwise_backward_data(struct cpu *cpu, const struct conv_shape *s, float *dx,
	const float *dy, const float *w, int add)
{
	const struct points p = points_of(cpu, s);
	const struct stream stream = stream_of(p.count, p.out, p.in);
	size_t picked = picked_count(&p, s), panels = stream_fits(&stream) ? p.in * p.out : 0;
	float *scratch = cpu_scratch(cpu, (picked + panels) * sizeof(float));
	float *to = picked ? scratch : dx;
	int add_product = add && !picked; /* else the pixels are added, once they are there */

	cpu_turn(cpu);
	if (panels) {
		stream_pack(cpu, scratch + picked, w, &stream);
		stream_product(cpu, to, dy, scratch + picked, &stream, add_product);
	} else if (p.count >= MANY_PIXELS) {
		data_many(to, dy, w, &p, add_product);
	} else {
		product('N', 'N', p.count, p.in, p.out, dy, p.out, w, p.in, add_product, to, p.in);
	}
	if (picked)
		pick_pixels(cpu, to, dx, s, add ? PICK_ADD : PICK_PUT);
}

/* A block of what the threads made, of all that is (outputs, inputs) or turned, added. */
static void add_block(float *dw, const float *parts, const struct points *p, int turned,
	size_t output, size_t input)
{
	size_t outputs = output + SIDE < p->out ? output + SIDE : p->out;
	size_t inputs = input + SIDE < p->in ? input + SIDE : p->in;
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
			size_t first = part(p->count, t, threads);
			size_t count = part(p->count, t + 1, threads) - first;
			const float *x_part = x + first * p->in, *dy_part = dy + first * p->out;
			float *to = parts + (size_t)t * p->in * p->out;

			memset(to, 0, p->in * p->out * sizeof *to);
			if (turned)
				product('T', 'N', p->in, p->out, count, x_part, p->in, dy_part,
					p->out, 1, to, p->out);
			else
				product('T', 'N', p->out, p->in, count, dy_part, p->out, x_part,
					p->in, 1, to, p->in);
		}
#pragma omp for collapse(2) schedule(static)
		for (size_t output = 0; output < p->out; output += SIDE)
			for (size_t input = 0; input < p->in; input += SIDE)
				add_block(dw, parts, p, turned, output, input);
	}
}

/* Threads share the outputs. */
static void weights_many(float *dw, const float *dy, const float *x, const struct points *p)
{
	int threads = p->cpu->threads;

#pragma omp parallel for num_threads(threads) schedule(static)
	for (int t = 0; t < threads; t++) {
		size_t first = part(p->out, t, threads), end = part(p->out, t + 1, threads);

		product('T', 'N', end - first, p->in, p->count, dy + first, p->out, x, p->in, 1,
			dw + first * p->in, p->in);
	}
}

void pointwise_backward_weights(
	struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy, const float *x)
{
	const struct points p = points_of(cpu, s);
	size_t picked = picked_count(&p, s), weights = p.in * p.out;
	size_t parts = weights <= FEW_WEIGHTS ? weights * (size_t)cpu->threads : 0;
	float *scratch = cpu_scratch(cpu, (picked + parts) * sizeof(float));

	cpu_go_forwards(cpu);
	if (picked) {
		pick_pixels(cpu, scratch, (float *)x, s, PICK);
		x = scratch;
	}
	if (parts)
		weights_few(dw, scratch + picked, dy, x, &p);
	else
		weights_many(dw, dy, x, &p);
}
