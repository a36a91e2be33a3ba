/* norm_sums_cpu.c - the sums of batch norm and what is made of them, a number a channel. */
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

/* Four rows at a time, in floats, whose rounding is that of what they are made of: two
 * conversions to double instead of twelve. */
static inline __attribute__((always_inline)) void add_gradients(double *restrict s0,
	double *restrict s1, const struct columns *in, size_t at, const float *restrict mean,
	size_t rows, int count, int masked)
{
	const float *restrict x = in->x + at, *restrict dy = in->dy + at;
	const float *restrict y = masked ? in->y + at : dy;
	size_t stride = (size_t)in->channels, r = 0;

	for (; r + 4 <= rows; r += 4, x += 4 * stride, dy += 4 * stride, y += 4 * stride) {
		for (size_t k = 0; k < 4; k++) {
			columns_ask_ahead(x + k * stride, stride, count);
			columns_ask_ahead(dy + k * stride, stride, count);
			if (masked)
				columns_ask_ahead(y + k * stride, stride, count);
		}
		for (int i = 0; i < count; i++) {
			float e[4], p[4];

			for (size_t k = 0; k < 4; k++) {
				size_t j = (size_t)i + k * stride;

				e[k] = masked ? norm_passed(dy[j], y[j]) : dy[j];
				p[k] = e[k] * (x[j] - mean[i]);
			}
			s0[i] += (e[0] + e[1]) + (e[2] + e[3]);
			s1[i] += (p[0] + p[1]) + (p[2] + p[3]);
		}
	}
	for (; r < rows; r++, x += stride, dy += stride, y += stride)
		for (int i = 0; i < count; i++) {
			float e = masked ? norm_passed(dy[i], y[i]) : dy[i];

			s0[i] += e;
			s1[i] += e * (x[i] - mean[i]);
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

struct columns norm_gradients(
	const float *dy, const struct norm_gradient *of, size_t rows, int channels)
{
	return (struct columns){ .x = of->x,
		.dy = dy,
		.y = of->y,
		.mean = of->mean,
		.groups = of->groups,
		.rows = rows,
		.channels = channels,
		.sums = 2,
		.add = add_backward };
}

void norm_gradients_put(const struct norm_gradient *of, const double *made, int channels)
{
	memcpy(of->sums, made, (size_t)of->groups * 2 * (size_t)channels * sizeof *made);
	for (int g = 0; g < of->groups; g++)
		for (int c = 0; c < channels; c++)
			of->sums[(2 * g + 1) * channels + c] *= (double)of->rstd[g * channels + c];
}

void norm_backward_sums_cpu(struct device *dev, double *sums, const void *dy, const void *y,
	const void *x, const float *mean, const float *rstd, int groups, size_t rows, int channels)
{
	const struct norm_gradient of = {
		.sums = sums, .y = y, .x = x, .mean = mean, .rstd = rstd, .groups = groups
	};
	const struct columns in = norm_gradients(dy, &of, rows, channels);

	norm_gradients_put(&of, columns_sum(cpu_of(dev), &in), channels);
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
