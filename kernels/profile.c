/* profile.c - a back end that lets another do the work and takes the time. */
#include "nn/profile.h"

#include "base/clock.h"

static const struct backend *wrapped(struct device *dev)
{
	return dev->profile->wrapped;
}

static void add_call(struct device *dev, enum kind kind, double start)
{
	struct profile_kind *k = &dev->profile->kinds[kind];

	wrapped(dev)->wait(dev);
	k->seconds += clock_seconds() - start;
	k->calls++;
}

/* One slot; parameters and arguments in brackets, as the contract has them. */
#define TIMED(kind, name, parameters, arguments)                                                   \
	static void name##_profile parameters                                                      \
	{                                                                                          \
		double start = clock_seconds();                                                    \
                                                                                                   \
		wrapped(dev)->name arguments;                                                      \
		add_call(dev, kind, start);                                                        \
	}

/* ---- memory and ranks ---- */

static void *alloc_profile(struct device *dev, size_t bytes, const char *purpose)
{
	return wrapped(dev)->alloc(dev, bytes, purpose);
}

static void free_profile(struct device *dev, void *p)
{
	wrapped(dev)->free(dev, p);
}

static void wait_profile(struct device *dev)
{
	wrapped(dev)->wait(dev);
}

static void connect_profile(struct device *dev, struct comm *comm)
{
	wrapped(dev)->connect(dev, comm);
}

TIMED(KIND_HOST, upload, (struct device * dev, void *to, const void *from, size_t bytes),
	(dev, to, from, bytes))
TIMED(KIND_HOST, download, (struct device * dev, void *to, const void *from, size_t bytes),
	(dev, to, from, bytes))
TIMED(KIND_POINTWISE, copy, (struct device * dev, void *to, const void *from, size_t bytes),
	(dev, to, from, bytes))
TIMED(KIND_OPTIMISER, zero, (struct device * dev, void *p, size_t bytes), (dev, p, bytes))
TIMED(KIND_POINTWISE, to_float, (struct device * dev, float *y, const void *x, size_t n),
	(dev, y, x, n))
TIMED(KIND_POINTWISE, from_float, (struct device * dev, void *y, const float *x, size_t n),
	(dev, y, x, n))
TIMED(KIND_RANKS, sum_double, (struct device * dev, double *x, size_t n), (dev, x, n))
TIMED(KIND_RANKS, sum_float, (struct device * dev, float *x, size_t n), (dev, x, n))
TIMED(KIND_RANKS, sum_start, (struct device * dev, float *x, size_t n), (dev, x, n))
TIMED(KIND_RANKS, sum_finish, (struct device * dev), (dev))
TIMED(KIND_RANKS, gather, (struct device * dev, float *all, const float *own, int views, size_t n),
	(dev, all, own, views, n))

/* ---- arrays and views ---- */

TIMED(KIND_LOSS, axpy, (struct device * dev, float *y, float a, const float *x, size_t n),
	(dev, y, a, x, n))
TIMED(KIND_IMAGES, images, (struct device * dev, int slot, const struct image *images, int n),
	(dev, slot, images, n))
TIMED(KIND_VIEWS, views,
	(struct device * dev, void *out, int slot, const struct view_params *params, int views,
		int naive),
	(dev, out, slot, params, views, naive))

/* ---- convolution and matrix product ---- */

static struct conv *conv_open_profile(struct device *dev, const struct conv_shape *shape)
{
	return wrapped(dev)->conv_open(dev, shape);
}

static void conv_close_profile(struct device *dev, struct conv *conv)
{
	wrapped(dev)->conv_close(dev, conv);
}

TIMED(KIND_CONV_FORWARD, conv_forward,
	(struct device * dev, struct conv *conv, void *y, const void *x, const void *w),
	(dev, conv, y, x, w))
TIMED(KIND_CONV_FORWARD, conv_forward_sums,
	(struct device * dev, struct conv *conv, void *y, const void *x, const void *w,
		double *sums, int groups, const struct norm_output *before),
	(dev, conv, y, x, w, sums, groups, before))
TIMED(KIND_CONV_DATA, conv_backward_data,
	(struct device * dev, struct conv *conv, void *dx, const void *dy, const void *w, int add),
	(dev, conv, dx, dy, w, add))
TIMED(KIND_CONV_DATA, conv_backward_data_sums,
	(struct device * dev, struct conv *conv, void *dx, const void *dy, const void *w, int add,
		const struct norm_gradient *of, const struct norm_input_gradient *before),
	(dev, conv, dx, dy, w, add, of, before))
TIMED(KIND_CONV_WEIGHTS, conv_backward_weights,
	(struct device * dev, struct conv *conv, float *dw, const void *dy, const void *x),
	(dev, conv, dw, dy, x))
TIMED(KIND_PRODUCT, linear_forward,
	(struct device * dev, void *y, const void *x, const void *w, int rows, int in, int out),
	(dev, y, x, w, rows, in, out))
TIMED(KIND_PRODUCT, linear_backward_data,
	(struct device * dev, void *dx, const void *dy, const void *w, int rows, int in, int out),
	(dev, dx, dy, w, rows, in, out))
TIMED(KIND_PRODUCT, linear_backward_weights,
	(struct device * dev, float *dw, const void *dy, const void *x, int rows, int in, int out),
	(dev, dw, dy, x, rows, in, out))
TIMED(KIND_PRODUCT, gemm,
	(struct device * dev, float *c, const float *a, const float *b, int m, int n, int k, int ta,
		int tb, float beta),
	(dev, c, a, b, m, n, k, ta, tb, beta))
TIMED(KIND_POINTWISE, bias_add,
	(struct device * dev, void *y, const float *bias, size_t rows, int channels),
	(dev, y, bias, rows, channels))
TIMED(KIND_POINTWISE, bias_gradient,
	(struct device * dev, float *db, const void *dy, size_t rows, int channels),
	(dev, db, dy, rows, channels))

/* ---- batch norm ---- */

TIMED(KIND_NORM, norm_sums,
	(struct device * dev, double *sums, const void *x, int groups, size_t rows, int channels),
	(dev, sums, x, groups, rows, channels))
TIMED(KIND_NORM, norm_statistics,
	(struct device * dev, float *mean, float *rstd, const double *sums, double count, float eps,
		int groups, int channels),
	(dev, mean, rstd, sums, count, eps, groups, channels))
TIMED(KIND_NORM, norm_running,
	(struct device * dev, float *running, const double *sums, double count, float decay,
		int groups, int channels),
	(dev, running, sums, count, decay, groups, channels))
TIMED(KIND_NORM, norm_apply, (struct device * dev, const struct norm_output *of), (dev, of))
TIMED(KIND_NORM, norm_backward_sums,
	(struct device * dev, double *sums, const void *dy, const void *y, const void *x,
		const float *mean, const float *rstd, int groups, size_t rows, int channels),
	(dev, sums, dy, y, x, mean, rstd, groups, rows, channels))
TIMED(KIND_NORM, norm_parameter_gradient,
	(struct device * dev, float *dgamma, float *dbeta, const double *sums, int groups,
		int channels),
	(dev, dgamma, dbeta, sums, groups, channels))
TIMED(KIND_NORM, norm_backward, (struct device * dev, const struct norm_input_gradient *of),
	(dev, of))

/* ---- pooling ---- */

TIMED(KIND_POINTWISE, max_pool,
	(struct device * dev, void *y, uint8_t *index, const void *x,
		const struct pool_shape *shape),
	(dev, y, index, x, shape))
TIMED(KIND_POINTWISE, max_pool_backward,
	(struct device * dev, void *dx, const void *dy, const uint8_t *index,
		const struct pool_shape *shape),
	(dev, dx, dy, index, shape))
TIMED(KIND_POINTWISE, mean_pool,
	(struct device * dev, void *y, const void *x, int n, int pixels, int c),
	(dev, y, x, n, pixels, c))
TIMED(KIND_POINTWISE, mean_pool_backward,
	(struct device * dev, void *dx, const void *dy, int n, int pixels, int c),
	(dev, dx, dy, n, pixels, c))

/* ---- objective and optimiser ---- */

TIMED(KIND_LOSS, unit_length,
	(struct device * dev, float *o, float *length, const void *u, size_t rows, int d),
	(dev, o, length, u, rows, d))
TIMED(KIND_LOSS, unit_length_backward,
	(struct device * dev, void *du, const float *g, const float *o, const float *length,
		size_t rows, int d),
	(dev, du, g, o, length, rows, d))
TIMED(KIND_LOSS, relic_loss,
	(struct device * dev, float *g, float *g_small, double *terms,
		const struct relic_batch *batch, const struct relic_options *options),
	(dev, g, g_small, terms, batch, options))
TIMED(KIND_OPTIMISER, param_norms,
	(struct device * dev, double *norms, const float *p, const float *g,
		const struct param_span *spans, int count, float weight_decay),
	(dev, norms, p, g, spans, count, weight_decay))
TIMED(KIND_OPTIMISER, lars,
	(struct device * dev, float *p, float *m, const float *g, const double *norms,
		const struct param_span *spans, int count, const struct lars_step *step),
	(dev, p, m, g, norms, spans, count, step))
TIMED(KIND_OPTIMISER, ema,
	(struct device * dev, float *target, const float *p, float decay, size_t n),
	(dev, target, p, decay, n))

static const struct backend backend_profile = {
	.name = "profile",
	.alloc = alloc_profile,
	.free = free_profile,
	.upload = upload_profile,
	.download = download_profile,
	.copy = copy_profile,
	.zero = zero_profile,
	.wait = wait_profile,
	.to_float = to_float_profile,
	.from_float = from_float_profile,
	.connect = connect_profile,
	.sum_double = sum_double_profile,
	.sum_float = sum_float_profile,
	.sum_start = sum_start_profile,
	.sum_finish = sum_finish_profile,
	.gather = gather_profile,
	.axpy = axpy_profile,
	.images = images_profile,
	.views = views_profile,
	.conv_open = conv_open_profile,
	.conv_close = conv_close_profile,
	.conv_forward = conv_forward_profile,
	.conv_forward_sums = conv_forward_sums_profile,
	.conv_backward_data = conv_backward_data_profile,
	.conv_backward_data_sums = conv_backward_data_sums_profile,
	.conv_backward_weights = conv_backward_weights_profile,
	.linear_forward = linear_forward_profile,
	.linear_backward_data = linear_backward_data_profile,
	.linear_backward_weights = linear_backward_weights_profile,
	.gemm = gemm_profile,
	.bias_add = bias_add_profile,
	.bias_gradient = bias_gradient_profile,
	.norm_sums = norm_sums_profile,
	.norm_statistics = norm_statistics_profile,
	.norm_running = norm_running_profile,
	.norm_apply = norm_apply_profile,
	.norm_backward_sums = norm_backward_sums_profile,
	.norm_parameter_gradient = norm_parameter_gradient_profile,
	.norm_backward = norm_backward_profile,
	.max_pool = max_pool_profile,
	.max_pool_backward = max_pool_backward_profile,
	.mean_pool = mean_pool_profile,
	.mean_pool_backward = mean_pool_backward_profile,
	.unit_length = unit_length_profile,
	.unit_length_backward = unit_length_backward_profile,
	.relic_loss = relic_loss_profile,
	.param_norms = param_norms_profile,
	.lars = lars_profile,
	.ema = ema_profile,
};

void profile_start(struct device *dev, struct profile *p)
{
	CHECK(!dev->profile, "a device has one profile at a time");
	dev->be->wait(dev);
	p->wrapped = dev->be;
	dev->profile = p;
	dev->be = &backend_profile;
}

void profile_stop(struct device *dev)
{
	dev->be = wrapped(dev);
	dev->profile = NULL;
}
