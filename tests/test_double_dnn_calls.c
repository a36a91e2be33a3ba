/* The double of cuDNN: the lists of algorithms, arguments that the library refuses, with its
 * answers, and those that it does not see, which end the program. */

#include "test.h"
#include "double_dnn.h"
#include "double_fixture.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 64 << 20 };

static const struct dnn_case plain = { 2, 5, 7, 3, 4, 3, 3, 1, 1 };
static const struct dnn_case pointwise = { 2, 5, 7, 3, 4, 1, 1, 1, 0 };

/* Those that support the shape come first, by their time; a caller finds one that will do. */
static void lists(void **state)
{
	(void)state;
	for (int way = 0; way < WAYS; way++) {
		struct dnn d;
		struct dnn_choice list[16], part[2];
		int n, supported = 0, wild = 0, huge = 0;

		dnn_open(&d, &plain, CUDNN_DATA_FLOAT, CUDNN_TENSOR_OP_MATH);
		n = dnn_choices(&d, way, list, 16);
		assert_true(n > 2);
		while (supported < n && list[supported].status == CUDNN_STATUS_SUCCESS)
			supported++;
		assert_true(supported < n);
		for (int i = supported; i < n; i++)
			assert_int_equal(list[i].status, CUDNN_STATUS_NOT_SUPPORTED);
		for (int i = 0; i < supported; i++) {
			wild += list[i].determinism == CUDNN_NON_DETERMINISTIC;
			huge += list[i].memory > LIMIT;
		}
		assert_int_equal(huge, 1);
		assert_int_equal(wild > 0, way != WAY_FORWARD);
		assert_true(
			list[0].memory > LIMIT || list[0].determinism == CUDNN_NON_DETERMINISTIC);
		assert_true(dnn_choose(&d, way, LIMIT).memory <= LIMIT);
		assert_int_equal(dnn_choices(&d, way, part, 2), 2);
		assert_memory_equal(part, list, sizeof part);
		assert_int_equal(dnn_choices(&d, way, list, 0), -1);
		dnn_close(&d);
	}
}

/* What an entry says holds for its math type, and no other. */
static void needs(void **state)
{
	struct dnn d;
	struct dnn_choice choice;
	size_t with, without;

	(void)state;
	for (int way = 0; way < WAYS; way++) {
		dnn_open(&d, &plain, CUDNN_DATA_FLOAT, CUDNN_FMA_MATH);
		choice = dnn_choose(&d, way, LIMIT);
		ok_dnn(dnn_need(&d, way, choice.algo, &with));
		assert_int_equal(with, choice.memory);
		assert_int_equal(dnn_need(&d, way, 2, &with), CUDNN_STATUS_NOT_SUPPORTED);
		assert_int_equal(dnn_need(&d, way, 20, &with), CUDNN_STATUS_BAD_PARAM);
		assert_int_equal(dnn_need(&d, way, choice.algo, NULL), CUDNN_STATUS_BAD_PARAM);
		dnn_close(&d);
	}
	dnn_open(&d, &pointwise, CUDNN_DATA_FLOAT, CUDNN_TENSOR_OP_MATH);
	choice = dnn_choose(&d, WAY_FORWARD, LIMIT);
	assert_int_equal(choice.math, CUDNN_FMA_MATH);
	ok_dnn(dnn_need(&d, WAY_FORWARD, choice.algo, &with));
	ok_dnn(cudnnSetConvolutionMathType(d.conv, choice.math));
	ok_dnn(dnn_need(&d, WAY_FORWARD, choice.algo, &without));
	assert_true(with > without);
	assert_int_equal(without, choice.memory);
	dnn_close(&d);
}

/* A forward convolution of ones with all it takes. */
struct call {
	struct dnn d;
	void *x, *w, *y, *workspace;
	int algo;
	size_t bytes;
};

static struct call good_call(cudnnDataType_t type)
{
	struct call c;
	struct dnn_choice choice;

	dnn_open(&c.d, &plain, type, CUDNN_DEFAULT_MATH);
	choice = dnn_choose(&c.d, WAY_FORWARD, LIMIT);
	c.algo = choice.algo;
	c.bytes = choice.memory;
	ok_cuda(cudaMalloc(&c.x, 2 * 5 * 7 * 3 * sizeof(float) + 16));
	ok_cuda(cudaMalloc(&c.w, 4 * 3 * 3 * 3 * sizeof(float)));
	ok_cuda(cudaMalloc(&c.y, 2 * 5 * 7 * 4 * sizeof(float)));
	ok_cuda(cudaMalloc(&c.workspace, c.bytes));
	return c;
}

static void close_call(struct call *c)
{
	ok_cuda(cudaFree(c->x));
	ok_cuda(cudaFree(c->w));
	ok_cuda(cudaFree(c->y));
	ok_cuda(cudaFree(c->workspace));
	dnn_close(&c->d);
}

static cudnnStatus_t make(struct call *c)
{
	return dnn_run(&c->d, WAY_FORWARD, 1, 0, c->x, c->w, c->y, c->algo, c->workspace, c->bytes);
}

static void make_call(void *call)
{
	struct call *c = call;

	make(c);
	cudaStreamSynchronize(c->d.stream);
}

/* A good call of which one thing is changed is answered with that status, or ends the program. */
#define ASSERT_STATUS(change, status)                                                              \
	do {                                                                                       \
		struct call bad_ = good, *c = &bad_;                                               \
		change;                                                                            \
		assert_int_equal(make(c), (status));                                               \
	} while (0)

#define ASSERT_FAULTS(change, word)                                                                \
	do {                                                                                       \
		struct call bad_ = good, *c = &bad_;                                               \
		change;                                                                            \
		assert_faults(make_call, c, word);                                                 \
	} while (0)

static void refused(void **state)
{
	struct call good = good_call(CUDNN_DATA_FLOAT);

	(void)state;
	ASSERT_STATUS((void)c, CUDNN_STATUS_SUCCESS);
	ASSERT_STATUS(c->d.handle = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->d.x = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->d.y = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->d.w = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->d.conv = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->x = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->w = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->y = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->d.y = c->d.x, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->bytes--, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->workspace = NULL, CUDNN_STATUS_BAD_PARAM);
	ASSERT_STATUS(c->algo = CUDNN_CONVOLUTION_FWD_ALGO_FFT, CUDNN_STATUS_NOT_SUPPORTED);
	ASSERT_STATUS(c->x = (char *)c->x + 4, CUDNN_STATUS_BAD_PARAM);
	ok_cuda(cudaStreamSynchronize(good.d.stream));
	close_call(&good);
	good = good_call(CUDNN_DATA_BFLOAT16);
	ok_dnn(cudnnSetConvolutionMathType(good.d.conv, CUDNN_FMA_MATH));
	ASSERT_STATUS((void)c, CUDNN_STATUS_NOT_SUPPORTED);
	close_call(&good);
}

static void no_stream(void *call)
{
	struct call *c = call;

	cudnnSetStream(c->d.handle, NULL);
	make(c);
}

static void destroyed(void *call)
{
	struct call *c = call;

	cudnnDestroyTensorDescriptor(c->d.x);
	make(c);
}

static void deadly(void **state)
{
	struct call good = good_call(CUDNN_DATA_FLOAT);
	_Alignas(64) float host[256];

	(void)state;
	ASSERT_FAULTS(c->x = host, "x at");
	ASSERT_FAULTS(c->y = host, "y at");
	ASSERT_FAULTS(c->x = c->y, "x overlaps the result");
	ASSERT_FAULTS(c->w = c->workspace, "w lies in the workspace");
	ASSERT_FAULTS(c->workspace = host, "the workspace");
	ASSERT_FAULTS(c->bytes += 64, "the workspace");
	ASSERT_FAULTS(c->d.x = (cudnnTensorDescriptor_t)c->d.w, "of another kind");
	assert_faults(no_stream, &good, "default stream");
	assert_faults(destroyed, &good, "destroyed or of another kind");
	close_call(&good);
}

/* All of the workspace that is asked for is used. */
static void workspace(void **state)
{
	struct call good = good_call(CUDNN_DATA_FLOAT);
	unsigned char *got = calloc(1, good.bytes);

	(void)state;
	ok_cuda(cudaMemset(good.workspace, 0, good.bytes));
	ok_dnn(make(&good));
	ok_cuda(cudaStreamSynchronize(good.d.stream));
	ok_cuda(cudaMemcpy(got, good.workspace, good.bytes, cudaMemcpyDeviceToHost));
	assert_int_not_equal(got[0], 0);
	assert_int_not_equal(got[good.bytes - 1], 0);
	free(got);
	close_call(&good);
}

/* Answers of cuDNN 9.19 to the same calls. */
static void descriptors(void **state)
{
	struct dnn d;
	int n, k, p, q;

	(void)state;
	dnn_open(&d, &plain, CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH);
#define TENSOR(n, c)                                                                               \
	cudnnSetTensor4dDescriptor(d.x, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, n, c, 112, 512)
	assert_int_equal(TENSOR(0, 3), CUDNN_STATUS_BAD_PARAM);
	assert_int_equal(TENSOR(2, -3), CUDNN_STATUS_BAD_PARAM);
	assert_int_equal(TENSOR(1024, 64), CUDNN_STATUS_NOT_SUPPORTED);
#undef TENSOR
#define CONVOLUTION(pad, stride, dilation, compute)                                                \
	cudnnSetConvolution2dDescriptor(                                                           \
		d.conv, pad, 1, stride, 2, dilation, 1, CUDNN_CROSS_CORRELATION, compute)
	assert_int_equal(CONVOLUTION(-1, 2, 1, CUDNN_DATA_FLOAT), CUDNN_STATUS_BAD_PARAM);
	assert_int_equal(CONVOLUTION(1, 0, 1, CUDNN_DATA_FLOAT), CUDNN_STATUS_BAD_PARAM);
	assert_int_equal(CONVOLUTION(1, 2, 0, CUDNN_DATA_FLOAT), CUDNN_STATUS_BAD_PARAM);
	assert_int_equal(CONVOLUTION(1, 2, 1, CUDNN_DATA_BFLOAT16), CUDNN_STATUS_BAD_PARAM);
#undef CONVOLUTION
	assert_int_equal(cudnnSetConvolutionMathType(d.conv, 9), CUDNN_STATUS_BAD_PARAM);
	ok_dnn(cudnnSetFilter4dDescriptor(d.w, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, 4, 5, 3, 3));
	assert_int_equal(cudnnGetConvolution2dForwardOutputDim(d.conv, d.x, d.w, &n, &k, &p, &q),
		CUDNN_STATUS_BAD_PARAM);
	ok_dnn(cudnnSetFilter4dDescriptor(d.w, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, 4, 3, 9, 9));
	assert_int_equal(cudnnGetConvolution2dForwardOutputDim(d.conv, d.x, d.w, &n, &k, &p, &q),
		CUDNN_STATUS_BAD_PARAM);
	assert_int_equal(cudnnCreate(NULL), CUDNN_STATUS_BAD_PARAM);
	assert_int_equal(cudnnSetStream(NULL, d.stream), CUDNN_STATUS_BAD_PARAM);
	ok_dnn(cudnnDestroy(NULL));
	assert_string_equal(
		cudnnGetErrorString(CUDNN_STATUS_NOT_SUPPORTED), "CUDNN_STATUS_NOT_SUPPORTED");
	assert_string_equal(cudnnGetErrorString(77), "CUDNN_UNKNOWN_STATUS");
	dnn_close(&d);
}

/* An algorithm without a fixed order of sums is not the same twice. */
static void wild(void **state)
{
	enum { X = 2 * 5 * 7 * 3, Y = 2 * 5 * 7 * 4, W = 4 * 3 * 3 * 3 };
	float x[X], y[Y], got[2][W];
	struct dnn d;
	void *dx, *dy, *dw;

	(void)state;
	dnn_open(&d, &plain, CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH);
	draw_floats(x, X, 1);
	draw_floats(y, Y, 2);
	dx = to_device(x, sizeof x);
	dy = to_device(y, sizeof y);
	ok_cuda(cudaMalloc(&dw, sizeof got[0]));
	for (int i = 0; i < 2; i++) {
		ok_dnn(dnn_run(&d, WAY_FILTER, 1, 0, dx, dw, dy,
			CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, NULL, 0));
		ok_cuda(cudaStreamSynchronize(d.stream));
		ok_cuda(cudaMemcpy(got[i], dw, sizeof got[i], cudaMemcpyDeviceToHost));
	}
	assert_memory_not_equal(got[0], got[1], sizeof got[0]);
	for (int i = 0; i < W; i++)
		assert_close(got[0][i], got[1][i], 1e-5);
	ok_cuda(cudaFree(dx));
	ok_cuda(cudaFree(dy));
	ok_cuda(cudaFree(dw));
	dnn_close(&d);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(lists),
	cmocka_unit_test(needs),
	cmocka_unit_test(refused),
	cmocka_unit_test(deadly),
	cmocka_unit_test(workspace),
	cmocka_unit_test(descriptors),
	cmocka_unit_test(wild),
};

TEST_MAIN(cases)
