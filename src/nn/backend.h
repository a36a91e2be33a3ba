#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "data/image.h"
#include "views/draw.h"

/* All arithmetic in bulk, once per kind of device: a table of operations with one contract each.
 *
 * Pointers marked dev are in the device's memory (for the CPU: ordinary memory), 64-byte aligned at
 * the start of an allocation.  Activations, their gradients and the weights of convolutions and
 * linear layers are NHWC arrays of the device's elements: float, or bfloat16 where the device was
 * opened so; they are declared void *, and `element` tells the bytes of one.  All else is float or
 * double as declared.  Outputs come first, then inputs, then sizes.  Outputs do not overlap inputs
 * unless it says "may be".
 *
 * Operations happen in the order in which they are asked for, but may return before they are done:
 * only download, wait and what says so waits.  None fails: a fault of the device or a library ends
 * the job.  No operation allocates but alloc, conv_open and the first call after open (caches).
 * Results are the same bits for the same inputs and number of threads.
 *
 * "groups": views of one size run as one batch, (groups, rows, channels) with rows = images *
 * height * width; batch norm keeps the statistics of each group apart (spec 3.2). */

struct backend;
struct comm;
struct device_about; /* nn/about.h */

/* Under 1 % of the memory of the smallest card that this is for. */
#define DEVICE_WORKSPACE ((size_t)256 << 20)

struct device_options {
	int index;   /* which device of this host (local rank; CPU: ignored) */
	int threads; /* compute threads of the host, > 0 */
	enum precision precision;
	enum convolution convolution; /* of the CPU; others have one way */
	size_t workspace; /* bytes of its memory that operations share, for algorithms of
			     convolutions and what is made in parts; 0: DEVICE_WORKSPACE */
};

/* What a device was asked for since it was opened; bench --trace prints the difference over a step.
 * On the CPU only allocations and collectives are counted. */
struct device_counts {
	long launches;    /* kernels of ours, and calls of libraries that launch theirs */
	long copies;      /* between host and device */
	long collectives; /* over ranks */
	long waits;       /* of the host for the device */
	long allocations; /* of device memory */
};

/* An opened device; a back end's own struct begins with this one. */
struct device {
	const struct backend *be;
	enum precision precision;
	size_t element;           /* bytes of an activation's element */
	enum recompute recompute; /* what train.recompute=auto is here */
	struct comm *comm;        /* NULL until connect */
	const char *layer;        /* what the network is at, for messages; NULL: nothing */
	struct device_counts counts;
	struct profile *profile; /* NULL unless profiled (nn/profile.h) */
};

/* One convolution: x (n, h, w, c), weights (k, r, r, c), y (n, p, q, k) with p = (h + top + bottom
 * - r) / stride + 1 and q likewise; no bias; no dilation. */
struct conv_shape {
	int n, h, w, c;
	int k, r, stride;
	int top, left, bottom, right; /* padding; asymmetric for TensorFlow's "same" */
};

/* What norm_apply makes: y, of x and, unless it is NULL, residual. (groups, rows, channels) all;
 * mean and rstd (groups, channels). y may be x or residual. */
struct norm_output {
	void *y;
	const void *x, *residual;
	const float *mean, *rstd, *gamma, *beta;
	int relu;
	int groups, channels;
	size_t rows;
};

/* Of a layer's batch norm: what norm_backward_sums is given besides dy. */
struct norm_gradient {
	double *sums;
	const void *y, *x;
	const float *mean, *rstd;
	int groups;
};

/* What norm_backward makes: dx and, unless it is NULL, dresidual, of dy, x and, unless it is NULL,
 * y. (groups, rows, channels) all; mean and rstd (groups, channels); sums over all ranks, which
 * have `count` rows of a group.  dx or dresidual may be dy; dx may be x. */
struct norm_input_gradient {
	void *dx, *dresidual;
	const void *dy, *y, *x;
	const float *mean, *rstd, *gamma;
	const double *sums;
	double count;
	int groups, channels;
	size_t rows;
};

/* Max pooling, r x r; the padding counts as minus infinity. x (n, h, w, c), y (n, p, q, c). */
struct pool_shape {
	int n, h, w, c;
	int r, stride;
	int top, left, bottom, right;
};

/* Output height and width of both. */
static inline int conv_out(int in, int before, int after, int r, int stride)
{
	return (in + before + after - r) / stride + 1;
}

struct conv; /* prepared for one shape: algorithm, layouts, workspace */

/* A tensor of the flat parameter buffer, as the optimiser sees it. */
struct param_span {
	size_t offset, count; /* floats */
	int plain; /* 1: bias or batch norm: no weight decay, no LARS adaptation (spec 4) */
};

struct relic_options {
	int large, small;                         /* L, S */
	int negatives;                            /* n_e; candidates are 1 + n_e a row */
	double temperature, contrast, invariance; /* tau, c, lambda */
	int small_mode;   /* 0..4 of spec 2.4: the invariance term of small views */
	int diagonal;     /* pairs (b, b) count */
	int entropy_stop; /* stop-gradient on the entropy only ("literal sg") */
	int reverse;      /* KL(P || sg R) instead of KL(sg R || P) */
};

struct relic_batch {
	const float *o;       /* dev (L+S, n, d): this rank's online predictions, unit length */
	const float *t;       /* dev (L, total, d): all ranks' target projections, unit length */
	const float *o_small; /* dev (S, total, d): all ranks' small-view predictions; mode 3 only,
				 else NULL */
	const int32_t
		*candidates; /* dev (n, 1 + negatives): rows of t; the first is the anchor's own */
	int n, total, d;     /* this rank's anchors, all ranks' anchors, width */
	int first;           /* this rank's first anchor in the global batch */
};

struct lars_step {
	float lr, momentum, eta, weight_decay;
};

struct backend {
	const char *name; /* "cpu", "cuda" */
	int naive_views;  /* views has a plain reference path */

	/* ---- device ---- */

	/* NULL with err: not usable here. */
	struct device *(*open)(const struct device_options *options, char *err);
	void (*close)(struct device *dev);
	void (*about)(struct device_about *about, struct device *dev); /* dev NULL: libraries */

	/* ---- memory ---- */

	/* dev, set to zero; freed by free. purpose: a constant string, what the memory is for: a
	 * plan of the memory adds up by it. */
	void *(*alloc)(struct device *dev, size_t bytes, const char *purpose);
	void (*free)(struct device *dev, void *p); /* NULL is fine */
	/* from host; `from` may be changed on return */
	void (*upload)(struct device *dev, void *to, const void *from, size_t bytes);
	/* to host; waits until it is there */
	void (*download)(struct device *dev, void *to, const void *from, size_t bytes);
	void (*copy)(struct device *dev, void *to, const void *from, size_t bytes); /* dev to dev */
	void (*zero)(struct device *dev, void *p, size_t bytes);
	void (*wait)(struct device *dev); /* until all that was asked for is done */

	/* y = x; n elements. */
	void (*to_float)(struct device *dev, float *y, const void *x, size_t n);
	void (*from_float)(struct device *dev, void *y, const float *x, size_t n);

	/* ---- ranks: collectives on device memory; all ranks ask for the same in the same order
	 * ---- */

	/* Join the devices of all ranks of comm, which is needed until close; once, before any
	 * other of these.  Collective. */
	void (*connect)(struct device *dev, struct comm *comm);
	/* Sum over ranks, in place, the same bits on every rank. */
	void (*sum_double)(struct device *dev, double *x, size_t n);
	void (*sum_float)(struct device *dev, float *x, size_t n);
	/* The same behind what follows: x is not touched until sum_finish, after which operations
	 * see the sums of all that were started. At most COMM_PENDING at a time. */
	void (*sum_start)(struct device *dev, float *x, size_t n);
	void (*sum_finish)(struct device *dev);
	/* all (views, ranks, n) from each rank's own (views, n) */
	void (*gather)(struct device *dev, float *all, const float *own, int views, size_t n);

	/* ---- arithmetic on arrays ---- */

	/* y += a x; n floats */
	void (*axpy)(struct device *dev, float *y, float a, const float *x, size_t n);

	/* ---- views (spec 5) ---- */

	/* Bring n images to the device, into slot 0 or 1, for the views that follow: a batch can
	 * travel while the one before it, in the other slot, is computed with.  The images stay the
	 * caller's and must not change until the slot is filled again or the device closed. */
	void (*images)(struct device *dev, int slot, const struct image *images, int n);
	/* out dev (views, n, size, size, 3), elements: view v of image i of the slot by params[v *
	 * n
	 * + i], whose sizes are all the same, normalised by mean and deviation of spec 3.1.  params
	 * is host memory and may change on return.  naive != 0: by the plain reference path, where
	 * naive_views says that there is one; else it is not looked at. */
	void (*views)(struct device *dev, void *out, int slot, const struct view_params *params,
		int views, int naive);

	/* ---- convolution and matrix product ---- */

	struct conv *(*conv_open)(struct device *dev, const struct conv_shape *shape);
	void (*conv_close)(struct device *dev, struct conv *conv); /* NULL is fine */
	/* y[n][p][q][k] = sum over r, s, c of x[n][..][..][c] w[k][r][s][c] */
	void (*conv_forward)(
		struct device *dev, struct conv *conv, void *y, const void *x, const void *w);
	/* conv_forward, and norm_sums of y, whose images are those of one group after another;
	 * before them, unless NULL: norm_apply, of which x is the y */
	void (*conv_forward_sums)(struct device *dev, struct conv *conv, void *y, const void *x,
		const void *w, double *sums, int groups, const struct norm_output *before);
	/* dx = gradient of the input; add (0 or 1): dx += it */
	void (*conv_backward_data)(struct device *dev, struct conv *conv, void *dx, const void *dy,
		const void *w, int add);
	/* conv_backward_data, and norm_backward_sums of the layer whose y is the input, with dx for
	 * dy; images are those of one group after another; before them, unless NULL: norm_backward,
	 * of which dy is the dx, and whose sums may be those that are made; dx is none of its
	 * other arrays */
	void (*conv_backward_data_sums)(struct device *dev, struct conv *conv, void *dx,
		const void *dy, const void *w, int add, const struct norm_gradient *of,
		const struct norm_input_gradient *before);
	/* dw += gradient of the weights */
	void (*conv_backward_weights)(
		struct device *dev, struct conv *conv, float *dw, const void *dy, const void *x);

	/* y (rows, out) = x (rows, in) w^T, w (out, in); dx = dy w; dw += dy^T x */
	void (*linear_forward)(struct device *dev, void *y, const void *x, const void *w, int rows,
		int in, int out);
	void (*linear_backward_data)(struct device *dev, void *dx, const void *dy, const void *w,
		int rows, int in, int out);
	void (*linear_backward_weights)(struct device *dev, float *dw, const void *dy,
		const void *x, int rows, int in, int out);

	/* C (m, n) = op(A) op(B) + beta C, rows one after another without gaps; op transposes when
	 * its flag is set: A is (m, k), or (k, m) when ta; B is (k, n), or (n, k) when tb. */
	void (*gemm)(struct device *dev, float *c, const float *a, const float *b, int m, int n,
		int k, int ta, int tb, float beta);
	void (*bias_add)(struct device *dev, void *y, const float *bias, size_t rows,
		int channels); /* y += bias */
	void (*bias_gradient)(struct device *dev, float *db, const void *dy, size_t rows,
		int channels); /* db += column sums */

	/* ---- batch norm; sums are double: (groups, 2, channels) ---- */

	/* sums[g][0] = sum of x, sums[g][1] = sum of x^2 over the group's rows */
	void (*norm_sums)(struct device *dev, double *sums, const void *x, int groups, size_t rows,
		int channels);
	/* mean = s0 / count, rstd = 1 / sqrt(s1 / count - mean^2 + eps), each (groups, channels);
	 * count: rows of a group on all ranks */
	void (*norm_statistics)(struct device *dev, float *mean, float *rstd, const double *sums,
		double count, float eps, int groups, int channels);
	/* running (2, channels): hidden averages of mean and biased variance; for each group in
	 * turn h = decay h + (1 - decay) s */
	void (*norm_running)(struct device *dev, float *running, const double *sums, double count,
		float decay, int groups, int channels);
	/* y = gamma (x - mean) rstd + beta [+ residual] [relu] */
	void (*norm_apply)(struct device *dev, const struct norm_output *of);
	/* e = dy where y > 0, else 0 (y NULL: e = dy); sums[g][0] = sum of e, sums[g][1] = sum of e
	 * (x - mean) rstd */
	void (*norm_backward_sums)(struct device *dev, double *sums, const void *dy, const void *y,
		const void *x, const float *mean, const float *rstd, int groups, size_t rows,
		int channels);
	/* dgamma += sum over groups of sums[g][1], dbeta += of sums[g][0]: this rank's sums, before
	 * they are reduced */
	void (*norm_parameter_gradient)(struct device *dev, float *dgamma, float *dbeta,
		const double *sums, int groups, int channels);
	/* dx = gamma rstd (e - (s0 + (x - mean) rstd s1) / count); dresidual = e */
	void (*norm_backward)(struct device *dev, const struct norm_input_gradient *of);

	/* ---- pooling ---- */

	/* index (n, p, q, c): which of the r * r places held the maximum (the first of equals, in
	 * row order) */
	void (*max_pool)(struct device *dev, void *y, uint8_t *index, const void *x,
		const struct pool_shape *shape);
	void (*max_pool_backward)(struct device *dev, void *dx, const void *dy,
		const uint8_t *index, const struct pool_shape *shape);
	/* y (n, c) = mean over the pixels of x (n, pixels, c); dx = dy / pixels */
	void (*mean_pool)(struct device *dev, void *y, const void *x, int n, int pixels, int c);
	void (*mean_pool_backward)(
		struct device *dev, void *dx, const void *dy, int n, int pixels, int c);

	/* ---- objective ---- */

	/* o = u / |u|, length = |u|, |u|^2 at least 1e-12 (spec 2.1.3); rows of d */
	void (*unit_length)(
		struct device *dev, float *o, float *length, const void *u, size_t rows, int d);
	/* du = (g - <g, o> o) / length (spec 2.4) */
	void (*unit_length_backward)(struct device *dev, void *du, const float *g, const float *o,
		const float *length, size_t rows, int d);
	/* Spec 2.3 and 2.4.  g dev (L+S, n, d) = dLoss/do of this rank's anchors.  g_small dev (S,
	 * total, d), mode 3 only: what this rank's anchors give to everyone's small views,
	 * overwritten (the caller sums over ranks and adds its own rows to g); else NULL.  terms
	 * dev double[2]: contrastive and invariance terms, this rank's anchors' share of the mean
	 * over pairs and the whole batch, unweighted: Loss = c terms[0] + lambda terms[1], summed
	 * over ranks. */
	void (*relic_loss)(struct device *dev, float *g, float *g_small, double *terms,
		const struct relic_batch *batch, const struct relic_options *options);

	/* ---- optimiser, over the flat table: spans dev, in order of offset ---- */

	/* norms[i] = |p_i|^2, |g_i + weight_decay p_i|^2 and |g_i|^2 of each span (no weight decay
	 * where plain); dev double (spans, 3) */
	void (*param_norms)(struct device *dev, double *norms, const float *p, const float *g,
		const struct param_span *spans, int count, float weight_decay);
	/* Spec 4: g' = g + wd p; r = eta |p| / |g'| if both > 0, else 1; m = momentum m + r g'; p
	 * -= lr m. Plain spans: g' = g, r = 1. */
	void (*lars)(struct device *dev, float *p, float *m, const float *g, const double *norms,
		const struct param_span *spans, int count, const struct lars_step *step);
	/* target = decay target + (1 - decay) p; n floats */
	void (*ema)(struct device *dev, float *target, const float *p, float decay, size_t n);
};

extern const struct backend backend_cpu;
extern const struct backend backend_cuda; /* only where configure found CUDA */

/* The back end of that name; NULL: not built in, err lists those that are, and how to build it. */
const struct backend *backend_find(const char *name, char *err);

#endif
