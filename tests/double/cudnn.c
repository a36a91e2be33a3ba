/* The double of cuDNN: handles and descriptors.  Its answers to wrong arguments are those of 9.19,
 * which answers BAD_PARAM to nearly all; what cuDNN can and this double cannot ends the program. */

#include "cudnn_double.h"

#include <limits.h>
#include <stdlib.h>

#include "queue.h"

int dnn_living(const void *p, enum dnn_kind kind)
{
	if (p && ((const struct dnn_object *)p)->kind != kind)
		double_fault("cuDNN: a handle or descriptor that is destroyed or of another kind");
	return p != NULL;
}

static cudnnStatus_t create(void *out, size_t bytes, enum dnn_kind kind)
{
	struct dnn_object *object;

	if (!out)
		return CUDNN_STATUS_BAD_PARAM;
	object = calloc(1, bytes);
	if (!object)
		return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
	object->kind = kind;
	*(void **)out = object;
	return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t destroy(void *p, enum dnn_kind kind)
{
	static struct dnn_object *destroyed;
	struct dnn_object *object = p;

	if (!dnn_living(p, kind))
		return CUDNN_STATUS_SUCCESS;
	object->kind = DNN_DESTROYED;
	object->next = destroyed;
	destroyed = object;
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
	return create(handle, sizeof **handle, DNN_HANDLE);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
	return destroy(handle, DNN_HANDLE);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
	if (!dnn_living(handle, DNN_HANDLE))
		return CUDNN_STATUS_BAD_PARAM;
	handle->stream = stream;
	return CUDNN_STATUS_SUCCESS;
}

size_t cudnnGetVersion(void)
{
	return CUDNN_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
#define NAME(status)                                                                               \
	{                                                                                          \
		status, #status                                                                    \
	}
	static const struct {
		cudnnStatus_t status;
		const char *name;
	} names[] = {
		NAME(CUDNN_STATUS_SUCCESS),
		NAME(CUDNN_STATUS_NOT_INITIALIZED),
		NAME(CUDNN_STATUS_BAD_PARAM),
		NAME(CUDNN_STATUS_NOT_SUPPORTED),
		NAME(CUDNN_STATUS_INTERNAL_ERROR),
		NAME(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED),
		NAME(CUDNN_STATUS_EXECUTION_FAILED),
	};
#undef NAME

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].status == status)
			return names[i].name;
	return "CUDNN_UNKNOWN_STATUS";
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *tensorDesc)
{
	return create(tensorDesc, sizeof **tensorDesc, DNN_TENSOR);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensorDesc)
{
	return destroy(tensorDesc, DNN_TENSOR);
}

/* What tensors and filters have in common. */
static cudnnStatus_t check_array(
	cudnnTensorFormat_t format, cudnnDataType_t type, const int size[4])
{
	if ((int)format < 0 || format > CUDNN_TENSOR_NCHW_VECT_C || (int)type < 0 ||
		type > CUDNN_DATA_FP4_E2M1)
		return CUDNN_STATUS_BAD_PARAM;
	for (int i = 0; i < 4; i++)
		if (size[i] <= 0)
			return CUDNN_STATUS_BAD_PARAM;
	if (format != CUDNN_TENSOR_NHWC ||
		(type != CUDNN_DATA_FLOAT && type != CUDNN_DATA_BFLOAT16))
		double_fault("cuDNN: format %d and type %d have no double", (int)format, (int)type);
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensorDesc,
	cudnnTensorFormat_t format, cudnnDataType_t dataType, int n, int c, int h, int w)
{
	cudnnStatus_t status;

	if (!dnn_living(tensorDesc, DNN_TENSOR))
		return CUDNN_STATUS_BAD_PARAM;
	status = check_array(format, dataType, (const int[]){ n, c, h, w });
	if (status != CUDNN_STATUS_SUCCESS)
		return status;
	if ((double)n * c * h * w > INT_MAX)
		return CUDNN_STATUS_NOT_SUPPORTED;
	*tensorDesc =
		(struct cudnnTensorStruct){ { DNN_TENSOR, NULL }, 1, format, dataType, n, c, h, w };
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetTensor4dDescriptor(const cudnnTensorDescriptor_t tensorDesc,
	cudnnDataType_t *dataType, int *n, int *c, int *h, int *w, int *nStride, int *cStride,
	int *hStride, int *wStride)
{
	if (!dnn_living(tensorDesc, DNN_TENSOR))
		return CUDNN_STATUS_BAD_PARAM;
	*dataType = tensorDesc->type;
	*n = tensorDesc->n;
	*c = tensorDesc->c;
	*h = tensorDesc->h;
	*w = tensorDesc->w;
	*cStride = 1;
	*wStride = *c;
	*hStride = *w * *c;
	*nStride = *h * *w * *c;
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *filterDesc)
{
	return create(filterDesc, sizeof **filterDesc, DNN_FILTER);
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filterDesc)
{
	return destroy(filterDesc, DNN_FILTER);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filterDesc,
	cudnnDataType_t dataType, cudnnTensorFormat_t format, int k, int c, int h, int w)
{
	cudnnStatus_t status;

	if (!dnn_living(filterDesc, DNN_FILTER))
		return CUDNN_STATUS_BAD_PARAM;
	status = check_array(format, dataType, (const int[]){ k, c, h, w });
	if (status == CUDNN_STATUS_SUCCESS)
		*filterDesc = (struct cudnnFilterStruct){ { DNN_FILTER, NULL }, 1, format, dataType,
			k, c, h, w };
	return status;
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *convDesc)
{
	return create(convDesc, sizeof **convDesc, DNN_CONVOLUTION);
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convDesc)
{
	return destroy(convDesc, DNN_CONVOLUTION);
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convDesc, int pad_h,
	int pad_w, int u, int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
	cudnnDataType_t computeType)
{
	if (!dnn_living(convDesc, DNN_CONVOLUTION) || pad_h < 0 || pad_w < 0 || u <= 0 || v <= 0 ||
		dilation_h <= 0 || dilation_w <= 0 ||
		(mode != CUDNN_CONVOLUTION && mode != CUDNN_CROSS_CORRELATION) ||
		(computeType != CUDNN_DATA_FLOAT && computeType != CUDNN_DATA_DOUBLE &&
			computeType != CUDNN_DATA_HALF && computeType != CUDNN_DATA_INT32))
		return CUDNN_STATUS_BAD_PARAM;
	if (mode != CUDNN_CROSS_CORRELATION || computeType != CUDNN_DATA_FLOAT || dilation_h != 1 ||
		dilation_w != 1)
		double_fault("cuDNN: a convolution with mode %d, compute type %d, dilation %d, %d "
			     "has no double",
			(int)mode, (int)computeType, dilation_h, dilation_w);
	*convDesc = (struct cudnnConvolutionStruct){ { DNN_CONVOLUTION, NULL }, 1, pad_h, pad_w, u,
		v, convDesc->math };
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(
	cudnnConvolutionDescriptor_t convDesc, cudnnMathType_t mathType)
{
	if (!dnn_living(convDesc, DNN_CONVOLUTION))
		double_fault("cudnnSetConvolutionMathType: NULL, of which cuDNN dies too");
	if ((int)mathType < 0 || mathType > CUDNN_FMA_MATH)
		return CUDNN_STATUS_BAD_PARAM;
	convDesc->math = mathType;
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(const cudnnConvolutionDescriptor_t convDesc,
	const cudnnTensorDescriptor_t inputTensorDesc, const cudnnFilterDescriptor_t filterDesc,
	int *n, int *c, int *h, int *w)
{
	if (!dnn_living(convDesc, DNN_CONVOLUTION) || !dnn_living(inputTensorDesc, DNN_TENSOR) ||
		!dnn_living(filterDesc, DNN_FILTER) || !convDesc->is_set ||
		!inputTensorDesc->is_set || !filterDesc->is_set ||
		inputTensorDesc->c != filterDesc->c)
		return CUDNN_STATUS_BAD_PARAM;
	if (!n || !c || !h || !w)
		double_fault(
			"cudnnGetConvolution2dForwardOutputDim: NULL, of which cuDNN dies too");
	*n = inputTensorDesc->n;
	*c = filterDesc->k;
	*h = (inputTensorDesc->h + 2 * convDesc->pad_h - filterDesc->h) / convDesc->stride_h + 1;
	*w = (inputTensorDesc->w + 2 * convDesc->pad_w - filterDesc->w) / convDesc->stride_w + 1;
	return inputTensorDesc->h + 2 * convDesc->pad_h < filterDesc->h ||
			inputTensorDesc->w + 2 * convDesc->pad_w < filterDesc->w
		? CUDNN_STATUS_BAD_PARAM
		: CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t dnn_shape(struct dnn_shape *shape, cudnnTensorDescriptor_t x,
	cudnnFilterDescriptor_t filter, cudnnConvolutionDescriptor_t convolution,
	cudnnTensorDescriptor_t y)
{
	int n, k, p, q;
	cudnnStatus_t status =
		cudnnGetConvolution2dForwardOutputDim(convolution, x, filter, &n, &k, &p, &q);

	if (status != CUDNN_STATUS_SUCCESS)
		return status;
	if (!dnn_living(y, DNN_TENSOR) || !y->is_set || y->n != n || y->c != k || y->h != p ||
		y->w != q || x->type != filter->type || x->type != y->type)
		return CUDNN_STATUS_BAD_PARAM;
	*shape = (struct dnn_shape){ .n = n,
		.h = x->h,
		.w = x->w,
		.c = x->c,
		.k = k,
		.r = filter->h,
		.s = filter->w,
		.p = p,
		.q = q,
		.pad_h = convolution->pad_h,
		.pad_w = convolution->pad_w,
		.stride_h = convolution->stride_h,
		.stride_w = convolution->stride_w,
		.type = x->type,
		.math = convolution->math };
	return CUDNN_STATUS_SUCCESS;
}
