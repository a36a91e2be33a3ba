#ifndef DOUBLE_DNN_H
#define DOUBLE_DNN_H

#include <cudnn.h>

/* What the tests of the double of cuDNN share: a convolution with all it takes. */

/* x (n, h, w, c), filter (k, r, s, c). */
struct dnn_case {
	int n, h, w, c, k, r, s, stride, pad;
};

enum dnn_way { WAY_FORWARD, WAY_DATA, WAY_FILTER, WAYS };

struct dnn {
	struct dnn_case shape;
	int p, q;
	cudnnHandle_t handle;
	cudaStream_t stream;
	cudnnTensorDescriptor_t x, y;
	cudnnFilterDescriptor_t w;
	cudnnConvolutionDescriptor_t conv;
};

/* An entry of any of the three lists of algorithms. */
struct dnn_choice {
	int algo;
	cudnnStatus_t status;
	size_t memory;
	cudnnDeterminism_t determinism;
	cudnnMathType_t math;
};

#define ok_dnn(call) assert_int_equal((call), CUDNN_STATUS_SUCCESS)

void dnn_open(
	struct dnn *d, const struct dnn_case *shape, cudnnDataType_t type, cudnnMathType_t math);
void dnn_close(struct dnn *d);

/* The library's list, at most `room`; returns how many, or -1 when it is refused. */
int dnn_choices(struct dnn *d, enum dnn_way way, struct dnn_choice *list, int room);

/* The first that is deterministic and needs no more than that. */
struct dnn_choice dnn_choose(struct dnn *d, enum dnn_way way, size_t limit);

cudnnStatus_t dnn_need(struct dnn *d, enum dnn_way way, int algo, size_t *bytes);

/* Run it: two of x, w, y into the third. */
cudnnStatus_t dnn_run(struct dnn *d, enum dnn_way way, float alpha, float beta, void *x, void *w,
	void *y, int algo, void *workspace, size_t bytes);

#endif
