/* The double of cuDNN against sums written out.  All sums here are exact in double, whatever their
 * order, so that results must agree to the bit. */

#include "test.h"
#include "double_dnn.h"
#include "double_fixture.h"

#include <stdlib.h>
#include <string.h>

static const struct dnn_case shapes[] = {
	{ 2, 5, 7, 3, 4, 3, 3, 1, 1 },
	{ 1, 9, 6, 5, 3, 3, 3, 2, 1 },
	{ 2, 8, 9, 3, 2, 7, 7, 2, 3 },
	{ 3, 4, 5, 6, 7, 1, 1, 1, 0 },
	{ 1, 7, 7, 2, 3, 1, 1, 2, 0 },
	{ 1, 3, 3, 1, 1, 3, 3, 1, 0 },
	{ 2, 5, 5, 4, 3, 5, 3, 3, 2 },
	{ 1, 1, 1, 17, 33, 1, 1, 1, 0 },
};

static const struct mode {
	const char *name;
	cudnnDataType_t type;
	cudnnMathType_t math;
	int bits; /* of mantissa that the product sees */
} modes[] = {
	{ "float", CUDNN_DATA_FLOAT, CUDNN_FMA_MATH, 23 },
	{ "tf32", CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH, 10 },
	{ "tf32 by tensor cores", CUDNN_DATA_FLOAT, CUDNN_TENSOR_OP_MATH, 10 },
	{ "bf16", CUDNN_DATA_BFLOAT16, CUDNN_DEFAULT_MATH, 7 },
};

enum { X, W, Y, ARRAYS };

/* One of x, w, y: what is stored, as doubles, and on the device. */
struct array {
	size_t count;
	double *value;
	void *dev;
};

static size_t element(const struct mode *mode)
{
	return mode->type == CUDNN_DATA_BFLOAT16 ? 2 : 4;
}

static struct array new_array(size_t count, const struct mode *mode, unsigned seed)
{
	struct array a = { .count = count, .value = malloc(count * sizeof(double)) };
	float *x = malloc(count * sizeof *x);
	unsigned short *bits = malloc(count * sizeof *bits);

	draw_floats(x, count, seed);
	for (size_t i = 0; i < count; i++) {
		bits[i] = bf16_bits(x[i]);
		a.value[i] = mode->type == CUDNN_DATA_BFLOAT16 ? bf16_value(bits[i]) : x[i];
	}
	a.dev = to_device(mode->type == CUDNN_DATA_BFLOAT16 ? (void *)bits : (void *)x,
		count * element(mode));
	free(x);
	free(bits);
	return a;
}

static void free_arrays(struct array *arrays)
{
	for (int i = 0; i < ARRAYS; i++) {
		free(arrays[i].value);
		ok_cuda(cudaFree(arrays[i].dev));
	}
}

/* Add all products to the sums of the result, which takes the place of one of the three. */
static void add_products(const struct dnn *d, enum dnn_way way, double *sums, const double *x,
	const double *w, const double *y)
{
	const struct dnn_case *s = &d->shape;

	for (int n = 0; n < s->n; n++)
		for (int p = 0; p < d->p; p++)
			for (int q = 0; q < d->q; q++)
				for (int k = 0; k < s->k; k++)
					for (int r = 0; r < s->r; r++)
						for (int t = 0; t < s->s; t++)
							for (int c = 0; c < s->c; c++) {
								int i = p * s->stride + r - s->pad,
								    j = q * s->stride + t - s->pad;
								size_t at_x = ((size_t)(n * s->h +
										       i) * s->w +
										      j) *
										s->c +
									c;
								size_t at_w = ((size_t)(k * s->r +
										       r) * s->s +
										      t) *
										s->c +
									c;
								size_t at_y = ((size_t)(n * d->p +
										       p) * d->q +
										      q) *
										s->k +
									k;

								if (i < 0 || i >= s->h || j < 0 ||
									j >= s->w)
									continue;
								if (way == WAY_FORWARD)
									sums[at_y] +=
										x[at_x] * w[at_w];
								else if (way == WAY_DATA)
									sums[at_x] +=
										y[at_y] * w[at_w];
								else
									sums[at_w] +=
										x[at_x] * y[at_y];
							}
}

static double *rounded(const struct array *a, int bits)
{
	double *out = malloc(a->count * sizeof *out);

	for (size_t i = 0; i < a->count; i++)
		out[i] = nearest(a->value[i], bits, TIES_AWAY);
	return out;
}

static void check_result(const struct dnn *d, const struct mode *mode, enum dnn_way way,
	const struct array *arrays, int result, float alpha, float beta)
{
	const struct array *to = &arrays[result];
	double *factors[ARRAYS], *sums = calloc(to->count, sizeof *sums);
	unsigned char *got = malloc(to->count * element(mode));

	for (int i = 0; i < ARRAYS; i++)
		factors[i] = rounded(&arrays[i], mode->bits);
	add_products(d, way, sums, factors[X], factors[W], factors[Y]);
	ok_cuda(cudaMemcpy(got, to->dev, to->count * element(mode), cudaMemcpyDeviceToHost));
	for (size_t i = 0; i < to->count; i++) {
		int is_bf16 = mode->type == CUDNN_DATA_BFLOAT16;
		double value = is_bf16 ? bf16_value(((unsigned short *)got)[i]) : ((float *)got)[i];
		double want = nearest(alpha * sums[i] + (beta != 0 ? beta * to->value[i] : 0),
			is_bf16 ? 7 : 23, TIES_EVEN);

		if (!(value == want))
			print_error("%s, way %d, element %zu: %.9g, not %.9g\n", mode->name, way, i,
				value, want);
		assert_true(value == want);
	}
	for (int i = 0; i < ARRAYS; i++)
		free(factors[i]);
	free(sums);
	free(got);
}

static void check_way(
	const struct dnn_case *s, const struct mode *mode, enum dnn_way way, float beta)
{
	static const int results[] = { [WAY_FORWARD] = Y, [WAY_DATA] = X, [WAY_FILTER] = W };
	struct dnn d;
	struct dnn_choice choice;
	void *workspace = NULL;

	dnn_open(&d, s, mode->type, mode->math);

	struct array arrays[ARRAYS] = { new_array((size_t)s->n * s->h * s->w * s->c, mode, 1),
		new_array((size_t)s->k * s->r * s->s * s->c, mode, 2),
		new_array((size_t)s->n * d.p * d.q * s->k, mode, 3) };
	const struct array *to = &arrays[results[way]];

	choice = dnn_choose(&d, way, 1 << 20);
	ok_dnn(cudnnSetConvolutionMathType(d.conv, choice.math));
	if (choice.memory)
		ok_cuda(cudaMalloc(&workspace, choice.memory));
	if (beta == 0) /* what is there must not be read */
		ok_cuda(cudaMemset(to->dev, 0xff, to->count * element(mode)));
	ok_dnn(dnn_run(&d, way, 0.5f, beta, arrays[X].dev, arrays[W].dev, arrays[Y].dev,
		choice.algo, workspace, choice.memory));
	ok_cuda(cudaStreamSynchronize(d.stream));

	struct mode seen = *mode;
	if (mode->type == CUDNN_DATA_FLOAT && choice.math == CUDNN_FMA_MATH)
		seen.bits = 23;
	check_result(&d, &seen, way, arrays, results[way], 0.5f, beta);
	ok_cuda(cudaFree(workspace));
	free_arrays(arrays);
	dnn_close(&d);
}

static void convolutions(void **state)
{
	(void)state;
	for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++)
		for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
			for (int way = 0; way < WAYS; way++) {
				check_way(&shapes[i], &modes[m], way, 0);
				check_way(&shapes[i], &modes[m], way, 2);
			}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(convolutions),
};

TEST_MAIN(cases)
