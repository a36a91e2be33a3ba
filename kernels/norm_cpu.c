/* norm_cpu.c - batch norm over groups.
 * All of it is bound by memory, so each function reads its arrays once and makes nothing of their
 * size. */
#include "base/clones.h"

#include "cpu.h"

#include <math.h>
#include <string.h>

#include "columns_cpu.h"
#include "norm_math.h"

/* Four rows at a time, so that the sums are loaded and stored once for four elements. */
CLONES static void add_squares(double *restrict s0, double *restrict s1, const float *restrict x,
	size_t rows, size_t stride, int count)
{
	size_t r = 0;

	for (; r + 4 <= rows; r += 4, x += 4 * stride) {
		for (size_t k = 0; k < 4; k++)
			columns_ask_ahead(x + k * stride, stride, count);
		for (int i = 0; i < count; i++) {
			double a = x[i], b = x[i + stride];
			double c = x[i + 2 * stride], d = x[i + 3 * stride];

			s0[i] += (a + b) + (c + d);
			s1[i] += (a * a + b * b) + (c * c + d * d);
		}
	}
	for (; r < rows; r++, x += stride)
		for (int i = 0; i < count; i++) {
			s0[i] += x[i];
			s1[i] += (double)x[i] * x[i];
		}
}

static void add_sums(double *s0, double *s1, const struct columns *in, int group, size_t row,
	size_t rows, int channel, int count)
{
	add_squares(s0, s1, in->x + columns_at(in, group, row, channel), rows, (size_t)in->channels,
		count);
}

struct columns norm_squares(const float *x, int groups, size_t rows, int channels)
{
	return (struct columns){ .x = x,
		.groups = groups,
		.rows = rows,
		.channels = channels,
		.sums = 2,
		.add = add_sums };
}

void norm_sums_cpu(
	struct device *dev, double *sums, const void *x, int groups, size_t rows, int channels)
{
	const struct columns in = norm_squares(x, groups, rows, channels);

	memcpy(sums, columns_sum(cpu_of(dev), &in),
		(size_t)groups * 2 * (size_t)channels * sizeof(double));
}

void norm_statistics_cpu(struct device *dev, float *mean, float *rstd, const double *sums,
	double count, float eps, int groups, int channels)
{
	(void)dev;
	for (int g = 0; g < groups; g++, mean += channels, rstd += channels, sums += 2 * channels)
		for (int c = 0; c < channels; c++) {
			double variance = norm_variance(sums[c], sums[channels + c], count);

			mean[c] = (float)(sums[c] / count);
			rstd[c] = (float)(1 / sqrt(variance + (double)eps));
		}
}

void norm_running_cpu(struct device *dev, float *running, const double *sums, double count,
	float decay, int groups, int channels)
{
	double keep = decay;

	(void)dev;
	for (int g = 0; g < groups; g++, sums += 2 * channels)
		for (int c = 0; c < channels; c++) {
			float *mean = running + c, *variance = mean + channels;
			double v = norm_variance(sums[c], sums[channels + c], count);

			*mean = (float)(keep * *mean + (1 - keep) * (sums[c] / count));
			*variance = (float)(keep * *variance + (1 - keep) * v);
		}
}

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

void norm_apply_cpu(struct device *dev, void *y, const void *x, const float *mean,
	const float *rstd, const float *gamma, const float *beta, const void *residual, int relu,
	int groups, size_t rows, int channels)
{
	struct cpu *cpu = cpu_of(dev);
	size_t step = rows_at_once(channels), blocks = (rows + step - 1) / step;
	size_t width = (size_t)channels, all = blocks * (size_t)groups;

	cpu_turn(cpu);
#pragma omp parallel for num_threads(cpu->threads) if (all > 2) schedule(dynamic)
	for (size_t n = 0; n < all; n++) {
		size_t i = cpu_part(cpu, n, all), g = i / blocks, row = i % blocks * step;
		size_t at = (g * rows + row) * width;
		const struct norm_rows part = { .out = (float *)y + at,
			.x = (const float *)x + at,
			.residual = residual ? (const float *)residual + at : NULL,
			.mean = mean + g * width,
			.rstd = rstd + g * width,
			.gamma = gamma,
			.beta = beta,
			.rows = rows - row < step ? rows - row : step,
			.channels = width };

		apply_rows(&part, relu);
	}
}

static inline __attribute__((always_inline)) void add_gradients(double *restrict s0,
	double *restrict s1, const struct columns *in, size_t at, const float *restrict mean,
	size_t rows, int count, int masked)
{
	for (size_t r = 0; r < rows; r++, at += (size_t)in->channels) {
		const float *restrict x = in->x + at, *restrict dy = in->dy + at;
		const float *restrict y = masked ? in->y + at : dy;

		columns_ask_ahead(x, (size_t)in->channels, count);
		columns_ask_ahead(dy, (size_t)in->channels, count);
		if (masked)
			columns_ask_ahead(y, (size_t)in->channels, count);
		for (int i = 0; i < count; i++) {
			double e = masked ? norm_passed(dy[i], y[i]) : dy[i];

			s0[i] += e;
			s1[i] += e * ((double)x[i] - mean[i]);
		}
	}
}

CLONES static void add_backward(double *s0, double *s1, const struct columns *in, int group,
	size_t row, size_t rows, int channel, int count)
{
	const float *mean = in->mean + (size_t)group * (size_t)in->channels + channel;
	size_t at = columns_at(in, group, row, channel);

	if (in->y)
		add_gradients(s0, s1, in, at, mean, rows, count, 1);
	else
		add_gradients(s0, s1, in, at, mean, rows, count, 0);
}

void norm_backward_sums_cpu(struct device *dev, double *sums, const void *dy, const void *y,
	const void *x, const float *mean, const float *rstd, int groups, size_t rows, int channels)
{
	const struct columns in = { .x = x,
		.dy = dy,
		.y = y,
		.mean = mean,
		.groups = groups,
		.rows = rows,
		.channels = channels,
		.sums = 2,
		.add = add_backward };

	memcpy(sums, columns_sum(cpu_of(dev), &in),
		(size_t)groups * 2 * (size_t)channels * sizeof(double));
	for (int g = 0; g < groups; g++)
		for (int c = 0; c < channels; c++)
			sums[(2 * g + 1) * channels + c] *= (double)rstd[g * channels + c];
}

void norm_parameter_gradient_cpu(struct device *dev, float *dgamma, float *dbeta,
	const double *sums, int groups, int channels)
{
	(void)dev;
	for (int c = 0; c < channels; c++) {
		double gamma = 0, beta = 0;

		for (int g = 0; g < groups; g++) {
			beta += sums[2 * g * channels + c];
			gamma += sums[(2 * g + 1) * channels + c];
		}
		dgamma[c] += (float)gamma;
		dbeta[c] += (float)beta;
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
#pragma omp parallel for num_threads(cpu->threads) if (all > 2) schedule(dynamic)
	for (size_t n = 0; n < all; n++) {
		size_t i = cpu_part(cpu, n, all), g = i / blocks, row = i % blocks * step;
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
