/* pointwise_cpu.c - convolutions of side 1.
 * oneDNN's product of matrices, shared among the threads as suits the shape, is faster than its
 * convolution: in the forward pass it likes the filters turned, (inputs, outputs), which pays where
 * there are many pixels.  A stride picks pixels first. */
#include "pointwise_cpu.h"

#include <string.h>

#include "pick_cpu.h"
#include "stream_cpu.h"

enum {
	MANY_PIXELS = 1024, /* threads share them; in the forward pass filters are turned */
	SIDE = 16           /* of blocks in which filters are turned: a line of the cache */
};

struct points points_of(const struct cpu *cpu, const struct conv_shape *s)
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

void points_product(char ta, char tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
	const float *b, size_t ldb, int add, float *c, size_t ldc)
{
	if (m > 0 && n > 0)
		DNNL_CHECK(dnnl_sgemm(ta, tb, (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1, a,
			(dnnl_dim_t)lda, b, (dnnl_dim_t)ldb, (float)add, c, (dnnl_dim_t)ldc));
}

size_t points_picked(const struct points *p, const struct conv_shape *s)
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
	size_t parts = stream_parts(p->cpu, p->count);

#pragma omp parallel num_threads(p->cpu->threads)
	for (size_t i; (i = cpu_next(p->cpu, parts)) < parts;) {
		size_t first = p->count * i / parts, end = p->count * (i + 1) / parts;

		points_product('N', 'N', end - first, p->out, p->in, x + first * p->in, p->in,
			turned, p->out, 0, y + first * p->out, p->out);
	}
}

/* Threads share the outputs, so that each reads its filters only. */
static void forward_few(float *y, const float *x, const float *w, const struct points *p)
{
	int threads = p->cpu->threads;

#pragma omp parallel for num_threads(threads) schedule(static)
	for (int t = 0; t < threads; t++) {
		size_t first = points_part(p->out, t, threads),
		       end = points_part(p->out, t + 1, threads);

		points_product('N', 'T', p->count, end - first, p->in, x, p->in, w + first * p->in,
			p->in, 0, y + first, p->out);
	}
}

void pointwise_forward(
	struct cpu *cpu, const struct conv_shape *s, float *y, const float *x, const float *w)
{
	const struct points p = points_of(cpu, s);
	const struct stream stream = stream_of(p.count, p.in, p.out);
	int streams = stream_fits(&stream);
	size_t picked = points_picked(&p, s);
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
	size_t parts = stream_parts(p->cpu, p->count);

#pragma omp parallel num_threads(p->cpu->threads)
	for (size_t i; (i = cpu_next(p->cpu, parts)) < parts;) {
		size_t first = p->count * i / parts, end = p->count * (i + 1) / parts;

		points_product('N', 'N', end - first, p->in, p->out, dy + first * p->out, p->out, w,
			p->in, add, dx + first * p->in, p->in);
	}
}

void pointwise_backward_data(struct cpu *cpu, const struct conv_shape *s, float *dx,
	const float *dy, const float *w, int add)
{
	const struct points p = points_of(cpu, s);
	const struct stream stream = stream_of(p.count, p.out, p.in);
	size_t picked = points_picked(&p, s), panels = stream_fits(&stream) ? p.in * p.out : 0;
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
		points_product(
			'N', 'N', p.count, p.in, p.out, dy, p.out, w, p.in, add_product, to, p.in);
	}
	if (picked)
		pick_pixels(cpu, to, dx, s, add ? PICK_ADD : PICK_PUT);
}
