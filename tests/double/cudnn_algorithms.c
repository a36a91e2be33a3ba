/* The double of cuDNN: which algorithms it offers for a convolution, in which order, and what they
 * need.  The lists are made up so that a caller who takes the first, forgets that it may not be
 * deterministic, ask for more memory than there is, not support the shape at all, or hold for
 * another math type, is found out. */

#include "cudnn_double.h"

#include "queue.h"

enum need { NONE, MODEST, HUGE };
enum when {
	ALWAYS,
	SMALL,     /* 3 x 3 with stride 1, as Winograd */
	POINTWISE, /* 1 x 1 */
	NEVER
};

struct offer {
	int algo, deterministic;
	enum need need;
	enum when when;
	int without_tensor_cores; /* offered with CUDNN_FMA_MATH, whatever the descriptor says */
};

/* Best first. */
static const struct offer offers[DNN_DIRECTIONS][6] = {
	[DNN_FORWARD] = {
		{ CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, 1, HUGE, SMALL, 0 },
		{ CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, 1, MODEST, POINTWISE, 1 },
		{ CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, 1, MODEST, ALWAYS, 0 },
		{ CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, 1, NONE, ALWAYS, 0 },
		{ CUDNN_CONVOLUTION_FWD_ALGO_GEMM, 1, NONE, NEVER, 0 },
		{ CUDNN_CONVOLUTION_FWD_ALGO_FFT, 1, NONE, NEVER, 0 },
	},
	[DNN_DATA] = {
		{ CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, 0, NONE, ALWAYS, 0 },
		{ CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED, 1, HUGE, SMALL, 0 },
		{ CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, 1, MODEST, POINTWISE, 1 },
		{ CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, 1, MODEST, ALWAYS, 0 },
		{ CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, 1, NONE, NEVER, 0 },
		{ CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING, 1, NONE, NEVER, 0 },
	},
	[DNN_FILTER_GRADIENT] = {
		{ CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, 0, MODEST, ALWAYS, 0 },
		{ CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, 0, NONE, ALWAYS, 0 },
		{ CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED, 1, HUGE, SMALL, 0 },
		{ CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, 1, MODEST, ALWAYS, 0 },
		{ CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, 1, NONE, NEVER, 0 },
		{ CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING, 1, NONE, NEVER, 0 },
	},
};

enum { OFFERS = sizeof offers[0] / sizeof offers[0][0] };

static const int algorithm_counts[DNN_DIRECTIONS] = { CUDNN_CONVOLUTION_FWD_ALGO_COUNT,
	CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT };

static int supported(const struct offer *offer, const struct dnn_shape *s)
{
	switch (offer->when) {
	case ALWAYS:
		return s->type == CUDNN_DATA_FLOAT || s->math != CUDNN_FMA_MATH;
	case SMALL:
		return s->type == CUDNN_DATA_FLOAT && s->r == 3 && s->s == 3 && s->stride_h == 1 &&
			s->stride_w == 1;
	case POINTWISE:
		return s->type == CUDNN_DATA_FLOAT && s->math != CUDNN_FMA_MATH && s->r == 1 &&
			s->s == 1;
	default:
		return 0;
	}
}

/* The filter as doubles, half of that without tensor cores, or more than anyone has to give. */
static size_t memory(enum need need, const struct dnn_shape *s, cudnnMathType_t math)
{
	size_t filter = (size_t)s->k * s->c * s->r * s->s;

	if (need == NONE)
		return 0;
	if (need == HUGE)
		return (size_t)1 << 40;
	return 256 + filter * (math == CUDNN_FMA_MATH ? sizeof(float) : sizeof(double));
}

static void add(struct dnn_algorithm *entry, const struct offer *offer, const struct dnn_shape *s,
	int is_supported, int place)
{
	cudnnMathType_t math = offer->without_tensor_cores ? CUDNN_FMA_MATH : s->math;

	*entry = (struct dnn_algorithm){ .algo = offer->algo,
		.status = is_supported ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED,
		.time = is_supported ? (float)(place + 1) : -1,
		.memory = is_supported ? memory(offer->need, s, math) : (size_t)-1,
		.determinism = offer->deterministic ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC,
		.math = math };
}

int dnn_list(struct dnn_algorithm list[DNN_ALGORITHMS], enum dnn_direction direction,
	const struct dnn_shape *shape)
{
	int n = 0;

	for (int wanted = 1; wanted >= 0; wanted--)
		for (int i = 0; i < OFFERS; i++)
			if (supported(&offers[direction][i], shape) == wanted) {
				add(&list[n], &offers[direction][i], shape, wanted, n);
				n++;
			}
	return n;
}

const struct dnn_algorithm *dnn_find(struct dnn_algorithm list[DNN_ALGORITHMS],
	enum dnn_direction direction, const struct dnn_shape *shape, int algo)
{
	int n = dnn_list(list, direction, shape);

	for (int i = 0; i < n; i++)
		if (list[i].algo == algo && list[i].math == shape->math &&
			list[i].status == CUDNN_STATUS_SUCCESS)
			return &list[i];
	return NULL;
}

/* The list, or the first `requested` of it, for the functions below. */
static cudnnStatus_t list_for(struct dnn_algorithm list[DNN_ALGORITHMS], int *count,
	enum dnn_direction direction, cudnnHandle_t handle, cudnnTensorDescriptor_t x,
	cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t convolution,
	cudnnTensorDescriptor_t y, int requested, const void *results)
{
	struct dnn_shape shape;
	cudnnStatus_t status;
	int n;

	if (!dnn_living(handle, DNN_HANDLE))
		double_fault("cuDNN: a list of algorithms for handle NULL, of which it dies too");
	if (requested < 1 || !count || !results)
		return CUDNN_STATUS_BAD_PARAM;
	status = dnn_shape(&shape, x, w, convolution, y);
	if (status != CUDNN_STATUS_SUCCESS)
		return status;
	n = dnn_list(list, direction, &shape);
	*count = n < requested ? n : requested;
	return CUDNN_STATUS_SUCCESS;
}

#define COPY_RESULTS(list, count, results, enumeration)                                            \
	do {                                                                                       \
		for (int i_ = 0; i_ < (count); i_++) {                                             \
			(results)[i_].algo = (enumeration)(list)[i_].algo;                         \
			(results)[i_].status = (list)[i_].status;                                  \
			(results)[i_].time = (list)[i_].time;                                      \
			(results)[i_].memory = (list)[i_].memory;                                  \
			(results)[i_].determinism = (list)[i_].determinism;                        \
			(results)[i_].mathType = (list)[i_].math;                                  \
		}                                                                                  \
	} while (0)

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle,
	const cudnnTensorDescriptor_t srcDesc, const cudnnFilterDescriptor_t filterDesc,
	const cudnnConvolutionDescriptor_t convDesc, const cudnnTensorDescriptor_t destDesc,
	const int requestedAlgoCount, int *returnedAlgoCount,
	cudnnConvolutionFwdAlgoPerf_t *perfResults)
{
	struct dnn_algorithm list[DNN_ALGORITHMS];
	cudnnStatus_t status = list_for(list, returnedAlgoCount, DNN_FORWARD, handle, srcDesc,
		filterDesc, convDesc, destDesc, requestedAlgoCount, perfResults);

	if (status == CUDNN_STATUS_SUCCESS)
		COPY_RESULTS(list, *returnedAlgoCount, perfResults, cudnnConvolutionFwdAlgo_t);
	return status;
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle,
	const cudnnFilterDescriptor_t filterDesc, const cudnnTensorDescriptor_t diffDesc,
	const cudnnConvolutionDescriptor_t convDesc, const cudnnTensorDescriptor_t gradDesc,
	const int requestedAlgoCount, int *returnedAlgoCount,
	cudnnConvolutionBwdDataAlgoPerf_t *perfResults)
{
	struct dnn_algorithm list[DNN_ALGORITHMS];
	cudnnStatus_t status = list_for(list, returnedAlgoCount, DNN_DATA, handle, gradDesc,
		filterDesc, convDesc, diffDesc, requestedAlgoCount, perfResults);

	if (status == CUDNN_STATUS_SUCCESS)
		COPY_RESULTS(list, *returnedAlgoCount, perfResults, cudnnConvolutionBwdDataAlgo_t);
	return status;
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle,
	const cudnnTensorDescriptor_t srcDesc, const cudnnTensorDescriptor_t diffDesc,
	const cudnnConvolutionDescriptor_t convDesc, const cudnnFilterDescriptor_t gradDesc,
	const int requestedAlgoCount, int *returnedAlgoCount,
	cudnnConvolutionBwdFilterAlgoPerf_t *perfResults)
{
	struct dnn_algorithm list[DNN_ALGORITHMS];
	cudnnStatus_t status = list_for(list, returnedAlgoCount, DNN_FILTER_GRADIENT, handle,
		srcDesc, gradDesc, convDesc, diffDesc, requestedAlgoCount, perfResults);

	if (status == CUDNN_STATUS_SUCCESS)
		COPY_RESULTS(
			list, *returnedAlgoCount, perfResults, cudnnConvolutionBwdFilterAlgo_t);
	return status;
}

/* *bytes that an algorithm needs, for the functions below. */
static cudnnStatus_t workspace_for(size_t *bytes, enum dnn_direction direction,
	cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
	cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y, int algo)
{
	struct dnn_algorithm list[DNN_ALGORITHMS];
	const struct dnn_algorithm *found;
	struct dnn_shape shape;
	cudnnStatus_t status;

	if (!dnn_living(handle, DNN_HANDLE) || !bytes || algo < 0 ||
		algo >= algorithm_counts[direction])
		return CUDNN_STATUS_BAD_PARAM;
	status = dnn_shape(&shape, x, w, convolution, y);
	if (status != CUDNN_STATUS_SUCCESS)
		return status;
	found = dnn_find(list, direction, &shape, algo);
	if (!found)
		return CUDNN_STATUS_NOT_SUPPORTED;
	*bytes = found->memory;
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle,
	const cudnnTensorDescriptor_t xDesc, const cudnnFilterDescriptor_t wDesc,
	const cudnnConvolutionDescriptor_t convDesc, const cudnnTensorDescriptor_t yDesc,
	cudnnConvolutionFwdAlgo_t algo, size_t *sizeInBytes)
{
	return workspace_for(
		sizeInBytes, DNN_FORWARD, handle, xDesc, wDesc, convDesc, yDesc, (int)algo);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle,
	const cudnnFilterDescriptor_t wDesc, const cudnnTensorDescriptor_t dyDesc,
	const cudnnConvolutionDescriptor_t convDesc, const cudnnTensorDescriptor_t dxDesc,
	cudnnConvolutionBwdDataAlgo_t algo, size_t *sizeInBytes)
{
	return workspace_for(
		sizeInBytes, DNN_DATA, handle, dxDesc, wDesc, convDesc, dyDesc, (int)algo);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle,
	const cudnnTensorDescriptor_t xDesc, const cudnnTensorDescriptor_t dyDesc,
	const cudnnConvolutionDescriptor_t convDesc, const cudnnFilterDescriptor_t gradDesc,
	cudnnConvolutionBwdFilterAlgo_t algo, size_t *sizeInBytes)
{
	return workspace_for(sizeInBytes, DNN_FILTER_GRADIENT, handle, xDesc, gradDesc, convDesc,
		dyDesc, (int)algo);
}
