/* conv_cuda.c - convolutions by cuDNN.
 * Its descriptors say NHWC for tensors and filters, which is our order of both, so nothing is
 * reordered.  Convolutions of one shape share what is prepared; algorithms are chosen when the
 * first of them runs.  cuDNN pads both sides alike: where TensorFlow's "same" does not, the input
 * is padded by a kernel of ours, into scratch, and the gradient of the padded input is cropped. */
#include "conv_cuda.h"

#include <string.h>

#include "base/memory.h"

static const float one = 1, zero = 0;

static int is_padded(const struct conv_shape *s)
{
	return s->top != s->bottom || s->left != s->right;
}

static void describe(struct cuda *cuda, struct conv *conv)
{
	static const cudnnMathType_t math[] = { [PRECISION_FLOAT32] = CUDNN_FMA_MATH,
		[PRECISION_TF32] = CUDNN_TENSOR_OP_MATH,
		[PRECISION_BF16] = CUDNN_TENSOR_OP_MATH };
	const struct conv_shape *s = &conv->shape;
	cudnnDataType_t type =
		cuda->device.precision == PRECISION_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
	int top = is_padded(s) ? 0 : s->top, left = is_padded(s) ? 0 : s->left;

	CUDNN_CHECK(cudnnCreateTensorDescriptor(&conv->x));
	CUDNN_CHECK(cudnnCreateTensorDescriptor(&conv->y));
	CUDNN_CHECK(cudnnCreateFilterDescriptor(&conv->filter));
	CUDNN_CHECK(cudnnSetTensor4dDescriptor(
		conv->x, CUDNN_TENSOR_NHWC, type, s->n, s->c, conv->h, conv->w));
	CUDNN_CHECK(cudnnSetTensor4dDescriptor(conv->y, CUDNN_TENSOR_NHWC, type, s->n, s->k,
		conv_out(s->h, s->top, s->bottom, s->r, s->stride),
		conv_out(s->w, s->left, s->right, s->r, s->stride)));
	CUDNN_CHECK(cudnnSetFilter4dDescriptor(
		conv->filter, type, CUDNN_TENSOR_NHWC, s->k, s->c, s->r, s->r));
	for (int i = 0; i < CONV_PASSES; i++) {
		cudnnConvolutionDescriptor_t *way = &conv->ways[i].conv;

		CUDNN_CHECK(cudnnCreateConvolutionDescriptor(way));
		CUDNN_CHECK(cudnnSetConvolution2dDescriptor(*way, top, left, s->stride, s->stride,
			1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
		CUDNN_CHECK(cudnnSetConvolutionMathType(*way, math[cuda->device.precision]));
	}
}

struct conv *conv_open_cuda(struct device *dev, const struct conv_shape *shape)
{
	struct cuda *cuda = cuda_of(dev);
	struct conv *conv;

	for (conv = cuda->convs; conv; conv = conv->next)
		if (memcmp(&conv->shape, shape, sizeof *shape) == 0)
			return conv;
	CHECK(conv_out(shape->h, shape->top, shape->bottom, shape->r, shape->stride) > 0 &&
			conv_out(shape->w, shape->left, shape->right, shape->r, shape->stride) > 0,
		"a convolution of side %d does not fit its input of %d x %d", shape->r, shape->h,
		shape->w);
	conv = xcalloc(1, sizeof *conv);
	conv->shape = *shape;
	conv->h = shape->h + (is_padded(shape) ? shape->top + shape->bottom : 0);
	conv->w = shape->w + (is_padded(shape) ? shape->left + shape->right : 0);
	describe(cuda, conv);
	conv->next = cuda->convs;
	cuda->convs = conv;
	return conv;
}

/* Others may share it: it stays until the device is closed. */
void conv_close_cuda(struct device *dev, struct conv *conv)
{
	(void)dev;
	(void)conv;
}

void cuda_convs_close(struct cuda *cuda)
{
	struct conv *conv;

	while ((conv = cuda->convs)) {
		cuda->convs = conv->next;
		for (int i = 0; i < CONV_PASSES; i++)
			CUDNN_CHECK(cudnnDestroyConvolutionDescriptor(conv->ways[i].conv));
		CUDNN_CHECK(cudnnDestroyFilterDescriptor(conv->filter));
		CUDNN_CHECK(cudnnDestroyTensorDescriptor(conv->y));
		CUDNN_CHECK(cudnnDestroyTensorDescriptor(conv->x));
		xfree(conv);
	}
}

/* Where a call finds its pieces of the scratch. */
struct pieces {
	void *workspace;
	void *padded; /* x or dx with its padding; NULL: there is none */
	void *dw;     /* bfloat16 gradient of the weights; NULL: float, and not here */
};

static size_t weights_count(const struct conv_shape *s)
{
	return (size_t)s->k * (size_t)s->r * (size_t)s->r * (size_t)s->c;
}

static struct pieces take_scratch(struct cuda *cuda, const struct conv *conv, enum conv_pass pass)
{
	const struct conv_shape *s = &conv->shape;
	size_t workspace = cuda_round(conv->ways[pass].workspace);
	size_t padded = 0, dw = 0;
	struct pieces pieces = { 0 };
	char *scratch;

	if (is_padded(s))
		padded = cuda_round((size_t)s->n * (size_t)conv->h * (size_t)conv->w *
			(size_t)s->c * cuda->device.element);
	if (pass == CONV_WEIGHTS && cuda->device.precision == PRECISION_BF16)
		dw = weights_count(s) * cuda->device.element;
	if (workspace + padded + dw == 0)
		return pieces;
	scratch = cuda_scratch(cuda, workspace + padded + dw);
	pieces.workspace = workspace > 0 ? scratch : NULL;
	pieces.padded = padded > 0 ? scratch + workspace : NULL;
	pieces.dw = dw > 0 ? scratch + workspace + padded : NULL;
	return pieces;
}

static const struct conv_way *way_of(struct cuda *cuda, struct conv *conv, enum conv_pass pass)
{
	const struct conv_shape *s = &conv->shape;

	if (!conv->chosen)
		conv_choose(cuda, conv);
	CHECK(conv->ways[pass].algorithm >= 0,
		"cuDNN has no deterministic algorithm with a workspace of %zu bytes at most for "
		"the pass '%s' of the convolution of (%d, %d, %d, %d) with %d filters of side %d, "
		"stride %d",
		cuda->workspace_limit, conv_pass_name(pass), s->n, s->h, s->w, s->c, s->k, s->r,
		s->stride);
	cuda->device.counts.launches++;
	return &conv->ways[pass];
}

/* x with its padding, where cuDNN does not pad by itself. */
static const void *pad_input(
	struct cuda *cuda, const struct conv *conv, void *padded, const void *x)
{
	const struct conv_shape *s = &conv->shape;
	const struct conv_window window = { .n = s->n,
		.out_h = conv->h,
		.out_w = conv->w,
		.in_h = s->h,
		.in_w = s->w,
		.down = s->top,
		.right = s->left,
		.pixel = (size_t)s->c * cuda->device.element };

	if (!padded)
		return x;
	conv_window_cuda(cuda, padded, x, &window);
	return padded;
}

static void crop_gradient(
	struct cuda *cuda, const struct conv *conv, void *dx, const void *padded, int add)
{
	const struct conv_shape *s = &conv->shape;
	const struct conv_window window = { .n = s->n,
		.out_h = s->h,
		.out_w = s->w,
		.in_h = conv->h,
		.in_w = conv->w,
		.down = -s->top,
		.right = -s->left,
		.pixel = (size_t)s->c * cuda->device.element };

	(add ? conv_add_window_cuda : conv_window_cuda)(cuda, dx, padded, &window);
}

void conv_forward_cuda(struct device *dev, struct conv *conv, void *y, const void *x, const void *w)
{
	struct cuda *cuda = cuda_of(dev);
	const struct conv_way *way = way_of(cuda, conv, CONV_FORWARD);
	const struct pieces pieces = take_scratch(cuda, conv, CONV_FORWARD);

	x = pad_input(cuda, conv, pieces.padded, x);
	CUDNN_CHECK(cudnnConvolutionForward(cuda->dnn, &one, conv->x, x, conv->filter, w, way->conv,
		(cudnnConvolutionFwdAlgo_t)way->algorithm, pieces.workspace, way->workspace, &zero,
		conv->y, y));
}

void conv_forward_sums_cuda(struct device *dev, struct conv *conv, void *y, const void *x,
	const void *w, double *sums, int groups, const struct norm_output *before)
{
	const struct conv_shape *s = &conv->shape;
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	int q = conv_out(s->w, s->left, s->right, s->r, s->stride);

	if (before)
		norm_apply_cuda(dev, before);
	conv_forward_cuda(dev, conv, y, x, w);
	norm_sums_cuda(dev, sums, y, groups, (size_t)(s->n / groups) * (size_t)p * (size_t)q, s->k);
}

void conv_backward_data_cuda(
	struct device *dev, struct conv *conv, void *dx, const void *dy, const void *w, int add)
{
	struct cuda *cuda = cuda_of(dev);
	const struct conv_way *way = way_of(cuda, conv, CONV_DATA);
	const struct pieces pieces = take_scratch(cuda, conv, CONV_DATA);

	CUDNN_CHECK(cudnnConvolutionBackwardData(cuda->dnn, &one, conv->filter, w, conv->y, dy,
		way->conv, (cudnnConvolutionBwdDataAlgo_t)way->algorithm, pieces.workspace,
		way->workspace, add && !pieces.padded ? &one : &zero, conv->x,
		pieces.padded ? pieces.padded : dx));
	if (pieces.padded)
		crop_gradient(cuda, conv, dx, pieces.padded, add);
}

/* cuDNN adds to a gradient of floats by itself; one of bfloat16 it gives as bfloat16 only, and it
 * is added to the floats here. */
void conv_backward_data_sums_cuda(struct device *dev, struct conv *conv, void *dx, const void *dy,
	const void *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before)
{
	const struct conv_shape *s = &conv->shape;
	size_t rows = (size_t)(s->n / of->groups) * (size_t)s->h * (size_t)s->w;

	if (before)
		norm_backward_cuda(dev, before);
	conv_backward_data_cuda(dev, conv, dx, dy, w, add);
	norm_backward_sums_cuda(
		dev, of->sums, dx, of->y, of->x, of->mean, of->rstd, of->groups, rows, s->c);
}

void conv_backward_weights_cuda(
	struct device *dev, struct conv *conv, float *dw, const void *dy, const void *x)
{
	struct cuda *cuda = cuda_of(dev);
	const struct conv_way *way = way_of(cuda, conv, CONV_WEIGHTS);
	const struct pieces pieces = take_scratch(cuda, conv, CONV_WEIGHTS);

	x = pad_input(cuda, conv, pieces.padded, x);
	CUDNN_CHECK(cudnnConvolutionBackwardFilter(cuda->dnn, &one, conv->x, x, conv->y, dy,
		way->conv, (cudnnConvolutionBwdFilterAlgo_t)way->algorithm, pieces.workspace,
		way->workspace, pieces.dw ? &zero : &one, conv->filter,
		pieces.dw ? pieces.dw : (void *)dw));
	if (pieces.dw)
		conv_accumulate_cuda(cuda, dw, pieces.dw, weights_count(&conv->shape));
}
