/* optim_cuda.cu - LARS and the moving average, over the flat parameter buffer.
 *
 * Tensors of 64 floats lie next to ones of millions, so the buffer is cut into as many equal shares
 * as there are blocks, whatever tensors they hold: a block looks up its first span in the table,
 * which is in order of offset, and walks on from there.  Walking along the buffer, each meeting of
 * a block and a span has a larger block or a larger span than the one before; so block + span
 * numbers the meetings, and a span's partial sums lie side by side. */
#include "gpu.h"

#include "gpu_array.h"
#include "gpu_reduce.h"

enum { BLOCK = 256, BLOCKS = 16 /* on a multiprocessor */, NORMS = 3, SHARE_LEAST = 4096 };

struct table {
	const struct param_span *spans;
	int count;
};

/* Floats of a share: a multiple of all packs; the same for all blocks of all launches below. */
static __device__ size_t share_of(const struct table *t, unsigned blocks)
{
	const struct param_span *last = &t->spans[t->count - 1];
	size_t floats = (last->offset + last->count + blocks - 1) / blocks;

	floats = (floats + BLOCK - 1) / BLOCK * BLOCK;
	return floats > SHARE_LEAST ? floats : (size_t)SHARE_LEAST;
}

/* The first span that ends behind the place. */
static __device__ int span_at(const struct table *t, size_t place)
{
	int low = 0, high = t->count;

	while (low < high) {
		int middle = (low + high) / 2;

		if (t->spans[middle].offset + t->spans[middle].count > place)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Where a span lies within a share. */
struct piece {
	size_t begin, end;
};

static __device__ struct piece piece_of(const struct param_span *s, size_t begin, size_t end)
{
	struct piece piece = { s->offset, s->offset + s->count };

	piece.begin = piece.begin > begin ? piece.begin : begin;
	piece.end = piece.end < end ? piece.end : end;
	return piece;
}

/* ---- norms ---- */

static __device__ void add_squares(double sum[NORMS], float p, float g, float decay)
{
	double decayed = lars_gradient(g, p, decay);

	sum[0] += (double)p * (double)p;
	sum[1] += decayed * decayed;
	sum[2] += (double)g * (double)g;
}

/* Packs lie at multiples of W of the buffer; those at the ends of a piece are done one by one. */
template <int W>
static __device__ void piece_squares(
	double sum[NORMS], const float *p, const float *g, const struct piece *piece, float decay)
{
	for (size_t i = (piece->begin / W + threadIdx.x) * W; i < piece->end; i += BLOCK * W) {
		if (W > 1 && (i < piece->begin || i + W > piece->end)) {
			for (size_t k = i; k < i + W; k++)
				if (k >= piece->begin && k < piece->end)
					add_squares(sum, p[k], g[k], decay);
		} else {
			const struct pack<float, W> a = pack_load<W>(p + i),
						    b = pack_load<W>(g + i);

			for (int k = 0; k < W; k++)
				add_squares(sum, a.v[k], b.v[k], decay);
		}
	}
}

/* parts (blocks + spans, NORMS) */
template <int W>
static __global__ void __launch_bounds__(BLOCK)
	squares_kernel(double *parts, const float *p, const float *g, struct table t, float decay)
{
	size_t share = share_of(&t, gridDim.x), begin = blockIdx.x * share, end = begin + share;

	for (int s = span_at(&t, begin); s < t.count && t.spans[s].offset < end; s++) {
		const struct piece piece = piece_of(&t.spans[s], begin, end);
		double sum[NORMS] = {};

		piece_squares<W>(sum, p, g, &piece, t.spans[s].plain ? 0 : decay);
		for (int k = 0; k < NORMS; k++) {
			double all = block_sum(sum[k]);

			if (threadIdx.x == 0)
				parts[((size_t)blockIdx.x + s) * NORMS + k] = all;
		}
	}
}

enum { NORMS_BLOCK = 128, SPANS = NORMS_BLOCK / WARP /* of a block: one a warp */ };

/* blocks: of squares_kernel */
static __global__ void __launch_bounds__(NORMS_BLOCK)
	norms_kernel(double *norms, const double *parts, struct table t, unsigned blocks)
{
	size_t share = share_of(&t, blocks);
	int s = (int)(blockIdx.x * SPANS + threadIdx.x / WARP), lane = (int)threadIdx.x % WARP;
	size_t first = 0, end = 0; /* blocks */

	if (s < t.count && t.spans[s].count > 0) {
		first = t.spans[s].offset / share;
		end = (t.spans[s].offset + t.spans[s].count - 1) / share + 1;
	}
	for (int k = 0; k < NORMS; k++) {
		double sum = 0;

		for (size_t b = first + lane; b < end; b += WARP)
			sum += parts[(b + s) * NORMS + k];
		sum = warp_sum(sum);
		if (lane == 0 && s < t.count)
			norms[(size_t)s * NORMS + k] = sum;
	}
}

static unsigned blocks_of(const struct cuda *cuda)
{
	return (unsigned)(cuda->multiprocessors * BLOCKS);
}

extern "C" void param_norms_cuda(struct device *dev, double *norms, const float *p, const float *g,
	const struct param_span *spans, int count, float weight_decay)
{
	struct cuda *cuda = cuda_of(dev);
	const struct table t = { spans, count };
	unsigned blocks = blocks_of(cuda);
	double *parts = (double *)cuda_scratch(
		cuda, ((size_t)blocks + (size_t)count) * NORMS * sizeof(double));

	if (count == 0)
		return;
	if (packable((uintptr_t)p | (uintptr_t)g))
		LAUNCH(squares_kernel<4>, blocks, BLOCK, cuda, parts, p, g, t, weight_decay);
	else
		LAUNCH(squares_kernel<1>, blocks, BLOCK, cuda, parts, p, g, t, weight_decay);
	LAUNCH(norms_kernel, (unsigned)(count + SPANS - 1) / SPANS, NORMS_BLOCK, cuda, norms, parts,
		t, blocks);
}

/* ---- the step ---- */

struct lars_of_span {
	float lr, momentum, ratio, decay;
};

static __device__ struct lars_of_span lars_of(
	const struct param_span *s, const double *norm, const struct lars_step *step)
{
	struct lars_of_span l;

	l.lr = step->lr;
	l.momentum = step->momentum;
	l.ratio = s->plain ? 1 : lars_ratio(norm[0], norm[1], step->eta);
	l.decay = s->plain ? 0 : step->weight_decay;
	return l;
}

static __device__ void lars_one(float *p, float *m, float g, const struct lars_of_span *l)
{
	*m = lars_momentum(*m, lars_gradient(g, *p, l->decay), l->ratio, l->momentum);
	*p -= l->lr * *m;
}

template <int W>
static __device__ void lars_piece(
	float *p, float *m, const float *g, const struct piece *piece, const struct lars_of_span *l)
{
	for (size_t i = (piece->begin / W + threadIdx.x) * W; i < piece->end; i += BLOCK * W) {
		if (W > 1 && (i < piece->begin || i + W > piece->end)) {
			for (size_t k = i; k < i + W; k++)
				if (k >= piece->begin && k < piece->end)
					lars_one(&p[k], &m[k], g[k], l);
		} else {
			struct pack<float, W> a = pack_load<W>(p + i), b = pack_load<W>(m + i);
			const struct pack<float, W> c = pack_load<W>(g + i);

			for (int k = 0; k < W; k++)
				lars_one(&a.v[k], &b.v[k], c.v[k], l);
			pack_store<W>(p + i, &a);
			pack_store<W>(m + i, &b);
		}
	}
}

template <int W>
static __global__ void __launch_bounds__(BLOCK) lars_kernel(float *p, float *m, const float *g,
	const double *norms, struct table t, struct lars_step step)
{
	size_t share = share_of(&t, gridDim.x), begin = blockIdx.x * share, end = begin + share;

	for (int s = span_at(&t, begin); s < t.count && t.spans[s].offset < end; s++) {
		const struct piece piece = piece_of(&t.spans[s], begin, end);
		const struct lars_of_span l =
			lars_of(&t.spans[s], norms + (size_t)s * NORMS, &step);

		lars_piece<W>(p, m, g, &piece, &l);
	}
}

extern "C" void lars_cuda(struct device *dev, float *p, float *m, const float *g,
	const double *norms, const struct param_span *spans, int count,
	const struct lars_step *step)
{
	struct cuda *cuda = cuda_of(dev);
	const struct table t = { spans, count };

	if (count == 0)
		return;
	if (packable((uintptr_t)p | (uintptr_t)m | (uintptr_t)g))
		LAUNCH(lars_kernel<4>, blocks_of(cuda), BLOCK, cuda, p, m, g, norms, t, *step);
	else
		LAUNCH(lars_kernel<1>, blocks_of(cuda), BLOCK, cuda, p, m, g, norms, t, *step);
}

extern "C" void ema_cuda(struct device *dev, float *target, const float *p, float decay, size_t n)
{
	array_apply<ARRAY_MIX>(cuda_of(dev), target, p, decay, n);
}
