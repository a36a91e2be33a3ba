#ifndef KERNELS_CPU_H
#define KERNELS_CPU_H

#include <dnnl.h>

#include <stdatomic.h>

#include "base/die.h"
#include "nn/backend.h"

/* The CPU back end: OpenMP threads for what is ours, oneDNN for convolutions and matrix products.
 * The functions are the slots of struct backend of the same names, with the same contracts. */

enum { CPU_SLOTS = 2 };

/* How many of a thread's own parts are taken; in a line of the cache for itself. */
struct cpu_share {
	_Alignas(64) atomic_size_t taken;
};

struct cpu {
	struct device device; /* first: a struct device of this back end is a struct cpu */
	int threads;
	enum convolution convolution;
	const struct image *images[CPU_SLOTS]; /* the caller's */
	int image_count[CPU_SLOTS];
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	void *scratch; /* one piece for all operations, grown by cpu_scratch */
	size_t scratch_bytes;
	int backwards;            /* the way that the operation at work goes through memory */
	struct cpu_share *shares; /* of its parts, one for each thread */
};

#define DNNL_CHECK(call)                                                                           \
	do {                                                                                       \
		dnnl_status_t status_ = (call);                                                    \
		CHECK(status_ == dnnl_success, "oneDNN reports status %d", (int)status_);          \
	} while (0)

/* The device, with its number of threads made the calling thread's: oneDNN asks OpenMP. */
struct cpu *cpu_of(struct device *dev);

/* Memory of at least so many bytes, 64-byte aligned, with any content, until the next call: an
 * operation asks once. */
void *cpu_scratch(struct cpu *cpu, size_t bytes);

/* Operations on activations have parts, in the order of memory.  A thread begins with its own, the
 * same share of them in all operations, because what it wrote lies in its caches, and those of
 * another may be far away; then it takes what others have left.  Operations go through their parts
 * forwards and backwards in turn: each begins where the one before ended.
 *
 * cpu_turn begins an operation, or cpu_go_forwards one that goes forwards, before threads start;
 * cpu_next, which each thread calls, or one alone, gives it the next of n parts, or n where none is
 * left.  Every part is given once. */
void cpu_turn(struct cpu *cpu);
void cpu_go_forwards(struct cpu *cpu);
size_t cpu_next(const struct cpu *cpu, size_t n);

/* bytes rounded up so that the next piece is aligned as well */
static inline size_t cpu_round(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

/* Sum of a[i] b[i], in double and in an order that depends on d alone. */
double cpu_dot(const float *restrict a, const float *restrict b, size_t d);

void connect_cpu(struct device *dev, struct comm *comm);
void sum_double_cpu(struct device *dev, double *x, size_t n);
void sum_float_cpu(struct device *dev, float *x, size_t n);
void sum_start_cpu(struct device *dev, float *x, size_t n);
void sum_finish_cpu(struct device *dev);
void gather_cpu(struct device *dev, float *all, const float *own, int views, size_t n);

void axpy_cpu(struct device *dev, float *y, float a, const float *x, size_t n);

/* A thread keeps its scratch memory, which grows to the largest view met and is never allocated
 * again. */
void images_cpu(struct device *dev, int slot, const struct image *images, int n);
void views_cpu(struct device *dev, void *out, int slot, const struct view_params *params, int views,
	int naive);

struct conv *conv_open_cpu(struct device *dev, const struct conv_shape *shape);
void conv_close_cpu(struct device *dev, struct conv *conv);
void conv_forward_cpu(struct device *dev, struct conv *conv, void *y, const void *x, const void *w);
void conv_forward_sums_cpu(struct device *dev, struct conv *conv, void *y, const void *x,
	const void *w, double *sums, int groups, const struct norm_output *before);
void conv_backward_data_cpu(
	struct device *dev, struct conv *conv, void *dx, const void *dy, const void *w, int add);
void conv_backward_data_sums_cpu(struct device *dev, struct conv *conv, void *dx, const void *dy,
	const void *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before);
void conv_backward_weights_cpu(
	struct device *dev, struct conv *conv, float *dw, const void *dy, const void *x);

void linear_forward_cpu(
	struct device *dev, void *y, const void *x, const void *w, int rows, int in, int out);
void linear_backward_data_cpu(
	struct device *dev, void *dx, const void *dy, const void *w, int rows, int in, int out);
void linear_backward_weights_cpu(
	struct device *dev, float *dw, const void *dy, const void *x, int rows, int in, int out);
void gemm_cpu(struct device *dev, float *c, const float *a, const float *b, int m, int n, int k,
	int ta, int tb, float beta);
void bias_add_cpu(struct device *dev, void *y, const float *bias, size_t rows, int channels);
void bias_gradient_cpu(struct device *dev, float *db, const void *dy, size_t rows, int channels);

void norm_sums_cpu(
	struct device *dev, double *sums, const void *x, int groups, size_t rows, int channels);
void norm_statistics_cpu(struct device *dev, float *mean, float *rstd, const double *sums,
	double count, float eps, int groups, int channels);
void norm_running_cpu(struct device *dev, float *running, const double *sums, double count,
	float decay, int groups, int channels);
void norm_apply_cpu(struct device *dev, const struct norm_output *of);
void norm_backward_sums_cpu(struct device *dev, double *sums, const void *dy, const void *y,
	const void *x, const float *mean, const float *rstd, int groups, size_t rows, int channels);
void norm_parameter_gradient_cpu(struct device *dev, float *dgamma, float *dbeta,
	const double *sums, int groups, int channels);
void norm_backward_cpu(struct device *dev, const struct norm_input_gradient *of);

void max_pool_cpu(
	struct device *dev, void *y, uint8_t *index, const void *x, const struct pool_shape *shape);
void max_pool_backward_cpu(struct device *dev, void *dx, const void *dy, const uint8_t *index,
	const struct pool_shape *shape);
void mean_pool_cpu(struct device *dev, void *y, const void *x, int n, int pixels, int c);
void mean_pool_backward_cpu(struct device *dev, void *dx, const void *dy, int n, int pixels, int c);

void unit_length_cpu(
	struct device *dev, float *o, float *length, const void *u, size_t rows, int d);
void unit_length_backward_cpu(struct device *dev, void *du, const float *g, const float *o,
	const float *length, size_t rows, int d);
void relic_loss_cpu(struct device *dev, float *g, float *g_small, double *terms,
	const struct relic_batch *batch, const struct relic_options *options);

void param_norms_cpu(struct device *dev, double *norms, const float *p, const float *g,
	const struct param_span *spans, int count, float weight_decay);
void lars_cpu(struct device *dev, float *p, float *m, const float *g, const double *norms,
	const struct param_span *spans, int count, const struct lars_step *step);
void ema_cpu(struct device *dev, float *target, const float *p, float decay, size_t n);

#endif
