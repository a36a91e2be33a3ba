/* The double of cuDNN: convolutions, as matrix products of each image's patches (im2col), summed in
 * double. */

#include "cudnn_double.h"

#include <stdlib.h>
#include <unistd.h>

#include "queue.h"

enum { ALIGNMENT = 16 };

struct array {
	const char *name;
	void *p;
	size_t count; /* elements */
};

/* What is queued: result = alpha sums + beta result, the sums of one direction, of two of x, w, y.
 */
struct convolution {
	const char *call;
	enum dnn_direction direction;
	struct dnn_shape shape;
	struct array x, w, y; /* the result is y, x or w: by direction */
	float alpha, beta;
	void *workspace;
	size_t workspace_bytes, need; /* what it was said to have, and what is used of it */
	int deterministic;
};

static struct array *result_of(struct convolution *g)
{
	return g->direction == DNN_FORWARD ? &g->y : g->direction == DNN_DATA ? &g->x : &g->w;
}

/* How the factors are read; results are written as floats where it is TF32. */
static enum number number_of(const struct dnn_shape *s)
{
	if (s->type == CUDNN_DATA_BFLOAT16)
		return NUMBER_BF16;
	return s->math == CUDNN_FMA_MATH ? NUMBER_FLOAT : NUMBER_TF32;
}

/* patches (p, q, r, s, c) of an image (h, w, c), padded by zeros; back: add the patches to the
 * image. */
static void patches(double *patch, double *image, const struct dnn_shape *s, int back)
{
	int taps = s->r * s->s;

	for (long i = 0; i < (long)s->p * s->q * taps; i++, patch += s->c) {
		long place = i / taps, tap = i % taps;
		long row = place / s->q * s->stride_h - s->pad_h + tap / s->s;
		long column = place % s->q * s->stride_w - s->pad_w + tap % s->s;
		int inside = row >= 0 && row < s->h && column >= 0 && column < s->w;
		double *pixel = inside ? image + (row * s->w + column) * s->c : NULL;

		for (int c = 0; c < s->c; c++)
			if (!back)
				patch[c] = pixel ? pixel[c] : 0;
			else if (pixel)
				pixel[c] += patch[c];
	}
}

/* One image's part of the sums; columns is room for its patches. */
static void sum_image(enum dnn_direction direction, const struct dnn_shape *s, double *x, double *w,
	double *y, double *columns)
{
	int places = s->p * s->q, width = s->r * s->s * s->c;

	if (direction == DNN_DATA) {
		numbers_product(columns, y, w, places, width, s->k, 0, 0, 0);
		patches(columns, x, s, 1);
		return;
	}
	patches(columns, x, s, 0);
	if (direction == DNN_FORWARD)
		numbers_product(y, columns, w, places, s->k, width, 0, 1, 0);
	else
		numbers_product(w, y, columns, s->k, width, places, 1, 0, 1);
}

static void write_result(const struct convolution *g, const struct array *to, const double *sums)
{
	static unsigned runs;
	enum number type = number_of(&g->shape);
	enum number stored = type == NUMBER_TF32 ? NUMBER_FLOAT : type;
	unsigned seed = runs++ + (unsigned)getpid();

	for (size_t i = 0; i < to->count; i++) {
		/* sums in whatever order: never twice the same */
		double jitter = g->deterministic ? 0 : (double)((i + seed) % 3) * 0x1p-22;
		/* what is multiplied by 0 is not read and may be NaN */
		double old = g->beta != 0 ? g->beta * number_read(to->p, i, stored) : 0;

		number_write(to->p, i, stored, g->alpha * sums[i] * (1 + jitter) + old);
	}
}

static int run_convolution(void *arg)
{
	struct convolution *g = arg;
	const struct dnn_shape *s = &g->shape;
	struct array *arrays[] = { &g->x, &g->w, &g->y }, *result = result_of(g);
	double *values[3];
	double *columns = numbers_zero((size_t)s->p * s->q * s->r * s->s * s->c);

	numbers_spoil(g->workspace, g->need);
	for (int i = 0; i < 3; i++)
		values[i] = arrays[i] == result
			? numbers_zero(result->count)
			: numbers_read(arrays[i]->p, arrays[i]->count, number_of(s));
	for (size_t i = 0; i < (size_t)s->n; i++)
		sum_image(g->direction, s, values[0] + i * s->h * s->w * s->c, values[1],
			values[2] + i * s->p * s->q * s->k, columns);
	for (int i = 0; i < 3; i++) {
		if (arrays[i] == result)
			write_result(g, result, values[i]);
		free(values[i]);
	}
	free(columns);
	return 1;
}

static cudnnStatus_t check_memory(struct convolution *g)
{
	const struct array *arrays[] = { &g->x, &g->w, &g->y }, *result = result_of(g);
	size_t element = number_bytes(number_of(&g->shape));

	if (g->workspace_bytes && !double_is_device(g->workspace, g->workspace_bytes))
		double_fault("%s: the workspace %p is not %zu bytes of device memory", g->call,
			g->workspace, g->workspace_bytes);
	for (int i = 0; i < 3; i++) {
		const struct array *a = arrays[i];

		if (!double_is_device(a->p, a->count * element))
			double_fault("%s: %s at %p is not %zu bytes of device memory", g->call,
				a->name, a->p, a->count * element);
		if ((size_t)a->p % ALIGNMENT)
			return CUDNN_STATUS_BAD_PARAM;
		if (a != result &&
			numbers_overlap(
				a->p, a->count * element, result->p, result->count * element))
			double_fault("%s: %s overlaps the result", g->call, a->name);
		if (numbers_overlap(a->p, a->count * element, g->workspace, g->workspace_bytes))
			double_fault("%s: %s lies in the workspace", g->call, a->name);
	}
	return (size_t)g->workspace % ALIGNMENT ? CUDNN_STATUS_BAD_PARAM : CUDNN_STATUS_SUCCESS;
}

/* What a call was given beside arrays and descriptors. */
struct request {
	cudnnHandle_t handle;
	const void *alpha, *beta;
	int algo;
	void *workspace;
	size_t workspace_bytes;
};

static cudnnStatus_t start(struct convolution *g, const struct request *request)
{
	const struct dnn_shape *s = &g->shape;
	struct dnn_algorithm list[DNN_ALGORITHMS];
	const struct dnn_algorithm *found;
	cudnnStatus_t status;

	if (!dnn_living(request->handle, DNN_HANDLE) || !request->alpha || !request->beta ||
		!g->x.p || !g->w.p || !g->y.p || request->algo < 0)
		return CUDNN_STATUS_BAD_PARAM;
	found = dnn_find(list, g->direction, s, request->algo);
	if (!found)
		return CUDNN_STATUS_NOT_SUPPORTED;
	if (request->workspace_bytes < found->memory || (found->memory && !request->workspace))
		return CUDNN_STATUS_BAD_PARAM;
	if (!request->handle->stream)
		double_fault("%s: on the default stream; set one", g->call);
	g->x.count = (size_t)s->n * s->h * s->w * s->c;
	g->w.count = (size_t)s->k * s->r * s->s * s->c;
	g->y.count = (size_t)s->n * s->p * s->q * s->k;
	g->alpha = *(const float *)request->alpha;
	g->beta = *(const float *)request->beta;
	g->workspace = request->workspace;
	g->workspace_bytes = request->workspace_bytes;
	g->need = found->memory;
	g->deterministic = found->determinism == CUDNN_DETERMINISTIC;
	status = check_memory(g);
	if (status == CUDNN_STATUS_SUCCESS)
		double_enqueue(request->handle->stream, DOUBLE_LAUNCH, g->call, run_convolution, g,
			sizeof *g);
	return status;
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
	const cudnnTensorDescriptor_t xDesc, const void *x, const cudnnFilterDescriptor_t wDesc,
	const void *w, const cudnnConvolutionDescriptor_t convDesc, cudnnConvolutionFwdAlgo_t algo,
	void *workSpace, size_t workSpaceSizeInBytes, const void *beta,
	const cudnnTensorDescriptor_t yDesc, void *y)
{
	struct request request = { handle, alpha, beta, (int)algo, workSpace,
		workSpaceSizeInBytes };
	struct convolution g = { .call = "cudnnConvolutionForward",
		.direction = DNN_FORWARD,
		.x = { "x", (void *)x, 0 },
		.w = { "w", (void *)w, 0 },
		.y = { "y", y, 0 } };
	cudnnStatus_t status = dnn_shape(&g.shape, xDesc, wDesc, convDesc, yDesc);

	return status == CUDNN_STATUS_SUCCESS ? start(&g, &request) : status;
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
	const cudnnFilterDescriptor_t wDesc, const void *w, const cudnnTensorDescriptor_t dyDesc,
	const void *dy, const cudnnConvolutionDescriptor_t convDesc,
	cudnnConvolutionBwdDataAlgo_t algo, void *workSpace, size_t workSpaceSizeInBytes,
	const void *beta, const cudnnTensorDescriptor_t dxDesc, void *dx)
{
	struct request request = { handle, alpha, beta, (int)algo, workSpace,
		workSpaceSizeInBytes };
	struct convolution g = { .call = "cudnnConvolutionBackwardData",
		.direction = DNN_DATA,
		.x = { "dx", dx, 0 },
		.w = { "w", (void *)w, 0 },
		.y = { "dy", (void *)dy, 0 } };
	cudnnStatus_t status = dnn_shape(&g.shape, dxDesc, wDesc, convDesc, dyDesc);

	return status == CUDNN_STATUS_SUCCESS ? start(&g, &request) : status;
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha,
	const cudnnTensorDescriptor_t xDesc, const void *x, const cudnnTensorDescriptor_t dyDesc,
	const void *dy, const cudnnConvolutionDescriptor_t convDesc,
	cudnnConvolutionBwdFilterAlgo_t algo, void *workSpace, size_t workSpaceSizeInBytes,
	const void *beta, const cudnnFilterDescriptor_t dwDesc, void *dw)
{
	struct request request = { handle, alpha, beta, (int)algo, workSpace,
		workSpaceSizeInBytes };
	struct convolution g = { .call = "cudnnConvolutionBackwardFilter",
		.direction = DNN_FILTER_GRADIENT,
		.x = { "x", (void *)x, 0 },
		.w = { "dw", dw, 0 },
		.y = { "dy", (void *)dy, 0 } };
	cudnnStatus_t status = dnn_shape(&g.shape, xDesc, dwDesc, convDesc, dyDesc);

	return status == CUDNN_STATUS_SUCCESS ? start(&g, &request) : status;
}
