/* The double of cuBLAS: arguments that the library refuses, with its answers, and those that it
 * does not see, which end the program. */

#include "test.h"
#include "double_fixture.h"

#include <cublas_v2.h>
#include <string.h>

enum { N = 4 };

/* A product of 4 x 4 matrices, each argument of which a case may spoil. */
struct call {
	cublasHandle_t blas;
	cudaStream_t stream;
	cublasOperation_t transa;
	int m, n, k, lda, ldb, ldc;
	const float *alpha, *beta;
	void *a, *b, *c;
	cudaDataType atype, btype, ctype;
	cublasComputeType_t compute;
};

static const float one = 1, none = 0;

static struct call good_call(void)
{
	struct call g = { .m = N,
		.n = N,
		.k = N,
		.lda = N,
		.ldb = N,
		.ldc = N,
		.alpha = &one,
		.beta = &none,
		.compute = CUBLAS_COMPUTE_32F };

	ok_cuda(cudaStreamCreateWithFlags(&g.stream, cudaStreamNonBlocking));
	ok_cuda(cudaMalloc(&g.a, N * N * sizeof(float)));
	ok_cuda(cudaMalloc(&g.b, N * N * sizeof(float)));
	ok_cuda(cudaMalloc(&g.c, N * N * sizeof(float)));
	assert_int_equal(cublasCreate(&g.blas), CUBLAS_STATUS_SUCCESS);
	assert_int_equal(cublasSetStream(g.blas, g.stream), CUBLAS_STATUS_SUCCESS);
	return g;
}

static void close_call(struct call *g)
{
	ok_cuda(cudaFree(g->a));
	ok_cuda(cudaFree(g->b));
	ok_cuda(cudaFree(g->c));
	assert_int_equal(cublasDestroy(g->blas), CUBLAS_STATUS_SUCCESS);
	ok_cuda(cudaStreamDestroy(g->stream));
}

static cublasStatus_t make(const struct call *g)
{
	return cublasGemmEx(g->blas, g->transa, CUBLAS_OP_N, g->m, g->n, g->k, g->alpha, g->a,
		g->atype, g->lda, g->b, g->btype, g->ldb, g->beta, g->c, g->ctype, g->ldc,
		g->compute, CUBLAS_GEMM_DEFAULT);
}

static void make_call(void *call)
{
	struct call *g = call;

	make(g);
	cudaStreamSynchronize(g->stream);
}

/* A good call of which one thing is changed is answered with that status. */
#define ASSERT_STATUS(change, status)                                                              \
	do {                                                                                       \
		struct call bad_ = good, *g = &bad_;                                               \
		change;                                                                            \
		assert_int_equal(make(g), (status));                                               \
	} while (0)

static void refused(void **state)
{
	struct call good = good_call();

	(void)state;
	ASSERT_STATUS((void)g, CUBLAS_STATUS_SUCCESS);
	ASSERT_STATUS(g->blas = NULL, CUBLAS_STATUS_NOT_INITIALIZED);
	ASSERT_STATUS(g->transa = 9, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->m = -1, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->n = -1, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->k = -1, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->lda = N - 1, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->ldb = N - 1, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->ldc = N - 1, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS((g->transa = CUBLAS_OP_T, g->m = 2, g->lda = 3), CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->alpha = NULL, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->beta = NULL, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->c = NULL, CUBLAS_STATUS_INVALID_VALUE);
	ASSERT_STATUS(g->atype = CUDA_R_16BF, CUBLAS_STATUS_NOT_SUPPORTED);
	ASSERT_STATUS(g->ctype = CUDA_R_16BF, CUBLAS_STATUS_NOT_SUPPORTED);
	ASSERT_STATUS((g->atype = CUDA_R_16BF, g->btype = CUDA_R_16BF,
			      g->compute = CUBLAS_COMPUTE_32F_FAST_TF32),
		CUBLAS_STATUS_NOT_SUPPORTED);
	ASSERT_STATUS(g->m = 0, CUBLAS_STATUS_SUCCESS);
	close_call(&good);
}

#define ASSERT_FAULTS(change, word)                                                                \
	do {                                                                                       \
		struct call bad_ = good, *g = &bad_;                                               \
		change;                                                                            \
		assert_faults(make_call, g, word);                                                 \
	} while (0)

static void no_stream(void *call)
{
	struct call *g = call;

	cublasSetStream(g->blas, NULL);
	make(g);
}

static void deadly(void **state)
{
	struct call good = good_call();
	float host[N * N];

	(void)state;
	ASSERT_FAULTS(g->a = host, "A (4 x 4, leading dimension 4)");
	ASSERT_FAULTS(g->lda = N + 1, "is not 76 bytes of device memory");
	ASSERT_FAULTS(g->n = N + 1, "B (4 x 5");
	ASSERT_FAULTS(g->c = g->a, "C overlaps A");
	ASSERT_FAULTS(g->a = (char *)g->a + 2, "A (4 x 4");
	ASSERT_FAULTS(g->alpha = g->a, "alpha and beta are read by the host");
	ASSERT_FAULTS(g->compute = CUBLAS_COMPUTE_64F, "has no double");
	assert_faults(no_stream, &good, "default stream");
	close_call(&good);
}

static void handles(void **state)
{
	int version;

	(void)state;
	assert_int_equal(cublasCreate(NULL), CUBLAS_STATUS_INVALID_VALUE);
	assert_int_equal(cublasDestroy(NULL), CUBLAS_STATUS_NOT_INITIALIZED);
	assert_int_equal(cublasSetStream(NULL, NULL), CUBLAS_STATUS_NOT_INITIALIZED);
	assert_int_equal(
		cublasSetMathMode(NULL, CUBLAS_DEFAULT_MATH), CUBLAS_STATUS_NOT_INITIALIZED);
	assert_int_equal(cublasGetVersion(NULL, &version), CUBLAS_STATUS_SUCCESS);
	assert_int_equal(version, CUBLAS_VERSION);
	assert_int_equal(cublasGetVersion(NULL, NULL), CUBLAS_STATUS_INVALID_VALUE);
	assert_string_equal(cublasGetStatusString(CUBLAS_STATUS_EXECUTION_FAILED),
		"the function failed to launch on the GPU");
	assert_string_equal(cublasGetStatusString(99), "unrecognized status");
}

/* A product may use all of its workspace; cublasSetStream takes it away. */
static void workspace(void **state)
{
	struct call g = good_call();
	float zeros[1024] = { 0 }, got[1024];
	char *place;

	(void)state;
	ok_cuda(cudaMalloc((void **)&place, 256 + sizeof zeros));
	place += -(size_t)place % 256;
	assert_int_equal(cublasSetWorkspace(g.blas, place + 16, 256), CUBLAS_STATUS_INVALID_VALUE);
	for (int forgotten = 0; forgotten < 2; forgotten++) {
		ok_cuda(cudaMemcpy(place, zeros, sizeof zeros, cudaMemcpyHostToDevice));
		assert_int_equal(
			cublasSetWorkspace(g.blas, place, sizeof zeros), CUBLAS_STATUS_SUCCESS);
		if (forgotten)
			assert_int_equal(cublasSetStream(g.blas, g.stream), CUBLAS_STATUS_SUCCESS);
		assert_int_equal(make(&g), CUBLAS_STATUS_SUCCESS);
		ok_cuda(cudaStreamSynchronize(g.stream));
		ok_cuda(cudaMemcpy(got, place, sizeof got, cudaMemcpyDeviceToHost));
		assert_int_equal(memcmp(got, zeros, sizeof got) == 0, forgotten);
	}
	g.c = place;
	cublasSetWorkspace(g.blas, place, sizeof zeros);
	assert_faults(make_call, &g, "C lies in the workspace");
	close_call(&g);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(refused),
	cmocka_unit_test(deadly),
	cmocka_unit_test(handles),
	cmocka_unit_test(workspace),
};

TEST_MAIN(cases)
