/* gemm_cpu.c - matrix product (oneDNN's sgemm, which is row-major), and what goes along with it. */
#include "base/clones.h"

#include "cpu.h"

#include "columns_cpu.h"
#include "pointwise_cpu.h"

enum { BLOCK = 8192 /* floats a thread takes at a time */ };

void gemm_cpu(struct device *dev, float *c, const float *a, const float *b, int m, int n, int k,
	int ta, int tb, float beta)
{
	cpu_of(dev);
	DNNL_CHECK(dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, a, ta ? m : k, b,
		tb ? k : n, beta, c, n));
}

/* A linear layer is a convolution of pictures of one pixel. */
static struct conv_shape pixels_of(int rows, int in, int out)
{
	return (struct conv_shape){
		.n = rows, .h = 1, .w = 1, .c = in, .k = out, .r = 1, .stride = 1
	};
}

void linear_forward_cpu(
	struct device *dev, void *y, const void *x, const void *w, int rows, int in, int out)
{
	const struct conv_shape s = pixels_of(rows, in, out);

	pointwise_forward(cpu_of(dev), &s, y, x, w);
}

void linear_backward_data_cpu(
	struct device *dev, void *dx, const void *dy, const void *w, int rows, int in, int out)
{
	const struct conv_shape s = pixels_of(rows, in, out);

	pointwise_backward_data(cpu_of(dev), &s, dx, dy, w, 0);
}

void linear_backward_weights_cpu(
	struct device *dev, float *dw, const void *dy, const void *x, int rows, int in, int out)
{
	const struct conv_shape s = pixels_of(rows, in, out);

	pointwise_backward_weights(cpu_of(dev), &s, dw, dy, x);
}

CLONES static void add_scaled(float *restrict y, float a, const float *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += a * x[i];
}

void axpy_cpu(struct device *dev, float *y, float a, const float *x, size_t n)
{
	struct cpu *cpu = cpu_of(dev);

#pragma omp parallel for num_threads(cpu->threads) if (n > 4 * BLOCK)
	for (size_t i = 0; i < n; i += BLOCK)
		add_scaled(y + i, a, x + i, n - i < BLOCK ? n - i : BLOCK);
}

void bias_add_cpu(struct device *dev, void *y, const float *bias, size_t rows, int channels)
{
	struct cpu *cpu = cpu_of(dev);
	size_t c = (size_t)channels;

#pragma omp parallel for num_threads(cpu->threads) if (rows * c > 4 * BLOCK)
	for (size_t i = 0; i < rows; i++)
		add_scaled((float *)y + i * c, 1, bias, c);
}

CLONES static void add_rows(
	double *restrict sum, const float *restrict x, size_t rows, size_t stride, int count)
{
	for (size_t r = 0; r < rows; r++, x += stride)
		for (int i = 0; i < count; i++)
			sum[i] += x[i];
}

static void add_columns(double *s0, double *s1, const struct columns *in, int group, size_t row,
	size_t rows, int channel, int count)
{
	(void)s1;
	add_rows(
		s0, in->x + columns_at(in, group, row, channel), rows, (size_t)in->channels, count);
}

void bias_gradient_cpu(struct device *dev, float *db, const void *dy, size_t rows, int channels)
{
	const struct columns in = { .x = dy,
		.groups = 1,
		.rows = rows,
		.channels = channels,
		.sums = 1,
		.add = add_columns };
	const double *sums = columns_sum(cpu_of(dev), &in);

	for (int c = 0; c < channels; c++)
		db[c] += (float)sums[c];
}
