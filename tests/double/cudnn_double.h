#ifndef DOUBLE_CUDNN_DOUBLE_H
#define DOUBLE_CUDNN_DOUBLE_H

#include <cudnn.h>

#include "numbers.h"

/* Between the files of the double of cuDNN: its descriptors, and the shape of a convolution. */

enum dnn_kind { DNN_DESTROYED, DNN_HANDLE = 0x44, DNN_TENSOR, DNN_FILTER, DNN_CONVOLUTION };

/* What handles and descriptors begin with. */
struct dnn_object {
	enum dnn_kind kind;
	struct dnn_object *next; /* of those destroyed: never freed, so that a later use is found */
};

struct cudnnContext {
	struct dnn_object object;
	cudaStream_t stream;
};

struct cudnnTensorStruct {
	struct dnn_object object;
	int is_set;
	cudnnTensorFormat_t format;
	cudnnDataType_t type;
	int n, c, h, w;
};

struct cudnnFilterStruct {
	struct dnn_object object;
	int is_set;
	cudnnTensorFormat_t format;
	cudnnDataType_t type;
	int k, c, h, w;
};

struct cudnnConvolutionStruct {
	struct dnn_object object;
	int is_set;
	int pad_h, pad_w, stride_h, stride_w;
	cudnnMathType_t math;
};

/* Which of the three; they share descriptors and arithmetic. */
enum dnn_direction { DNN_FORWARD, DNN_DATA, DNN_FILTER_GRADIENT, DNN_DIRECTIONS };

/* x (n, h, w, c), filter (k, r, s, c), y (n, p, q, k). */
struct dnn_shape {
	int n, h, w, c, k, r, s, p, q;
	int pad_h, pad_w, stride_h, stride_w;
	cudnnDataType_t type;
	cudnnMathType_t math;
};

/* An entry of the lists of algorithms, as in the library's three structs. */
struct dnn_algorithm {
	int algo;
	cudnnStatus_t status;
	float time;
	size_t memory;
	cudnnDeterminism_t determinism;
	cudnnMathType_t math;
};

enum { DNN_ALGORITHMS = 12 };

/* Whether p is a living descriptor; NULL is not, and a destroyed one ends the program. */
int dnn_living(const void *p, enum dnn_kind kind);

/* The shape that descriptors of x, filter, convolution and y agree on, or the library's answer to
 * those that do not. */
cudnnStatus_t dnn_shape(struct dnn_shape *shape, cudnnTensorDescriptor_t x,
	cudnnFilterDescriptor_t filter, cudnnConvolutionDescriptor_t convolution,
	cudnnTensorDescriptor_t y);

/* The ranked list for a shape, the unsupported ones last; returns its length. */
int dnn_list(struct dnn_algorithm list[DNN_ALGORITHMS], enum dnn_direction direction,
	const struct dnn_shape *shape);

/* The entry of an algorithm with the math of the descriptor; NULL: it does not support the shape.
 */
const struct dnn_algorithm *dnn_find(struct dnn_algorithm list[DNN_ALGORITHMS],
	enum dnn_direction direction, const struct dnn_shape *shape, int algo);

#endif
