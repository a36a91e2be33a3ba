/* The host's side of the real cuDNN, which needs no GPU: what our calls mean to it.  Its double is
 * held to the same by test_cudnn_double: this file once more. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <cudnn.h>
#include <string.h>

#include "nn/backend.h"

/* Kernel, stride, padding of each convolution of the network; 2 x 2 and 5 x 5 beside them. */
static const struct {
	int r, stride, pad;
} kernels[] = {
	{ 7, 2, 3 },
	{ 3, 1, 1 },
	{ 3, 2, 1 },
	{ 1, 1, 0 },
	{ 1, 2, 0 },
	{ 2, 1, 0 },
	{ 5, 3, 2 },
};

/* Heights and widths: ResNets at 224 and at 96 pixels, small stems at 32, odd ones. */
static const int sizes[] = { 224, 112, 56, 28, 14, 7, 96, 48, 24, 12, 6, 3, 32, 16, 8, 4, 1, 17,
	33 };

static const int channels[][2] = { { 3, 64 }, { 64, 256 }, { 512, 2048 }, { 1, 1 }, { 17, 33 } };

static const cudnnDataType_t types[] = { CUDNN_DATA_FLOAT, CUDNN_DATA_BFLOAT16 };

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

struct descriptors {
	cudnnTensorDescriptor_t x;
	cudnnFilterDescriptor_t w;
	cudnnConvolutionDescriptor_t conv;
};

static struct descriptors create(void)
{
	struct descriptors d;

	assert_int_equal(cudnnCreateTensorDescriptor(&d.x), CUDNN_STATUS_SUCCESS);
	assert_int_equal(cudnnCreateFilterDescriptor(&d.w), CUDNN_STATUS_SUCCESS);
	assert_int_equal(cudnnCreateConvolutionDescriptor(&d.conv), CUDNN_STATUS_SUCCESS);
	return d;
}

static void destroy(struct descriptors *d)
{
	assert_int_equal(cudnnDestroyTensorDescriptor(d->x), CUDNN_STATUS_SUCCESS);
	assert_int_equal(cudnnDestroyFilterDescriptor(d->w), CUDNN_STATUS_SUCCESS);
	assert_int_equal(cudnnDestroyConvolutionDescriptor(d->conv), CUDNN_STATUS_SUCCESS);
}

static void describe(struct descriptors *d, const struct conv_shape *s, cudnnDataType_t type)
{
	assert_int_equal(
		cudnnSetTensor4dDescriptor(d->x, CUDNN_TENSOR_NHWC, type, s->n, s->c, s->h, s->w),
		CUDNN_STATUS_SUCCESS);
	assert_int_equal(
		cudnnSetFilter4dDescriptor(d->w, type, CUDNN_TENSOR_NHWC, s->k, s->c, s->r, s->r),
		CUDNN_STATUS_SUCCESS);
	assert_int_equal(cudnnSetConvolution2dDescriptor(d->conv, s->top, s->left, s->stride,
				 s->stride, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
		CUDNN_STATUS_SUCCESS);
}

/* The output's shape is that of struct conv_shape's contract. */
static void check_output(struct descriptors *d, const struct conv_shape *s)
{
	int n, c, h, w;

	assert_int_equal(cudnnGetConvolution2dForwardOutputDim(d->conv, d->x, d->w, &n, &c, &h, &w),
		CUDNN_STATUS_SUCCESS);
	assert_int_equal(n, s->n);
	assert_int_equal(c, s->k);
	assert_int_equal(h, conv_out(s->h, s->top, s->bottom, s->r, s->stride));
	assert_int_equal(w, conv_out(s->w, s->left, s->right, s->r, s->stride));
}

static void outputs_match(void **state)
{
	struct descriptors d = create();
	int checked = 0;

	(void)state;
	for (int k = 0; k < COUNT(kernels); k++)
		for (int h = 0; h < COUNT(sizes); h++)
			for (int c = 0; c < COUNT(channels); c++) {
				int pad = kernels[k].pad;
				const struct conv_shape s = { .n = 1 + h,
					.h = sizes[h],
					.w = sizes[(h + c) % COUNT(sizes)],
					.c = channels[c][0],
					.k = channels[c][1],
					.r = kernels[k].r,
					.stride = kernels[k].stride,
					.top = pad,
					.left = pad,
					.bottom = pad,
					.right = pad };

				if (s.h + 2 * pad < s.r || s.w + 2 * pad < s.r)
					continue;
				describe(&d, &s, types[(k + h + c) % COUNT(types)]);
				check_output(&d, &s);
				checked++;
			}
	assert_true(checked > 600);
	destroy(&d);
}

/* A tensor that we call NHWC has the strides of one. */
static void layout_is_ours(void **state)
{
	struct descriptors d = create();
	const struct conv_shape s = { .n = 2, .h = 5, .w = 7, .c = 3, .k = 4, .r = 1, .stride = 1 };
	cudnnDataType_t type;
	int n, c, h, w, sn, sc, sh, sw;

	(void)state;
	describe(&d, &s, CUDNN_DATA_BFLOAT16);
	assert_int_equal(cudnnGetTensor4dDescriptor(d.x, &type, &n, &c, &h, &w, &sn, &sc, &sh, &sw),
		CUDNN_STATUS_SUCCESS);
	assert_int_equal(type, CUDNN_DATA_BFLOAT16);
	assert_int_equal(sc, 1);
	assert_int_equal(sw, s.c);
	assert_int_equal(sh, s.w * s.c);
	assert_int_equal(sn, s.h * s.w * s.c);
	destroy(&d);
}

static void version_is_that_of_the_headers(void **state)
{
	(void)state;
	assert_true(cudnnGetVersion() >= 90000);
	assert_int_equal(cudnnGetVersion() / 10000, CUDNN_MAJOR);
}

static void refusals(void **state)
{
	struct descriptors d = create();

	(void)state;
	assert_int_not_equal(
		cudnnSetTensor4dDescriptor(d.x, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 0, 1, 1, 1),
		CUDNN_STATUS_SUCCESS);
	assert_int_not_equal(cudnnSetConvolution2dDescriptor(d.conv, 0, 0, 0, 1, 1, 1,
				     CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
		CUDNN_STATUS_SUCCESS);
	assert_non_null(
		strstr(cudnnGetErrorString(CUDNN_STATUS_BAD_PARAM), "CUDNN_STATUS_BAD_PARAM"));
	assert_non_null(strstr(cudnnGetErrorString(CUDNN_STATUS_SUCCESS), "CUDNN_STATUS_SUCCESS"));
	destroy(&d);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(version_is_that_of_the_headers),
	cmocka_unit_test(layout_is_ours),
	cmocka_unit_test(outputs_match),
	cmocka_unit_test(refusals),
};

TEST_MAIN(cases)

#else

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	printf("1..0 # SKIP no CUDA back end here: %s\n", getenv("CUDA_MISSING"));
	return 0;
}

#endif
