/* unit_cpu.c - vectors of unit length and the gradient through them. */
#include "base/clones.h"

#include "cpu.h"

#include "unit_math.h"

/* In strands, so that the loop is a vector's; double, like all sums. */
CLONES double cpu_dot(const float *restrict a, const float *restrict b, size_t d)
{
	enum { STRANDS = 8 };
	double sum[STRANDS] = { 0 }, all = 0;
	size_t i = 0;

	for (; i + STRANDS <= d; i += STRANDS)
		for (size_t k = 0; k < STRANDS; k++)
			sum[k] += (double)a[i + k] * b[i + k];
	for (; i < d; i++)
		sum[i % STRANDS] += (double)a[i] * b[i];
	for (size_t k = 0; k < STRANDS; k++)
		all += sum[k];
	return all;
}

void unit_length_cpu(struct device *dev, float *o, float *length, const void *u, size_t rows, int d)
{
	struct cpu *cpu = cpu_of(dev);
	size_t width = (size_t)d;

#pragma omp parallel for num_threads(cpu->threads) if (rows * width > 16384)
	for (size_t r = 0; r < rows; r++) {
		const float *from = (const float *)u + r * width;
		double l = unit_length_of(cpu_dot(from, from, width));

		for (size_t i = 0; i < width; i++)
			o[r * width + i] = (float)(from[i] / l);
		length[r] = (float)l;
	}
}

void unit_length_backward_cpu(struct device *dev, void *du, const float *g, const float *o,
	const float *length, size_t rows, int d)
{
	struct cpu *cpu = cpu_of(dev);
	size_t width = (size_t)d;
	float *to = du;

#pragma omp parallel for num_threads(cpu->threads) if (rows * width > 16384)
	for (size_t r = 0; r < rows; r++) {
		size_t at = r * width;
		double along = cpu_dot(g + at, o + at, width);

		for (size_t i = at; i < at + width; i++)
			to[i] = unit_gradient(g[i], o[i], along, length[r]);
	}
}
