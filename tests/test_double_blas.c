/* The double of cuBLAS against sums written out.  All sums here are exact in double, whatever their
 * order, so that results must agree to the bit. */

#include "test.h"
#include "double_fixture.h"

#include <cublas_v2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 5 }; /* leading dimensions are larger than need be */

struct mode {
	const char *name;
	cudaDataType factors, result;
	cublasComputeType_t compute;
	cublasMath_t math;
	int bits; /* of mantissa that the product sees */
};

static const struct mode modes[] = {
	{ "float", CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F, CUBLAS_DEFAULT_MATH, 23 },
	{ "tf32 by call", CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_DEFAULT_MATH,
		10 },
	{ "tf32 by handle", CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F, CUBLAS_TF32_TENSOR_OP_MATH,
		10 },
	{ "bf16", CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F, CUBLAS_DEFAULT_MATH, 7 },
	{ "bf16 to float", CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F, CUBLAS_DEFAULT_MATH, 7 },
};

struct fixture {
	cublasHandle_t blas;
	cudaStream_t stream;
};

static struct fixture open_blas(void)
{
	struct fixture f;

	ok_cuda(cudaStreamCreateWithFlags(&f.stream, cudaStreamNonBlocking));
	assert_int_equal(cublasCreate(&f.blas), CUBLAS_STATUS_SUCCESS);
	assert_int_equal(cublasSetStream(f.blas, f.stream), CUBLAS_STATUS_SUCCESS);
	return f;
}

static void close_blas(struct fixture *f)
{
	assert_int_equal(cublasDestroy(f->blas), CUBLAS_STATUS_SUCCESS);
	ok_cuda(cudaStreamDestroy(f->stream));
}

static size_t element(cudaDataType type)
{
	return type == CUDA_R_16BF ? 2 : 4;
}

/* Floats as elements of that type. */
static void *stored(const float *x, size_t n, cudaDataType type)
{
	void *out = malloc(n * element(type));

	for (size_t i = 0; i < n; i++)
		if (type == CUDA_R_16BF)
			((unsigned short *)out)[i] = bf16_bits(x[i]);
		else
			((float *)out)[i] = x[i];
	return out;
}

static double value(const void *x, size_t i, cudaDataType type)
{
	return type == CUDA_R_16BF ? bf16_value(((const unsigned short *)x)[i])
				   : ((const float *)x)[i];
}

/* One matrix of the test: on the host and on the device. */
struct matrix {
	int rows, cols, ld;
	cudaDataType type;
	void *host, *dev;
	size_t bytes;
};

static struct matrix new_matrix(int rows, int cols, cudaDataType type, unsigned seed)
{
	struct matrix m = { .rows = rows, .cols = cols, .ld = rows + GAP, .type = type };
	size_t n = (size_t)m.ld * cols;
	float *x = malloc(n * sizeof *x);

	draw_floats(x, n, seed);
	m.host = stored(x, n, type);
	m.bytes = n * element(type);
	m.dev = to_device(m.host, m.bytes);
	free(x);
	return m;
}

static void free_matrix(struct matrix *m)
{
	free(m->host);
	ok_cuda(cudaFree(m->dev));
}

/* Element (i, j) as the product sees it. */
static double factor(const struct matrix *m, int transposed, int i, int j, int bits)
{
	size_t at = transposed ? (size_t)i * m->ld + j : (size_t)j * m->ld + i;

	return nearest(value(m->host, at, m->type), bits, TIES_AWAY);
}

/* All of C, the gaps between columns too. */
static void check_result(const struct mode *mode, const struct matrix *a, const struct matrix *b,
	const struct matrix *c, int k, int ta, int tb, float alpha, float beta)
{
	void *got = malloc(c->bytes);

	ok_cuda(cudaMemcpy(got, c->dev, c->bytes, cudaMemcpyDeviceToHost));
	for (int j = 0; j < c->cols; j++)
		for (int i = 0; i < c->ld; i++) {
			size_t at = (size_t)j * c->ld + i;
			double want = value(c->host, at, c->type), sum = 0;

			for (int l = 0; l < k && i < c->rows; l++)
				sum += factor(a, ta, i, l, mode->bits) *
					factor(b, tb, l, j, mode->bits);
			if (i < c->rows)
				want = nearest(alpha * sum + (beta != 0 ? beta * want : 0),
					c->type == CUDA_R_16BF ? 7 : 23, TIES_EVEN);
			if (value(got, at, c->type) != want)
				print_error("%s, %d x %d x %d, (%d, %d)\n", mode->name, c->rows,
					c->cols, k, i, j);
			assert_true(value(got, at, c->type) == want);
		}
	free(got);
}

static void spoil(struct matrix *c)
{
	for (int j = 0; j < c->cols; j++)
		memset((char *)c->host + (size_t)j * c->ld * element(c->type), 0xff,
			c->rows * element(c->type));
	ok_cuda(cudaMemcpy(c->dev, c->host, c->bytes, cudaMemcpyHostToDevice));
}

static void check_product(
	struct fixture *f, const struct mode *mode, int m, int n, int k, int ta, int tb, float beta)
{
	struct matrix a = new_matrix(ta ? k : m, ta ? m : k, mode->factors, 1);
	struct matrix b = new_matrix(tb ? n : k, tb ? k : n, mode->factors, 2);
	struct matrix c = new_matrix(m, n, mode->result, 3);
	float alpha = 0.5f;

	if (beta == 0)
		spoil(&c); /* must not be read */
	assert_int_equal(cublasSetMathMode(f->blas, mode->math), CUBLAS_STATUS_SUCCESS);
	assert_int_equal(cublasGemmEx(f->blas, ta ? CUBLAS_OP_T : CUBLAS_OP_N,
				 tb ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k, &alpha, a.dev, a.type,
				 a.ld, b.dev, b.type, b.ld, &beta, c.dev, c.type, c.ld,
				 mode->compute, CUBLAS_GEMM_DEFAULT),
		CUBLAS_STATUS_SUCCESS);
	ok_cuda(cudaStreamSynchronize(f->stream));
	check_result(mode, &a, &b, &c, k, ta, tb, alpha, beta);
	free_matrix(&a);
	free_matrix(&b);
	free_matrix(&c);
}

static void products(void **state)
{
	static const int sizes[][3] = { { 1, 1, 1 }, { 3, 17, 33 }, { 17, 1, 3 }, { 33, 3, 17 },
		{ 1, 33, 1 } };
	struct fixture f = open_blas();

	(void)state;
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
			for (int way = 0; way < 8; way++)
				check_product(&f, &modes[i], sizes[s][0], sizes[s][1], sizes[s][2],
					way & 1, way & 2, way & 4 ? 2 : 0);
	close_blas(&f);
}

/* 1 + 2^-11 is halfway between two numbers of TF32, 1 + 2^-8 between two of bfloat16. */
static void rounding(void **state)
{
	static const float one = 1, none = 0;
	const float ties[4] = { 1 + 0x1p-11f, -1 - 0x1p-11f, 1 + 0x3p-11f, 1 };
	struct fixture f = open_blas();
	float *x = to_device(ties, sizeof ties), *unit = to_device(&one, sizeof one), *y, got[4];
	const float want[4] = { 1 + 0x1p-10f, -1 - 0x1p-10f, 1 + 0x2p-10f, 1 };

	(void)state;
	ok_cuda(cudaMalloc((void **)&y, sizeof got));
	assert_int_equal(
		cublasSetMathMode(f.blas, CUBLAS_TF32_TENSOR_OP_MATH), CUBLAS_STATUS_SUCCESS);
	assert_int_equal(cublasSgemm(f.blas, CUBLAS_OP_N, CUBLAS_OP_N, 4, 1, 1, &one, x, 4, unit, 1,
				 &none, y, 4),
		CUBLAS_STATUS_SUCCESS);
	ok_cuda(cudaStreamSynchronize(f.stream));
	ok_cuda(cudaMemcpy(got, y, sizeof got, cudaMemcpyDeviceToHost));
	assert_memory_equal(got, want, sizeof got);
	ok_cuda(cudaFree(x));
	ok_cuda(cudaFree(y));
	ok_cuda(cudaFree(unit));
	close_blas(&f);
}

/* (1 + 2^-8) + 2^-40 lies above the tie that float rounds it to. */
static void rounds_once(void **state)
{
	static const float one = 1, none = 0;
	const unsigned short a[4] = { bf16_bits(1), bf16_bits(0x1p-8), bf16_bits(0x1p-40) };
	const unsigned short b[4] = { bf16_bits(1), bf16_bits(1), bf16_bits(1) };
	struct fixture f = open_blas();
	void *x = to_device(a, sizeof a), *y = to_device(b, sizeof b), *z;
	unsigned short got[2];

	(void)state;
	ok_cuda(cudaMalloc(&z, sizeof got));
	for (int k = 2; k <= 3; k++)
		assert_int_equal(cublasGemmEx(f.blas, CUBLAS_OP_T, CUBLAS_OP_N, 1, 1, k, &one, x,
					 CUDA_R_16BF, k, y, CUDA_R_16BF, k, &none,
					 (unsigned short *)z + (k - 2), CUDA_R_16BF, 1,
					 CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
			CUBLAS_STATUS_SUCCESS);
	ok_cuda(cudaStreamSynchronize(f.stream));
	ok_cuda(cudaMemcpy(got, z, sizeof got, cudaMemcpyDeviceToHost));
	assert_true(bf16_value(got[0]) == 1);
	assert_true(bf16_value(got[1]) == 1 + 0x1p-7);
	ok_cuda(cudaFree(x));
	ok_cuda(cudaFree(y));
	ok_cuda(cudaFree(z));
	close_blas(&f);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(products),
	cmocka_unit_test(rounding),
	cmocka_unit_test(rounds_once),
};

TEST_MAIN(cases)
