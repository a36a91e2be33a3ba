/* loss_cuda.cu - the objective and its gradient: a block has an anchor.
 * Its warps make the logits, a candidate at a time against all online views, so that a target
 * embedding is read once for all of them; then the likelihoods, a row each.  One warp works out the
 * gradient by the logits (loss_math.h, in double like the CPU): that is a few thousand
 * exponentials, and without the block's barriers.  Last, a thread has a column of the anchor's
 * gradients. Rows of numbers live in the scratch memory, which the cache covers at the usual 11
 * candidates; with thousands the anchors are taken in parts, so that it stays bounded. */
#include "gpu.h"

#include "gpu_loss.h"
#include "gpu_vector.h"

enum { BLOCK = 256, WARPS = BLOCK / WARP };
enum { VIEWS = 8 /* vectors that are worked on at a time; more go in turns */ };

/* ---- logits and likelihoods ---- */

/* logits[v * row] = <one, many_v> / tau for n vectors that are `step` floats apart; the warp works
 * on them together. */
template <int W>
static __device__ void dots(double *logits, size_t row, const float *one, const float *many,
	size_t step, int n, int d, double tau)
{
	const int lane = (int)threadIdx.x % WARP;
	double sum[VIEWS] = {};

	for (int i = lane * W; i < d; i += WARP * W) {
		const struct pack<float, W> x = pack_load<W>(one + i);

		UNROLLED
		for (int v = 0; v < VIEWS; v++) {
			const struct pack<float, W> y =
				pack_load_if<W>(v < n, many + (v < n ? (size_t)v * step : 0) + i);

			for (int e = 0; e < W; e++)
				sum[v] += (double)x.v[e] * (double)y.v[e];
		}
	}
	UNROLLED
	for (int v = 0; v < VIEWS; v++) {
		if (v >= n)
			continue;
		sum[v] = warp_sum(sum[v]);
		if (lane == 0)
			logits[(size_t)v * row] = sum[v] / tau;
	}
}

/* Logits of P for anchor i. */
template <int W>
static __device__ void fill_p(const struct loss *l, const struct relic_rows *rows, int i)
{
	const struct relic_batch *in = &l->in;
	const int large = l->options.large;
	const size_t row = (size_t)large * (size_t)l->count;

	for (int j = (int)threadIdx.x / WARP; j < large * l->count; j += WARPS) {
		const int b = j / l->count, k = j % l->count;
		const float *t =
			loss_embedding(in->t, b, in->total, loss_candidates(l, i)[k], in->d);

		for (int a = 0; a < l->views; a += VIEWS)
			dots<W>(relic_p(rows, &l->options, a, b).logp + k, row, t,
				loss_embedding(in->o, a, in->n, i, in->d),
				(size_t)in->n * (size_t)in->d, loss_fewer(l->views - a, VIEWS),
				in->d, l->options.temperature);
	}
}

/* Logits of Q: the target embeddings of anchor i against small views of the candidates. */
template <int W>
static __device__ void fill_q(const struct loss *l, const struct relic_rows *rows, int i)
{
	const struct relic_batch *in = &l->in;
	const int large = l->options.large;

	for (int j = (int)threadIdx.x / WARP; j < l->options.small * l->count; j += WARPS) {
		const int s = j / l->count, k = j % l->count;
		const float *o =
			loss_embedding(in->o_small, s, in->total, loss_candidates(l, i)[k], in->d);

		for (int b = 0; b < large; b += VIEWS)
			dots<W>(rows->logq + (size_t)(s * large + b) * (size_t)l->count + k,
				(size_t)l->count, o,
				loss_embedding(in->t, b, in->total, in->first + i, in->d),
				(size_t)in->total * (size_t)in->d, loss_fewer(large - b, VIEWS),
				in->d, l->options.temperature);
	}
}

static __device__ void likelihoods(double *rows, size_t n, int count)
{
	for (size_t r = (size_t)count * (threadIdx.x / WARP); r < n; r += (size_t)count * WARPS)
		relic_log_softmax(rows + r, count);
}

static __device__ void clear(double *x, size_t n)
{
	for (size_t i = threadIdx.x; i < n; i += BLOCK)
		x[i] = 0;
}

/* ---- gradients ---- */

/* dLoss/do of anchor i.  A column a thread: at a width of 256 all are busy, and a warp reads whole
 * lines. */
static __device__ void gradients(
	const struct loss *l, const struct relic_rows *rows, int i, int first)
{
	const struct relic_batch *in = &l->in;
	const int large = l->options.large, n = loss_fewer(l->views - first, VIEWS);
	const size_t step = (size_t)large * (size_t)l->count;

	for (int x = threadIdx.x; x < in->d; x += BLOCK) {
		double sum[VIEWS] = {};

		for (int b = 0; b < large; b++) {
			const double *w = relic_p(rows, &l->options, first, b).w;

			for (int k = 0; k < l->count; k++) {
				const double t = loss_embedding(
					in->t, b, in->total, loss_candidates(l, i)[k], in->d)[x];

				UNROLLED
				for (int v = 0; v < VIEWS; v++)
					if (v < n)
						sum[v] += w[(size_t)v * step + (size_t)k] * t;
			}
		}
		UNROLLED
		for (int v = 0; v < VIEWS; v++)
			if (v < n)
				l->g[((size_t)(first + v) * (size_t)in->n + (size_t)i) *
						(size_t)in->d +
					(size_t)x] = (float)(l->scale * sum[v]);
	}
}

/* Where each image of the batch is among anchor i's candidates, which are distinct (spec 2.3). */
static __device__ void places(const struct loss *l, int anchor, int i)
{
	int32_t *place = l->place + (size_t)anchor * (size_t)l->in.total;

	for (int c = threadIdx.x; c < l->in.total; c += BLOCK)
		place[c] = -1;
	__syncthreads();
	for (int k = threadIdx.x; k < l->count; k += BLOCK)
		place[loss_candidates(l, i)[k]] = k;
}

template <int W> static __global__ void __launch_bounds__(BLOCK, 2) loss_kernel(const struct loss l)
{
	const int anchor = (int)blockIdx.x, i = l.start + anchor;
	const struct relic_rows rows = loss_rows(&l, anchor);

	clear(rows.w, l.rows);
	fill_p<W>(&l, &rows, i);
	if (l.rows_q > 0) {
		clear(rows.wq, l.rows_q);
		fill_q<W>(&l, &rows, i);
		places(&l, anchor, i);
	}
	__syncthreads();
	likelihoods(rows.logp, l.rows, l.count);
	likelihoods(rows.logq, l.rows_q, l.count);
	__syncthreads();
	if (threadIdx.x < WARP) {
		double terms[2] = { 0, 0 };

		relic_image(terms, &rows, &l.options);
		if (threadIdx.x < 2)
			l.terms[2 * (size_t)i + threadIdx.x] =
				threadIdx.x == 0 ? terms[0] : terms[1];
	}
	__syncthreads();
	for (int a = 0; a < l.views; a += VIEWS)
		gradients(&l, &rows, i, a);
}

/* terms (2) from those of n anchors */
static __global__ void __launch_bounds__(BLOCK)
	terms_kernel(double *terms, const double *anchors, int n, double share)
{
	double sum[2] = { 0, 0 };

	for (size_t i = threadIdx.x; i < (size_t)n; i += BLOCK) {
		sum[0] += share * anchors[2 * i];
		sum[1] += share * anchors[2 * i + 1];
	}
	sum[0] = block_sum(sum[0]);
	sum[1] = block_sum(sum[1]);
	if (threadIdx.x < 2)
		terms[threadIdx.x] = threadIdx.x == 0 ? sum[0] : sum[1];
}

/* ---- the slot ---- */

/* Sizes, and the parts of the scratch memory. */
static struct loss prepare(struct cuda *cuda, float *g, const struct relic_batch *batch,
	const struct relic_options *options)
{
	const size_t n = (size_t)batch->n, terms = cuda_round(2 * n * sizeof(double));
	size_t bytes, part;
	struct loss l = {};

	l.in = *batch;
	l.options = *options;
	l.g = g;
	l.views = options->large + options->small;
	l.count = 1 + options->negatives;
	l.rows = (size_t)(l.views * options->large) * (size_t)l.count;
	l.rows_q = options->small_mode == 3
		? (size_t)(options->small * options->large) * (size_t)l.count
		: 0;
	l.length = 2 * l.rows + 2 * l.rows_q + (size_t)l.count;
	bytes = l.length * sizeof(double) +
		(l.rows_q > 0 ? (size_t)batch->total * sizeof *l.place : 0);
	part = cuda->workspace_limit / bytes; /* as much as a convolution may ask for */
	part = part < 1 ? 1 : part < n ? part : n;
	l.part = (int)part;
	l.terms = (double *)cuda_scratch(cuda, terms + part * bytes);
	l.anchors = l.terms + terms / sizeof(double);
	l.place = (int32_t *)(l.anchors + part * l.length);
	return l;
}

extern "C" void relic_loss_cuda(struct device *dev, float *g, float *g_small, double *terms,
	const struct relic_batch *batch, const struct relic_options *options)
{
	struct cuda *cuda = cuda_of(dev);
	const int pairs = relic_pairs(options);
	const double share = 1.0 / ((double)batch->total * pairs);
	const uintptr_t places = (uintptr_t)batch->o | (uintptr_t)batch->t |
		(uintptr_t)batch->o_small | (uintptr_t)batch->d * sizeof(float);
	struct loss l = prepare(cuda, g, batch, options);
	const int part = l.part;

	CHECK(pairs > 0, "a loss of %d large and %d small views has no pairs", options->large,
		options->small);
	CHECK(options->small_mode != 4 || options->small == 0 || options->large > 1,
		"small views cannot learn from other large views (mode 4) when there is only one");
	l.scale = share / options->temperature;
	for (; l.start < batch->n; l.start += part) {
		l.part = batch->n - l.start < part ? batch->n - l.start : part;
		if (packable(places))
			LAUNCH(loss_kernel<4>, (unsigned)l.part, BLOCK, cuda, l);
		else
			LAUNCH(loss_kernel<1>, (unsigned)l.part, BLOCK, cuda, l);
		if (l.rows_q > 0)
			loss_small_cuda(cuda, g_small, &l);
	}
	LAUNCH(terms_kernel, 1, BLOCK, cuda, terms, l.terms, batch->n, share);
}
