#ifndef KERNELS_GPU_LOSS_H
#define KERNELS_GPU_LOSS_H

#include "gpu.h"

#include "gpu_reduce.h"

/* What the kernels of the objective share: loss_math.h for the lanes of a warp, and the work of a
 * call. */

#define RELIC_LANES WARP
#define RELIC_LANE ((int)threadIdx.x % WARP)
#define RELIC_SUM(x) warp_sum(x)
#define RELIC_MAX(x) warp_max(x)
#define RELIC_FUNCTION static inline __device__
#include "loss_math.h"

/* One call, or a part of its anchors; kernels take it by value. */
struct loss {
	struct relic_batch in;
	struct relic_options options;
	float *g;
	double *terms;   /* (in.n, 2): sums over an anchor's pairs */
	double *anchors; /* (part, length): what relic_rows points to */
	int32_t *place;  /* mode 3: (part, total): which candidate of an anchor that is; -1: none */
	size_t length, rows, rows_q;
	int start, part; /* first anchor of this part; anchors in it */
	int views, count;
	double scale; /* 1 / (tau N pairs) */
};

/* The rows of the anchor with that number in the part. */
static inline __device__ struct relic_rows loss_rows(const struct loss *l, int anchor)
{
	double *at = l->anchors + (size_t)anchor * l->length;
	struct relic_rows r;

	r.logp = at;
	r.w = at + l->rows;
	r.logq = at + 2 * l->rows;
	r.wq = r.logq + l->rows_q;
	r.mean = r.wq + l->rows_q;
	r.count = l->count;
	return r;
}

/* Embedding of image row in view's part of a (views, images, d) array. */
static inline __device__ const float *loss_embedding(
	const float *from, int view, int images, int row, int d)
{
	return from + ((size_t)view * (size_t)images + (size_t)row) * (size_t)d;
}

static inline __device__ const int32_t *loss_candidates(const struct loss *l, int i)
{
	return l->in.candidates + (size_t)i * (size_t)l->count;
}

static inline __device__ int loss_fewer(int n, int most)
{
	return n < most ? n : most;
}

/* Queue what the part's anchors give to everyone's small views (mode 3): g_small (S, total, d) is
 * overwritten by the first part, those behind add to it. */
void loss_small_cuda(struct cuda *cuda, float *g_small, const struct loss *part);

#endif
