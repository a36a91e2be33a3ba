#ifndef KERNELS_CUDA_DEVICE_H
#define KERNELS_CUDA_DEVICE_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <nccl.h>

#include "base/die.h"
#include "nn/backend.h"

/* The CUDA back end: kernels of ours, cuDNN for convolutions, cuBLAS for matrix products, NCCL over
 * ranks.  The functions below are the slots of struct backend of the same names, with the same
 * contracts; all queue their work on the compute stream and return.
 *
 * Streams: `compute` runs kernels and library calls, `upload` brings images, `ranks` runs NCCL.
 * They wait for each other by events only; the host waits in download and wait. */

enum { CUDA_SLOTS = 2 };

struct cuda_images;  /* one slot of images: view_cuda's */
struct cuda_staging; /* pinned memory through which uploads and downloads go: cuda_memory.c's */
struct cuda_ranks;   /* NCCL's communicator and its watchdog: ranks_cuda.c's */

struct cuda {
	struct device device; /* first: a struct device of this back end is a struct cuda */
	int index;
	int multiprocessors;
	cudaStream_t compute, upload, ranks_stream;
	cublasHandle_t blas;
	cudnnHandle_t dnn;
	void *blas_workspace;
	size_t workspace_limit; /* of a convolution's algorithm, of what is made in parts */
	struct conv *convs;     /* one for each shape that was opened: conv_cuda.c's */
	void *scratch;          /* dev: one piece for all operations of the compute stream */
	size_t scratch_bytes;
	struct cuda_staging *staging;
	cudaEvent_t reached; /* recorded on any stream, for a wait that follows at once */
	struct cuda_images *images[CUDA_SLOTS];
	struct cuda_ranks *ranks; /* NULL: one rank */
};

static inline struct cuda *cuda_of(struct device *dev)
{
	return (struct cuda *)dev;
}

/* Device memory of at least so many bytes, 256-byte aligned, with any content, until the next call:
 * an operation asks once.  Grows (and then waits) in the first steps only. */
void *cuda_scratch(struct cuda *cuda, size_t bytes);

/* bytes rounded up so that the next piece of the scratch is aligned as well */
static inline size_t cuda_round(size_t bytes)
{
	return (bytes + 255) / 256 * 256;
}

/* An event without timing, on which the host may wait; the caller's to destroy. */
cudaEvent_t cuda_event(void);

/* Whether the event has come; one that was never recorded has.  A fault of the device ends the job.
 */
int cuda_event_done(struct cuda *cuda, cudaEvent_t event);

/* The host's only way to wait for the device; counted.  With several ranks it is the watchdog too:
 * a fault of NCCL, or a rank that does not come, ends the job with a message. */
void cuda_await(struct cuda *cuda, cudaEvent_t event);

/* What a CUDA error means to the user of the program, "" where nothing can be added. */
const char *cuda_meaning(cudaError_t error);

/* cuda_await's half with several ranks. */
void cuda_ranks_await(struct cuda *cuda, cudaEvent_t event);

/* Parts of open and close: pinned memory; slots of images; convolutions; NCCL.  Close is fine with
 * what was never opened. */
void cuda_staging_open(struct cuda *cuda);
void cuda_staging_close(struct cuda *cuda);
void cuda_images_close(struct cuda *cuda);
void cuda_convs_close(struct cuda *cuda);
void cuda_ranks_close(struct cuda *cuda);

/* cudaSuccess when this build's kernels can run on the current device. */
cudaError_t cuda_kernels_probe(void);

/* A failed call ends the job, naming call and place. */
#define CUDA_CHECK(call)                                                                           \
	do {                                                                                       \
		cudaError_t cuda_error_ = (call);                                                  \
		if (cuda_error_ != cudaSuccess)                                                    \
			die(__FILE__, __LINE__, #call, "CUDA: %s (%s)",                            \
				cudaGetErrorString(cuda_error_), cudaGetErrorName(cuda_error_));   \
	} while (0)

#define CUBLAS_CHECK(call)                                                                         \
	do {                                                                                       \
		cublasStatus_t blas_status_ = (call);                                              \
		if (blas_status_ != CUBLAS_STATUS_SUCCESS)                                         \
			die(__FILE__, __LINE__, #call, "cuBLAS: %s",                               \
				cublasGetStatusString(blas_status_));                              \
	} while (0)

#define CUDNN_CHECK(call)                                                                          \
	do {                                                                                       \
		cudnnStatus_t dnn_status_ = (call);                                                \
		if (dnn_status_ != CUDNN_STATUS_SUCCESS)                                           \
			die(__FILE__, __LINE__, #call, "cuDNN: %s",                                \
				cudnnGetErrorString(dnn_status_));                                 \
	} while (0)

/* ---- device and memory: cuda_device.c, cuda_memory.c ---- */

struct device *open_cuda(const struct device_options *options, char *err);
void close_cuda(struct device *dev);
void about_cuda(struct device_about *about, struct device *dev);
void *alloc_cuda(struct device *dev, size_t bytes, const char *purpose);
void free_cuda(struct device *dev, void *p);
void upload_cuda(struct device *dev, void *to, const void *from, size_t bytes);
void download_cuda(struct device *dev, void *to, const void *from, size_t bytes);
void copy_cuda(struct device *dev, void *to, const void *from, size_t bytes);
void zero_cuda(struct device *dev, void *p, size_t bytes);
void wait_cuda(struct device *dev);

/* ---- arrays: array_cuda.cu ---- */

void to_float_cuda(struct device *dev, float *y, const void *x, size_t n);
void from_float_cuda(struct device *dev, void *y, const float *x, size_t n);

/* ---- ranks: ranks_cuda.c ---- */

void connect_cuda(struct device *dev, struct comm *comm);
void sum_double_cuda(struct device *dev, double *x, size_t n);
void sum_float_cuda(struct device *dev, float *x, size_t n);
void sum_start_cuda(struct device *dev, float *x, size_t n);
void sum_finish_cuda(struct device *dev);
void gather_cuda(struct device *dev, float *all, const float *own, int views, size_t n);

/* ---- arrays: array_cuda.cu ---- */

void axpy_cuda(struct device *dev, float *y, float a, const float *x, size_t n);

/* ---- views: images_cuda.c, view_cuda.cu ---- */

void images_cuda(struct device *dev, int slot, const struct image *images, int n);
void views_cuda(struct device *dev, void *out, int slot, const struct view_params *params,
	int views, int naive);

/* ---- convolution and matrix product: conv_cuda.c, gemm_cuda.c, columns_cuda.cu ---- */

struct conv *conv_open_cuda(struct device *dev, const struct conv_shape *shape);
void conv_close_cuda(struct device *dev, struct conv *conv);
void conv_forward_cuda(
	struct device *dev, struct conv *conv, void *y, const void *x, const void *w);
void conv_forward_sums_cuda(struct device *dev, struct conv *conv, void *y, const void *x,
	const void *w, double *sums, int groups, const struct norm_output *before);
void conv_backward_data_cuda(
	struct device *dev, struct conv *conv, void *dx, const void *dy, const void *w, int add);
void conv_backward_data_sums_cuda(struct device *dev, struct conv *conv, void *dx, const void *dy,
	const void *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before);
void conv_backward_weights_cuda(
	struct device *dev, struct conv *conv, float *dw, const void *dy, const void *x);
void linear_forward_cuda(
	struct device *dev, void *y, const void *x, const void *w, int rows, int in, int out);
void linear_backward_data_cuda(
	struct device *dev, void *dx, const void *dy, const void *w, int rows, int in, int out);
void linear_backward_weights_cuda(
	struct device *dev, float *dw, const void *dy, const void *x, int rows, int in, int out);
void gemm_cuda(struct device *dev, float *c, const float *a, const float *b, int m, int n, int k,
	int ta, int tb, float beta);
void bias_add_cuda(struct device *dev, void *y, const float *bias, size_t rows, int channels);
void bias_gradient_cuda(struct device *dev, float *db, const void *dy, size_t rows, int channels);

/* ---- batch norm: norm_cuda.cu ---- */

void norm_sums_cuda(
	struct device *dev, double *sums, const void *x, int groups, size_t rows, int channels);
void norm_statistics_cuda(struct device *dev, float *mean, float *rstd, const double *sums,
	double count, float eps, int groups, int channels);
void norm_running_cuda(struct device *dev, float *running, const double *sums, double count,
	float decay, int groups, int channels);
void norm_apply_cuda(struct device *dev, const struct norm_output *n);
void norm_backward_sums_cuda(struct device *dev, double *sums, const void *dy, const void *y,
	const void *x, const float *mean, const float *rstd, int groups, size_t rows, int channels);
void norm_parameter_gradient_cuda(struct device *dev, float *dgamma, float *dbeta,
	const double *sums, int groups, int channels);
void norm_backward_cuda(struct device *dev, const struct norm_input_gradient *of);

/* ---- pooling: pool_cuda.cu ---- */

void max_pool_cuda(
	struct device *dev, void *y, uint8_t *index, const void *x, const struct pool_shape *shape);
void max_pool_backward_cuda(struct device *dev, void *dx, const void *dy, const uint8_t *index,
	const struct pool_shape *shape);
void mean_pool_cuda(struct device *dev, void *y, const void *x, int n, int pixels, int c);
void mean_pool_backward_cuda(
	struct device *dev, void *dx, const void *dy, int n, int pixels, int c);

/* ---- objective: unit_cuda.cu, loss_cuda.cu ---- */

void unit_length_cuda(
	struct device *dev, float *o, float *length, const void *u, size_t rows, int d);
void unit_length_backward_cuda(struct device *dev, void *du, const float *g, const float *o,
	const float *length, size_t rows, int d);
void relic_loss_cuda(struct device *dev, float *g, float *g_small, double *terms,
	const struct relic_batch *batch, const struct relic_options *options);

/* ---- optimiser: optim_cuda.cu ---- */

void param_norms_cuda(struct device *dev, double *norms, const float *p, const float *g,
	const struct param_span *spans, int count, float weight_decay);
void lars_cuda(struct device *dev, float *p, float *m, const float *g, const double *norms,
	const struct param_span *spans, int count, const struct lars_step *step);
void ema_cuda(struct device *dev, float *target, const float *p, float decay, size_t n);

#endif
