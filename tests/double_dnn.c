#include "test.h"
#include "double_dnn.h"
#include "double_fixture.h"

void dnn_open(
	struct dnn *d, const struct dnn_case *shape, cudnnDataType_t type, cudnnMathType_t math)
{
	int n, k;

	*d = (struct dnn){ .shape = *shape };
	ok_cuda(cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking));
	ok_dnn(cudnnCreate(&d->handle));
	ok_dnn(cudnnSetStream(d->handle, d->stream));
	ok_dnn(cudnnCreateTensorDescriptor(&d->x));
	ok_dnn(cudnnCreateTensorDescriptor(&d->y));
	ok_dnn(cudnnCreateFilterDescriptor(&d->w));
	ok_dnn(cudnnCreateConvolutionDescriptor(&d->conv));
	ok_dnn(cudnnSetTensor4dDescriptor(
		d->x, CUDNN_TENSOR_NHWC, type, shape->n, shape->c, shape->h, shape->w));
	ok_dnn(cudnnSetFilter4dDescriptor(
		d->w, type, CUDNN_TENSOR_NHWC, shape->k, shape->c, shape->r, shape->s));
	ok_dnn(cudnnSetConvolution2dDescriptor(d->conv, shape->pad, shape->pad, shape->stride,
		shape->stride, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
	ok_dnn(cudnnSetConvolutionMathType(d->conv, math));
	ok_dnn(cudnnGetConvolution2dForwardOutputDim(d->conv, d->x, d->w, &n, &k, &d->p, &d->q));
	assert_int_equal(n, shape->n);
	assert_int_equal(k, shape->k);
	assert_int_equal(d->p, (shape->h + 2 * shape->pad - shape->r) / shape->stride + 1);
	assert_int_equal(d->q, (shape->w + 2 * shape->pad - shape->s) / shape->stride + 1);
	ok_dnn(cudnnSetTensor4dDescriptor(d->y, CUDNN_TENSOR_NHWC, type, n, k, d->p, d->q));
}

void dnn_close(struct dnn *d)
{
	ok_dnn(cudnnDestroyTensorDescriptor(d->x));
	ok_dnn(cudnnDestroyTensorDescriptor(d->y));
	ok_dnn(cudnnDestroyFilterDescriptor(d->w));
	ok_dnn(cudnnDestroyConvolutionDescriptor(d->conv));
	ok_dnn(cudnnDestroy(d->handle));
	ok_cuda(cudaStreamDestroy(d->stream));
}

/* The library's three lists differ in their types only. */
#define TAKE(Perf, call)                                                                           \
	do {                                                                                       \
		Perf perf_[16];                                                                    \
		if ((call) != CUDNN_STATUS_SUCCESS)                                                \
			return -1;                                                                 \
		for (int i_ = 0; i_ < n; i_++)                                                     \
			list[i_] = (struct dnn_choice){ (int)perf_[i_].algo, perf_[i_].status,     \
				perf_[i_].memory, perf_[i_].determinism, perf_[i_].mathType };     \
	} while (0)

int dnn_choices(struct dnn *d, enum dnn_way way, struct dnn_choice *list, int room)
{
	int n = 0;

	if (way == WAY_FORWARD)
		TAKE(cudnnConvolutionFwdAlgoPerf_t,
			cudnnGetConvolutionForwardAlgorithm_v7(
				d->handle, d->x, d->w, d->conv, d->y, room, &n, perf_));
	else if (way == WAY_DATA)
		TAKE(cudnnConvolutionBwdDataAlgoPerf_t,
			cudnnGetConvolutionBackwardDataAlgorithm_v7(
				d->handle, d->w, d->y, d->conv, d->x, room, &n, perf_));
	else
		TAKE(cudnnConvolutionBwdFilterAlgoPerf_t,
			cudnnGetConvolutionBackwardFilterAlgorithm_v7(
				d->handle, d->x, d->y, d->conv, d->w, room, &n, perf_));
	return n;
}

struct dnn_choice dnn_choose(struct dnn *d, enum dnn_way way, size_t limit)
{
	struct dnn_choice list[16];
	int n = dnn_choices(d, way, list, 16);

	for (int i = 0; i < n; i++)
		if (list[i].status == CUDNN_STATUS_SUCCESS && list[i].memory <= limit &&
			list[i].determinism == CUDNN_DETERMINISTIC)
			return list[i];
	assert_true(!"an algorithm");
	return list[0];
}

cudnnStatus_t dnn_need(struct dnn *d, enum dnn_way way, int algo, size_t *bytes)
{
	if (way == WAY_FORWARD)
		return cudnnGetConvolutionForwardWorkspaceSize(
			d->handle, d->x, d->w, d->conv, d->y, algo, bytes);
	if (way == WAY_DATA)
		return cudnnGetConvolutionBackwardDataWorkspaceSize(
			d->handle, d->w, d->y, d->conv, d->x, algo, bytes);
	return cudnnGetConvolutionBackwardFilterWorkspaceSize(
		d->handle, d->x, d->y, d->conv, d->w, algo, bytes);
}

cudnnStatus_t dnn_run(struct dnn *d, enum dnn_way way, float alpha, float beta, void *x, void *w,
	void *y, int algo, void *workspace, size_t bytes)
{
	if (way == WAY_FORWARD)
		return cudnnConvolutionForward(d->handle, &alpha, d->x, x, d->w, w, d->conv, algo,
			workspace, bytes, &beta, d->y, y);
	if (way == WAY_DATA)
		return cudnnConvolutionBackwardData(d->handle, &alpha, d->w, w, d->y, y, d->conv,
			algo, workspace, bytes, &beta, d->x, x);
	return cudnnConvolutionBackwardFilter(d->handle, &alpha, d->x, x, d->y, y, d->conv, algo,
		workspace, bytes, &beta, d->w, w);
}
