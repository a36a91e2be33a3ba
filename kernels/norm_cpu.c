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

/* Rows that a thread takes at a time: some tens of kilobytes. */
static size_t rows_at_once(int channels)
{
	size_t rows = 16384 / (size_t)channels;

	return rows > 0 ? rows : 1;
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
	size_t step = rows_at_once(of->channels), blocks = (of->rows + step - 1) / step;
	size_t all = blocks * (size_t)of->groups;

	cpu_turn(cpu);
#pragma omp parallel num_threads(cpu->threads) if (all > 2)
	for (size_t i; (i = cpu_next(cpu, all)) < all;) {
		size_t row = i % blocks * step, first = i / blocks * of->rows + row;
		size_t left = of->rows - row;

		norm_apply_rows(of, first, first + (left < step ? left : step));
	}
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

void norm_backward_cpu(struct device *dev, void *dx, void *dresidual, const void *dy, const void *y,
	const void *x, const float *mean, const float *rstd, const float *gamma, const double *sums,
	double count, int groups, size_t rows, int channels)
{
	struct cpu *cpu = cpu_of(dev);
	size_t step = rows_at_once(channels), blocks = (rows + step - 1) / step;
	size_t width = (size_t)channels, all = blocks * (size_t)groups;
	size_t length = (size_t)groups * 2 * width;
	float *means = cpu_scratch(cpu, length * sizeof(float));

	for (size_t i = 0; i < length; i++)
		means[i] = (float)(sums[i] / count);
	cpu_turn(cpu);
#pragma omp parallel num_threads(cpu->threads) if (all > 2)
	for (size_t i; (i = cpu_next(cpu, all)) < all;) {
		size_t g = i / blocks, row = i % blocks * step;
		size_t at = (g * rows + row) * width;
		const struct norm_rows part = { .out = (float *)dx + at,
			.dresidual = dresidual ? (float *)dresidual + at : NULL,
			.x = (const float *)x + at,
			.dy = (const float *)dy + at,
			.y = y ? (const float *)y + at : NULL,
			.mean = mean + g * width,
			.rstd = rstd + g * width,
			.gamma = gamma,
			.m0 = means + 2 * g * width,
			.m1 = means + (2 * g + 1) * width,
			.rows = rows - row < step ? rows - row : step,
			.channels = width };

		backward_rows(&part);
	}
}
