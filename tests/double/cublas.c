/* The double of cuBLAS: as much of it as matrix products need, linked in the place of the library
 * and compiled against its header.
 *
 * Arguments are checked as cuBLAS checks them, with its answers (seen in 13.1); what it would not
 * see and do wrong (memory that is not the device's, operands that overlap) ends the program.  What
 * the library can and this double cannot ends it too.  Matrices are column-major. */

#include <cublas_v2.h>
#include <stdlib.h>

#include "numbers.h"
#include "queue.h"

enum { HANDLE_ALIVE = 0x51a5, WORKSPACE_ALIGNMENT = 256, SPOILED = 1 << 16 };

struct cublasContext {
	int alive; /* HANDLE_ALIVE until it is destroyed */
	struct cublasContext
		*next; /* of those destroyed: never freed, so that a later use is found */
	cudaStream_t stream;
	cublasMath_t math;
	void *workspace;
	size_t workspace_bytes;
};

struct matrix {
	void *p;
	int rows, cols, ld; /* as it lies in memory */
	int transposed;
	enum number type;
};

/* What is queued: C = alpha op(A) op(B) + beta C, C (m, n). */
struct product {
	struct matrix a, b, c;
	int k;
	float alpha, beta;
	void *workspace;
	size_t workspace_bytes;
};

static int initialized(cublasHandle_t handle, const char *call)
{
	if (handle && handle->alive != HANDLE_ALIVE)
		double_fault("%s: the handle is destroyed", call);
	return handle != NULL;
}

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
	if (!handle)
		return CUBLAS_STATUS_INVALID_VALUE;
	*handle = calloc(1, sizeof **handle);
	if (!*handle)
		return CUBLAS_STATUS_ALLOC_FAILED;
	(*handle)->alive = HANDLE_ALIVE;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
	static cublasHandle_t destroyed;

	if (!initialized(handle, "cublasDestroy"))
		return CUBLAS_STATUS_NOT_INITIALIZED;
	handle->alive = 0;
	handle->next = destroyed;
	destroyed = handle;
	return CUBLAS_STATUS_SUCCESS;
}

/* As in the library, a workspace that was set before is forgotten. */
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
	if (!initialized(handle, "cublasSetStream"))
		return CUBLAS_STATUS_NOT_INITIALIZED;
	handle->stream = stream;
	handle->workspace = NULL;
	handle->workspace_bytes = 0;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void *workspace, size_t bytes)
{
	if (!initialized(handle, "cublasSetWorkspace"))
		return CUBLAS_STATUS_NOT_INITIALIZED;
	if ((size_t)workspace % WORKSPACE_ALIGNMENT || (bytes && !workspace))
		return CUBLAS_STATUS_INVALID_VALUE;
	if (bytes && !double_is_device(workspace, bytes))
		double_fault("cublasSetWorkspace: %p is not %zu bytes of device memory", workspace,
			bytes);
	handle->workspace = workspace;
	handle->workspace_bytes = bytes;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)
{
	if (!initialized(handle, "cublasSetMathMode"))
		return CUBLAS_STATUS_NOT_INITIALIZED;
	/* the flag of how bfloat16 sums are split may be added to any mode: here they never are */
	mode &= ~CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
	if (mode != CUBLAS_DEFAULT_MATH && mode != CUBLAS_PEDANTIC_MATH &&
		mode != CUBLAS_TF32_TENSOR_OP_MATH)
		return CUBLAS_STATUS_INVALID_VALUE;
	handle->math = mode;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion(cublasHandle_t handle, int *version)
{
	(void)handle; /* the library does not look at it either */
	if (!version)
		return CUBLAS_STATUS_INVALID_VALUE;
	*version = CUBLAS_VERSION;
	return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t status)
{
	static const struct {
		cublasStatus_t status;
		const char *text;
	} texts[] = {
		{ CUBLAS_STATUS_SUCCESS, "success" },
		{ CUBLAS_STATUS_NOT_INITIALIZED, "the library was not initialized" },
		{ CUBLAS_STATUS_ALLOC_FAILED, "the resource allocation failed" },
		{ CUBLAS_STATUS_INVALID_VALUE,
			"an unsupported value or parameter was passed to the function" },
		{ CUBLAS_STATUS_ARCH_MISMATCH,
			"the function requires an architectural feature absent from the device" },
		{ CUBLAS_STATUS_MAPPING_ERROR, "an access to GPU memory space failed" },
		{ CUBLAS_STATUS_EXECUTION_FAILED, "the function failed to launch on the GPU" },
		{ CUBLAS_STATUS_INTERNAL_ERROR, "an internal operation failed" },
		{ CUBLAS_STATUS_NOT_SUPPORTED, "the requested functionality is not supported" },
		{ CUBLAS_STATUS_LICENSE_ERROR, "the license check failed" },
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "unrecognized status";
}

static size_t matrix_bytes(const struct matrix *m)
{
	if (!m->rows || !m->cols)
		return 0;
	return ((size_t)(m->cols - 1) * m->ld + m->rows) * number_bytes(m->type);
}

/* Without the gaps between columns. */
static double *matrix_read(const struct matrix *m)
{
	double *out = numbers_zero((size_t)m->rows * m->cols);

	for (size_t j = 0; j < (size_t)m->cols; j++)
		for (size_t i = 0; i < (size_t)m->rows; i++)
			out[j * m->rows + i] = number_read(m->p, j * m->ld + i, m->type);
	return out;
}

/* Column-major matrices are the transposes of row-major ones: C^T = op(B)^T op(A)^T. */
static int run_product(void *arg)
{
	const struct product *g = arg;
	int m = g->c.rows, n = g->c.cols;
	double *sums = numbers_zero((size_t)m * n);

	if (g->k && g->alpha != 0) {
		double *a = matrix_read(&g->a), *b = matrix_read(&g->b);

		numbers_product(sums, b, a, n, m, g->k, g->b.transposed, g->a.transposed, 0);
		free(a);
		free(b);
	}
	for (size_t j = 0; j < (size_t)n; j++)
		for (size_t i = 0; i < (size_t)m; i++) {
			size_t at = j * g->c.ld + i;
			/* what is multiplied by 0 is not read and may be NaN */
			double old =
				g->beta != 0 ? g->beta * number_read(g->c.p, at, g->c.type) : 0;

			number_write(g->c.p, at, g->c.type, g->alpha * sums[j * m + i] + old);
		}
	free(sums);
	numbers_spoil(
		g->workspace, g->workspace_bytes < SPOILED ? g->workspace_bytes : (size_t)SPOILED);
	return 1;
}

static void check_memory(const struct product *g, const char *call)
{
	const struct matrix *all[] = { &g->a, &g->b, &g->c };
	static const char *const names[] = { "A", "B", "C" };

	for (int i = 0; i < 3; i++) {
		size_t bytes = matrix_bytes(all[i]);

		if (bytes && !double_is_device(all[i]->p, bytes))
			double_fault(
				"%s: %s (%d x %d, leading dimension %d) at %p is not %zu bytes of "
				"device memory",
				call, names[i], all[i]->rows, all[i]->cols, all[i]->ld, all[i]->p,
				bytes);
		if ((size_t)all[i]->p % number_bytes(all[i]->type))
			double_fault("%s: %s at %p is not aligned", call, names[i], all[i]->p);
		if (i < 2 && numbers_overlap(all[i]->p, bytes, g->c.p, matrix_bytes(&g->c)))
			double_fault("%s: C overlaps %s", call, names[i]);
		if (numbers_overlap(all[i]->p, bytes, g->workspace, g->workspace_bytes))
			double_fault("%s: %s lies in the workspace", call, names[i]);
	}
}

static int known_operation(cublasOperation_t op)
{
	return op == CUBLAS_OP_N || op == CUBLAS_OP_T || op == CUBLAS_OP_C;
}

static cublasStatus_t start_product(
	cublasHandle_t handle, const struct product *g, const char *call)
{
	const struct matrix *all[] = { &g->a, &g->b, &g->c };

	for (int i = 0; i < 3; i++)
		if (all[i]->rows < 0 || all[i]->cols < 0 ||
			all[i]->ld < (all[i]->rows > 1 ? all[i]->rows : 1))
			return CUBLAS_STATUS_INVALID_VALUE;
	if (!g->c.rows || !g->c.cols)
		return CUBLAS_STATUS_SUCCESS;
	if (!handle->stream)
		double_fault("%s: on the default stream; set one", call);
	check_memory(g, call);
	double_enqueue(handle->stream, DOUBLE_LAUNCH, call, run_product, g, sizeof *g);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t transa,
	cublasOperation_t transb, int m, int n, int k, const float *alpha, const float *A, int lda,
	const float *B, int ldb, const float *beta, float *C, int ldc)
{
	return cublasGemmEx(handle, transa, transb, m, n, k, alpha, A, CUDA_R_32F, lda, B,
		CUDA_R_32F, ldb, beta, C, CUDA_R_32F, ldc, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

/* The types of the factors and of C that this double knows. */
static cublasStatus_t choose_types(enum number *factors, enum number *result, cudaDataType a,
	cudaDataType b, cudaDataType c, cublasComputeType_t compute, cublasMath_t math)
{
	int fast = compute == CUBLAS_COMPUTE_32F_FAST_TF32;

	if (compute != CUBLAS_COMPUTE_32F && !fast)
		double_fault("cublasGemmEx: compute type %d has no double", (int)compute);
	if ((a != CUDA_R_32F && a != CUDA_R_16BF) || a != b || (c != CUDA_R_32F && c != a) ||
		(fast && a != CUDA_R_32F))
		return CUBLAS_STATUS_NOT_SUPPORTED;
	*factors = a == CUDA_R_16BF                          ? NUMBER_BF16
		: fast || math == CUBLAS_TF32_TENSOR_OP_MATH ? NUMBER_TF32
							     : NUMBER_FLOAT;
	*result = c == CUDA_R_16BF ? NUMBER_BF16 : NUMBER_FLOAT;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa,
	cublasOperation_t transb, int m, int n, int k, const void *alpha, const void *A,
	cudaDataType Atype, int lda, const void *B, cudaDataType Btype, int ldb, const void *beta,
	void *C, cudaDataType Ctype, int ldc, cublasComputeType_t computeType,
	cublasGemmAlgo_t algo)
{
	enum number factors, result;
	cublasStatus_t status;
	int ta = transa != CUBLAS_OP_N, tb = transb != CUBLAS_OP_N;

	(void)algo;
	if (!initialized(handle, "cublasGemmEx"))
		return CUBLAS_STATUS_NOT_INITIALIZED;
	if (!known_operation(transa) || !known_operation(transb) || !alpha || !beta || !A || !B ||
		!C)
		return CUBLAS_STATUS_INVALID_VALUE;
	if (double_is_device(alpha, sizeof(float)) || double_is_device(beta, sizeof(float)))
		double_fault("cublasGemmEx: alpha and beta are read by the host");
	status = choose_types(&factors, &result, Atype, Btype, Ctype, computeType, handle->math);
	if (status != CUBLAS_STATUS_SUCCESS)
		return status;

	struct product g = { .a = { (void *)A, ta ? k : m, ta ? m : k, lda, ta, factors },
		.b = { (void *)B, tb ? n : k, tb ? k : n, ldb, tb, factors },
		.c = { C, m, n, ldc, 0, result },
		.k = k,
		.alpha = *(const float *)alpha,
		.beta = *(const float *)beta,
		.workspace = handle->workspace,
		.workspace_bytes = handle->workspace_bytes };
	return start_product(handle, &g, "cublasGemmEx");
}
