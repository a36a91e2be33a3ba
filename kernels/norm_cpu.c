/* norm_cpu.c - batch norm over groups, element by element.
 * All of it is bound by memory, so each function reads its arrays once and makes nothing of their
 * size. */
#include "base/clones.h"

#include "cpu.h"

#include "norm_cpu.h"
#include "norm_math.h"

/* What the loops over elements need of one group. */
struct norm_rows {
	float *out, *dresidual;
	const float *x, *dy, *y, *residual;
	const float *mean, *rstd, *gamma, *beta, *m0, *m1;
	size_t rows, channels;
};

/* omp simd: out may be x, dy or residual, element for element. The flags are constants where it is
 * used. */
static inline __attribute__((always_inline)) void apply_loop(
	const struct norm_rows *n, int with_residual, int relu)
{
	for (size_t r = 0; r < n->rows; r++) {
		size_t at = r * n->channels;
		float *out = n->out + at;
		const float *x = n->x + at, *residual = with_residual ? n->residual + at : x;
		const float *mean = n->mean, *rstd = n->rstd, *gamma = n->gamma, *beta = n->beta;

#pragma omp simd
		for (size_t c = 0; c < n->channels; c++) {
			float v = norm_value(x[c], mean[c], rstd[c], gamma[c], beta[c]);

			if (with_residual)
				v += residual[c];
			out[c] = relu ? norm_relu(v) : v;
		}
	}
}

CLONES static void apply_rows(const struct norm_rows *n, int relu)
{
	if (n->residual && relu)
		apply_loop(n, 1, 1);
	else if (n->residual)
		apply_loop(n, 1, 0);
	else if (relu)
		apply_loop(n, 0, 1);
	else
		apply_loop(n, 0, 0);
}

/* Rows that a thread takes at a time: some tens of kilobytes, of one group. */
struct blocks {
	size_t rows, of_group, step, count;
};

static struct blocks blocks_of(size_t rows, int groups, int channels)
{
	struct blocks b = { .rows = rows, .step = 16384 / (size_t)channels };

	b.step += b.step == 0;
	b.of_group = (rows + b.step - 1) / b.step;
	b.count = b.of_group * (size_t)groups;
	return b;
}

static size_t block_begin(const struct blocks *b, size_t i)
{
	return i / b->of_group * b->rows + i % b->of_group * b->step;
}

void norm_apply_rows(const struct norm_output *of, size_t first, size_t end)
{
	size_t width = (size_t)of->channels, at = first * width, stats = first / of->rows * width;
	const struct norm_rows part = { .out = (float *)of->y + at,
		.x = (const float *)of->x + at,
		.residual = of->residual ? (const float *)of->residual + at : NULL,
		.mean = of->mean + stats,
		.rstd = of->rstd + stats,
		.gamma = of->gamma,
		.beta = of->beta,
		.rows = end - first,
		.channels = width };

	apply_rows(&part, of->relu);
}

void norm_apply_cpu(struct device *dev, const struct norm_output *of)
{
	struct cpu *cpu = cpu_of(dev);
	struct blocks blocks = blocks_of(of->rows, of->groups, of->channels);

	cpu_turn(cpu);
#pragma omp parallel num_threads(cpu->threads) if (blocks.count > 2)
	for (size_t i; (i = cpu_next(cpu, blocks.count)) < blocks.count;)
		norm_apply_rows(of, block_begin(&blocks, i), block_begin(&blocks, i + 1));
}

static inline __attribute__((always_inline)) void backward_loop(
	const struct norm_rows *n, int masked, int with_residual)
{
	const float *mean = n->mean, *rstd = n->rstd, *gamma = n->gamma, *m0 = n->m0, *m1 = n->m1;

	for (size_t r = 0; r < n->rows; r++) {
		size_t at = r * n->channels;
		const float *x = n->x + at, *dy = n->dy + at, *y = masked ? n->y + at : dy;
		float *out = n->out + at, *dresidual = with_residual ? n->dresidual + at : out;

#pragma omp simd
		for (size_t c = 0; c < n->channels; c++) {
			float e = masked ? norm_passed(dy[c], y[c]) : dy[c];
			float v = norm_gradient(e, x[c], mean[c], rstd[c], gamma[c], m0[c], m1[c]);

			if (with_residual)
				dresidual[c] = e;
			out[c] = v;
		}
	}
}

CLONES static void backward_rows(const struct norm_rows *n)
{
	if (n->y && n->dresidual)
		backward_loop(n, 1, 1);
	else if (n->y)
		backward_loop(n, 1, 0);
	else if (n->dresidual)
		backward_loop(n, 0, 1);
	else
		backward_loop(n, 0, 0);
}

void norm_means(float *means, const struct norm_input_gradient *of)
{
	size_t length = norm_means_room(of);

	for (size_t i = 0; i < length; i++)
		means[i] = (float)(of->sums[i] / of->count);
}

void norm_backward_rows(
	const struct norm_input_gradient *of, const float *means, size_t first, size_t end)
{
	size_t width = (size_t)of->channels, at = first * width, stats = first / of->rows * width;
	const struct norm_rows part = { .out = (float *)of->dx + at,
		.dresidual = of->dresidual ? (float *)of->dresidual + at : NULL,
		.x = (const float *)of->x + at,
		.dy = (const float *)of->dy + at,
		.y = of->y ? (const float *)of->y + at : NULL,
		.mean = of->mean + stats,
		.rstd = of->rstd + stats,
		.gamma = of->gamma,
		.m0 = means + 2 * stats,
		.m1 = means + 2 * stats + width,
		.rows = end - first,
		.channels = width };

	backward_rows(&part);
}

void norm_backward_cpu(struct device *dev, const struct norm_input_gradient *of)
{
	struct cpu *cpu = cpu_of(dev);
	struct blocks blocks = blocks_of(of->rows, of->groups, of->channels);
	float *means = cpu_scratch(cpu, norm_means_room(of) * sizeof(float));

	norm_means(means, of);
	cpu_turn(cpu);
#pragma omp parallel num_threads(cpu->threads) if (blocks.count > 2)
	for (size_t i; (i = cpu_next(cpu, blocks.count)) < blocks.count;)
		norm_backward_rows(of, means, block_begin(&blocks, i), block_begin(&blocks, i + 1));
}
