/* gemm_cuda.c - matrix products by cuBLAS.
 * Our matrices have their rows one after another, cuBLAS's their columns: what we call C is C^T to
 * it, and C^T = op(B)^T op(A)^T, so the factors change places and nothing is moved.  The kind of
 * arithmetic was set when the device was opened; sums are float for all of them. */
#include "cuda_device.h"

/* C (m, n) = op(A) op(B) + beta C, as in gemm's contract, with factors and result of these types.
 */
struct product {
	void *c;
	const void *a, *b;
	cudaDataType c_type, factor_type;
	int m, n, k;
	int ta, tb;
	float beta;
};

static void multiply(struct cuda *cuda, const struct product *p)
{
	const float one = 1;

	if (p->m == 0 || p->n == 0)
		return;
	CUBLAS_CHECK(cublasGemmEx(cuda->blas, p->tb ? CUBLAS_OP_T : CUBLAS_OP_N,
		p->ta ? CUBLAS_OP_T : CUBLAS_OP_N, p->n, p->m, p->k, &one, p->b, p->factor_type,
		p->tb ? p->k : p->n, p->a, p->factor_type, p->ta ? p->m : p->k, &p->beta, p->c,
		p->c_type, p->n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
	cuda->device.counts.launches++;
}

static cudaDataType element_type(const struct cuda *cuda)
{
	return cuda->device.precision == PRECISION_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

void gemm_cuda(struct device *dev, float *c, const float *a, const float *b, int m, int n, int k,
	int ta, int tb, float beta)
{
	const struct product product = { .c = c,
		.a = a,
		.b = b,
		.c_type = CUDA_R_32F,
		.factor_type = CUDA_R_32F,
		.m = m,
		.n = n,
		.k = k,
		.ta = ta,
		.tb = tb,
		.beta = beta };

	multiply(cuda_of(dev), &product);
}

void linear_forward_cuda(
	struct device *dev, void *y, const void *x, const void *w, int rows, int in, int out)
{
	const cudaDataType type = element_type(cuda_of(dev));
	const struct product product = { .c = y,
		.a = x,
		.b = w,
		.c_type = type,
		.factor_type = type,
		.m = rows,
		.n = out,
		.k = in,
		.tb = 1 };

	multiply(cuda_of(dev), &product);
}

void linear_backward_data_cuda(
	struct device *dev, void *dx, const void *dy, const void *w, int rows, int in, int out)
{
	const cudaDataType type = element_type(cuda_of(dev));
	const struct product product = { .c = dx,
		.a = dy,
		.b = w,
		.c_type = type,
		.factor_type = type,
		.m = rows,
		.n = in,
		.k = out };

	multiply(cuda_of(dev), &product);
}

void linear_backward_weights_cuda(
	struct device *dev, float *dw, const void *dy, const void *x, int rows, int in, int out)
{
	const struct product product = { .c = dw,
		.a = dy,
		.b = x,
		.c_type = CUDA_R_32F,
		.factor_type = element_type(cuda_of(dev)),
		.m = out,
		.n = in,
		.k = rows,
		.ta = 1,
		.beta = 1 };

	multiply(cuda_of(dev), &product);
}
