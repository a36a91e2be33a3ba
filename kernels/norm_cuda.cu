/* norm_cuda.cu - batch norm over groups: statistics, and what is done to each element.
 * The sums are columns_cuda.cu's.  A thread stays with its channels (gpu_columns.h), loads the
 * packs of four rows, then computes and stores them: outputs may be inputs, so a load may not wait
 * for a store of another row. */
#include "gpu.h"

#include "gpu_columns.h"
#include "norm_math.h"

enum { BLOCK = 128 /* of the kernels over channels */, BLOCKS = 8 /* on a multiprocessor */ };

static unsigned blocks_of(size_t n)
{
	return (unsigned)((n + BLOCK - 1) / BLOCK);
}

/* ---- over channels ---- */

/* sums (groups, 2, channels); a thread for each of groups and channels */
static __global__ void statistics_kernel(float *mean, float *rstd, const double *sums, double count,
	float eps, int groups, int channels)
{
	int i = (int)(blockIdx.x * BLOCK + threadIdx.x), c = i % channels;

	if (i >= groups * channels)
		return;
	sums += (size_t)(i - c) * 2;
	mean[i] = (float)(sums[c] / count);
	rstd[i] =
		(float)(1 / sqrt(norm_variance(sums[c], sums[channels + c], count) + (double)eps));
}

extern "C" void norm_statistics_cuda(struct device *dev, float *mean, float *rstd,
	const double *sums, double count, float eps, int groups, int channels)
{
	LAUNCH(statistics_kernel, blocks_of((size_t)groups * (size_t)channels), BLOCK, cuda_of(dev),
		mean, rstd, sums, count, eps, groups, channels);
}

static __global__ void running_kernel(
	float *running, const double *sums, double count, float decay, int groups, int channels)
{
	int c = (int)(blockIdx.x * BLOCK + threadIdx.x);
	double keep = decay;

	if (c >= channels)
		return;
	for (int g = 0; g < groups; g++, sums += 2 * channels) {
		float *mean = running + c, *variance = mean + channels;
		double v = norm_variance(sums[c], sums[channels + c], count);

		*mean = (float)(keep * *mean + (1 - keep) * (sums[c] / count));
		*variance = (float)(keep * *variance + (1 - keep) * v);
	}
}

extern "C" void norm_running_cuda(struct device *dev, float *running, const double *sums,
	double count, float decay, int groups, int channels)
{
	LAUNCH(running_kernel, blocks_of((size_t)channels), BLOCK, cuda_of(dev), running, sums,
		count, decay, groups, channels);
}

static __global__ void parameter_gradient_kernel(
	float *dgamma, float *dbeta, const double *sums, int groups, int channels)
{
	int c = (int)(blockIdx.x * BLOCK + threadIdx.x);
	double gamma = 0, beta = 0;

	if (c >= channels)
		return;
	for (int g = 0; g < groups; g++, sums += 2 * channels) {
		beta += sums[c];
		gamma += sums[channels + c];
	}
	dgamma[c] += (float)gamma;
	dbeta[c] += (float)beta;
}

extern "C" void norm_parameter_gradient_cuda(struct device *dev, float *dgamma, float *dbeta,
	const double *sums, int groups, int channels)
{
	LAUNCH(parameter_gradient_kernel, blocks_of((size_t)channels), BLOCK, cuda_of(dev), dgamma,
		dbeta, sums, groups, channels);
}

/* ---- over elements ---- */

/* What a thread keeps of its channels. */
template <int W> struct affine {
	float mean[W], rstd[W], gamma[W], beta[W];
};

template <int W>
static __device__ void affine_load(
	struct affine<W> *a, const struct norm_output *n, int channels, int c)
{
	size_t at = blockIdx.z * (size_t)channels + (size_t)c;

	floats_load<W>(a->mean, n->mean + at);
	floats_load<W>(a->rstd, n->rstd + at);
	floats_load<W>(a->gamma, n->gamma + c);
	floats_load<W>(a->beta, n->beta + c);
}

/* x becomes y. */
template <class T, int W>
static __device__ void apply_pack(struct pack<T, W> *x, const struct pack<T, W> *residual,
	const struct affine<W> *a, int relu)
{
	for (int i = 0; i < W; i++) {
		float v = norm_value(
			element_get(x->v[i]), a->mean[i], a->rstd[i], a->gamma[i], a->beta[i]);

		if (residual)
			v += element_get(residual->v[i]);
		element_set(&x->v[i], relu ? norm_relu(v) : v);
	}
}

template <class T, int W, int RESIDUAL>
static __global__ void __launch_bounds__(COLUMNS_BLOCK)
	apply_kernel(struct norm_output n, struct columns c)
{
	const struct columns_place p = place_of(&c, W);
	const T *x = columns_from<T>(n.x, &p), *residual = columns_from<T>(n.residual, &p);
	T *y = columns_to<T>(n.y, &p);
	struct affine<W> a;

	if (!p.inside)
		return;
	affine_load(&a, &n, c.channels, p.channel);
	for (size_t row = p.row; row < c.rows; row += COLUMNS_UNROLL * p.step) {
		struct pack<T, W> v[COLUMNS_UNROLL], w[COLUMNS_UNROLL];

		for (int u = 0; u < COLUMNS_UNROLL; u++) {
			size_t r = row + u * p.step, at = r * (size_t)c.channels;

			v[u] = pack_load_if<W>(r < c.rows, x + at);
			if (RESIDUAL)
				w[u] = pack_load_if<W>(r < c.rows, residual + at);
		}
		for (int u = 0; u < COLUMNS_UNROLL; u++) {
			size_t r = row + u * p.step;

			apply_pack(&v[u], RESIDUAL ? &w[u] : NULL, &a, n.relu);
			if (r < c.rows)
				pack_store<W>(y + r * (size_t)c.channels, &v[u]);
		}
	}
}

template <class T, int W> static void launch_apply(struct cuda *cuda, const struct norm_output *n)
{
	const struct columns c = columns_of(n->rows, n->channels, W);
	const dim3 grid = columns_grid(cuda, &c, n->groups, BLOCKS, 2 * COLUMNS_UNROLL);

	if (n->residual)
		LAUNCH((apply_kernel<T, W, 1>), grid, COLUMNS_BLOCK, cuda, *n, c);
	else
		LAUNCH((apply_kernel<T, W, 0>), grid, COLUMNS_BLOCK, cuda, *n, c);
}

extern "C" void norm_apply_cuda(struct device *dev, const struct norm_output *n)
{
	struct cuda *cuda = cuda_of(dev);
	uintptr_t places = (uintptr_t)n->y | (uintptr_t)n->x | (uintptr_t)n->residual |
		(uintptr_t)n->mean | (uintptr_t)n->rstd | (uintptr_t)n->gamma | (uintptr_t)n->beta |
		(size_t)n->channels * dev->element;

	BY_ELEMENT(cuda, packable(places), launch_apply, cuda, n);
}
