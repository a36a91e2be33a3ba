/* conv_choose_cuda.c - which of cuDNN's algorithms computes a convolution.
 * cuDNN ranks them by a model of its own, without running any (the _v7 queries); the first that is
 * deterministic, keeps the digits and fits the bound of the workspace is taken.  They are not
 * measured: two runs, or two ranks, could then choose differently and give other bits. */
#include "conv_cuda.h"

#include "base/log.h"

enum { CANDIDATES = 16 /* more than there are algorithms */ };

/* What the perf structs of the three passes have in common. */
struct candidate {
	int algorithm;
	cudnnStatus_t status;
	cudnnDeterminism_t determinism;
	cudnnMathType_t math;
};

static int list_forward(struct cuda *cuda, const struct conv *c, struct candidate *out)
{
	cudnnConvolutionFwdAlgoPerf_t found[CANDIDATES];
	int count = 0;

	CUDNN_CHECK(cudnnGetConvolutionForwardAlgorithm_v7(cuda->dnn, c->x, c->filter,
		c->ways[CONV_FORWARD].conv, c->y, CANDIDATES, &count, found));
	for (int i = 0; i < count; i++)
		out[i] = (struct candidate){ (int)found[i].algo, found[i].status,
			found[i].determinism, found[i].mathType };
	return count;
}

static int list_data(struct cuda *cuda, const struct conv *c, struct candidate *out)
{
	cudnnConvolutionBwdDataAlgoPerf_t found[CANDIDATES];
	int count = 0;

	CUDNN_CHECK(cudnnGetConvolutionBackwardDataAlgorithm_v7(cuda->dnn, c->filter, c->y,
		c->ways[CONV_DATA].conv, c->x, CANDIDATES, &count, found));
	for (int i = 0; i < count; i++)
		out[i] = (struct candidate){ (int)found[i].algo, found[i].status,
			found[i].determinism, found[i].mathType };
	return count;
}

static int list_weights(struct cuda *cuda, const struct conv *c, struct candidate *out)
{
	cudnnConvolutionBwdFilterAlgoPerf_t found[CANDIDATES];
	int count = 0;

	CUDNN_CHECK(cudnnGetConvolutionBackwardFilterAlgorithm_v7(cuda->dnn, c->x, c->y,
		c->ways[CONV_WEIGHTS].conv, c->filter, CANDIDATES, &count, found));
	for (int i = 0; i < count; i++)
		out[i] = (struct candidate){ (int)found[i].algo, found[i].status,
			found[i].determinism, found[i].mathType };
	return count;
}

static cudnnStatus_t size_forward(
	struct cuda *cuda, const struct conv *c, int algorithm, size_t *bytes)
{
	return cudnnGetConvolutionForwardWorkspaceSize(cuda->dnn, c->x, c->filter,
		c->ways[CONV_FORWARD].conv, c->y, (cudnnConvolutionFwdAlgo_t)algorithm, bytes);
}

static cudnnStatus_t size_data(
	struct cuda *cuda, const struct conv *c, int algorithm, size_t *bytes)
{
	return cudnnGetConvolutionBackwardDataWorkspaceSize(cuda->dnn, c->filter, c->y,
		c->ways[CONV_DATA].conv, c->x, (cudnnConvolutionBwdDataAlgo_t)algorithm, bytes);
}

static cudnnStatus_t size_weights(
	struct cuda *cuda, const struct conv *c, int algorithm, size_t *bytes)
{
	return cudnnGetConvolutionBackwardFilterWorkspaceSize(cuda->dnn, c->x, c->y,
		c->ways[CONV_WEIGHTS].conv, c->filter, (cudnnConvolutionBwdFilterAlgo_t)algorithm,
		bytes);
}

enum { ALGORITHMS = 8 };

/* algorithms: those that may be taken; not FFT and Winograd, whose results have fewer digits */
static const struct {
	const char *name;
	int (*list)(struct cuda *cuda, const struct conv *c, struct candidate *out);
	cudnnStatus_t (*size)(
		struct cuda *cuda, const struct conv *c, int algorithm, size_t *bytes);
	const char *algorithms[ALGORITHMS];
} passes[CONV_PASSES] = {
	[CONV_FORWARD] = { "forward", list_forward, size_forward,
		{ [CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM] = "implicit gemm",
			[CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM] =
				"implicit precomputed gemm",
			[CUDNN_CONVOLUTION_FWD_ALGO_GEMM] = "gemm",
			[CUDNN_CONVOLUTION_FWD_ALGO_DIRECT] = "direct" } },
	[CONV_DATA] = { "data", list_data, size_data,
		{ [CUDNN_CONVOLUTION_BWD_DATA_ALGO_0] = "algorithm 0",
			[CUDNN_CONVOLUTION_BWD_DATA_ALGO_1] = "algorithm 1" } },
	[CONV_WEIGHTS] = { "weights", list_weights, size_weights,
		{ [CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0] = "algorithm 0",
			[CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1] = "algorithm 1",
			[CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3] = "algorithm 3" } },
};

const char *conv_pass_name(enum conv_pass pass)
{
	return passes[pass].name;
}

static const char *algorithm_name(enum conv_pass pass, int algorithm)
{
	const char *name = NULL;

	if (algorithm >= 0 && algorithm < ALGORITHMS)
		name = passes[pass].algorithms[algorithm];
	return name ? name : "none";
}

static int will_do(struct cuda *cuda, struct conv *conv, enum conv_pass pass,
	const struct candidate *candidate)
{
	struct conv_way *way = &conv->ways[pass];
	size_t bytes = 0;

	if (candidate->status != CUDNN_STATUS_SUCCESS ||
		candidate->determinism != CUDNN_DETERMINISTIC ||
		candidate->algorithm >= ALGORITHMS ||
		!passes[pass].algorithms[candidate->algorithm])
		return 0;
	if (cuda->device.precision == PRECISION_FLOAT32 && candidate->math != CUDNN_FMA_MATH)
		return 0;
	/* The same algorithm may be there twice, with and without tensor cores. */
	CUDNN_CHECK(cudnnSetConvolutionMathType(way->conv, candidate->math));
	if (passes[pass].size(cuda, conv, candidate->algorithm, &bytes) != CUDNN_STATUS_SUCCESS ||
		bytes > cuda->workspace_limit)
		return 0;
	way->algorithm = candidate->algorithm;
	way->workspace = bytes;
	return 1;
}

static void choose_pass(struct cuda *cuda, struct conv *conv, enum conv_pass pass)
{
	struct candidate candidates[CANDIDATES];
	int count = passes[pass].list(cuda, conv, candidates);

	conv->ways[pass].algorithm = -1;
	for (int i = 0; i < count; i++)
		if (will_do(cuda, conv, pass, &candidates[i]))
			return;
}

void conv_choose(struct cuda *cuda, struct conv *conv)
{
	const struct conv_shape *s = &conv->shape;
	const struct conv_way *w = conv->ways;
	const double mib = 1.0 / (1 << 20);

	for (int pass = 0; pass < CONV_PASSES; pass++)
		choose_pass(cuda, conv, (enum conv_pass)pass);
	conv->chosen = 1;
	log_detail(
		"convolution %d x %d / %d, %d to %d channels, %d x (%d, %d): forward by %s (%.1f "
		"MiB), data by %s (%.1f MiB), weights by %s (%.1f MiB)",
		s->r, s->r, s->stride, s->c, s->k, s->n, s->h, s->w,
		algorithm_name(CONV_FORWARD, w[CONV_FORWARD].algorithm),
		(double)w[CONV_FORWARD].workspace * mib,
		algorithm_name(CONV_DATA, w[CONV_DATA].algorithm),
		(double)w[CONV_DATA].workspace * mib,
		algorithm_name(CONV_WEIGHTS, w[CONV_WEIGHTS].algorithm),
		(double)w[CONV_WEIGHTS].workspace * mib);
}
