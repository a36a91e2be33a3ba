/* columns_cuda.cu - sums over columns, for batch norm and for the gradient of a bias; adding a
 * bias.
 *
 * A sum has two launches, so that its order depends on the shape and the device alone: blocks over
 * chunks of rows write partial sums, then the partial sums of a column are added in order.  Sums
 * are double, but double arithmetic is slow on many GPUs: a thread first adds two or four rows in
 * floats, in pairs.  That errs by at most 2 eps of the sum of the magnitudes, 3 eps for squares and
 * 4 eps for e (x - mean), eps = 2^-24. */
#include "gpu.h"

#include "gpu_columns.h"
#include "norm_math.h"

enum {
	BLOCKS = 4 /* on a multiprocessor */,
	ROWS = 32 /* of a thread at least: see columns_grid */
};

/* What is summed: x; x and x^2; e and e (x - mean), where e is dy, or dy where y > 0. */
enum terms { TERMS_BIAS, TERMS_SQUARES, TERMS_GRADIENT, TERMS_PASSED };

struct sums_in {
	const void *x, *dy, *y;
	const float *mean;
	int sums; /* 1 or 2 */
};

/* In pairs; n is a power of two. */
template <int N> static __device__ float pairwise(float v[N])
{
	for (int n = N / 2; n > 0; n /= 2)
		for (int k = 0; k < n; k++)
			v[k] += v[k + n];
	return v[0];
}

/* Add the rows of a thread to the sums of its W columns, N rows at a time: of three arrays fewer,
 * or registers run out. */
template <class T, int W, int TERMS>
static __device__ void add_rows(double sum0[W], double sum1[W], const struct sums_in *in,
	const struct columns *c, const struct columns_place *p)
{
	enum { N = TERMS == TERMS_PASSED ? COLUMNS_UNROLL / 2 : COLUMNS_UNROLL };
	const T *all_x = columns_from<T>(in->x, p), *all_dy = columns_from<T>(in->dy, p);
	const T *all_y = columns_from<T>(in->y, p);
	float mean[W];

	if (TERMS >= TERMS_GRADIENT)
		floats_load<W>(mean, in->mean + blockIdx.z * (size_t)c->channels + p->channel);
	for (size_t row = p->row; row < c->rows; row += N * p->step) {
		struct pack<T, W> x[N], dy[N], y[N];

		for (int u = 0; u < N; u++) {
			size_t r = row + u * p->step, at = r * (size_t)c->channels;

			x[u] = pack_load_if<W>(r < c->rows, all_x + at);
			if (TERMS >= TERMS_GRADIENT)
				dy[u] = pack_load_if<W>(r < c->rows, all_dy + at);
			if (TERMS == TERMS_PASSED)
				y[u] = pack_load_if<W>(r < c->rows, all_y + at);
		}
		for (int i = 0; i < W; i++) {
			float a[N], b[N];

			for (int u = 0; u < N; u++) {
				float v = element_get(x[u].v[i]);

				a[u] = TERMS >= TERMS_GRADIENT ? element_get(dy[u].v[i]) : v;
				if (TERMS == TERMS_PASSED)
					a[u] = norm_passed(a[u], element_get(y[u].v[i]));
				b[u] = TERMS >= TERMS_GRADIENT ? a[u] * (v - mean[i]) : v * v;
			}
			sum0[i] += (double)pairwise<N>(a);
			if (TERMS != TERMS_BIAS)
				sum1[i] += (double)pairwise<N>(b);
		}
	}
}

/* Add the sums of a block's threads over its height, in order; to: of its channels. */
template <int W>
static __device__ void fold(double *to, const double sum[W], const struct columns *c)
{
	__shared__ double all[W * COLUMNS_BLOCK];
	int lane = (int)threadIdx.x % c->width, i = (int)threadIdx.x / c->width;
	int column = (int)blockIdx.y * c->width + lane;

	for (int k = 0; k < W; k++)
		all[k * COLUMNS_BLOCK + (int)threadIdx.x] = sum[k];
	__syncthreads();
	if (i < W && column < c->packs) {
		double s = 0;

		for (int y = 0; y < c->height; y++)
			s += all[i * COLUMNS_BLOCK + y * c->width + lane];
		to[column * W + i] = s;
	}
	__syncthreads(); /* before the next sum is put there */
}

/* parts (chunks, groups, sums, channels) */
template <class T, int W, int TERMS>
static __global__ void __launch_bounds__(COLUMNS_BLOCK, 2 /* at a time: up to 128 registers */)
	sums_kernel(double *parts, struct sums_in in, struct columns c)
{
	const struct columns_place p = place_of(&c, W);
	size_t slab = ((size_t)blockIdx.x * gridDim.z + blockIdx.z) * (size_t)in.sums;
	double sum0[W] = {}, sum1[W] = {};

	if (p.inside)
		add_rows<T, W, TERMS>(sum0, sum1, &in, &c, &p);
	fold<W>(parts + slab * (size_t)c.channels, sum0, &c);
	if (TERMS != TERMS_BIAS)
		fold<W>(parts + (slab + 1) * (size_t)c.channels, sum1, &c);
}

enum { FINISH_COLUMNS = 32, FINISH_LANES = COLUMNS_BLOCK / FINISH_COLUMNS };

/* Where the sums go: set, the second of two times rstd unless that is NULL; or added to db. */
struct sums_out {
	double *sums; /* NULL: db */
	float *db;
	const float *rstd;
};

/* Every eighth chunk from the first; loads go ahead of the sum, whose order is kept. */
static __device__ double chunks_sum(const double *parts, int first, int chunks, size_t columns)
{
	double sum = 0;
	int k = first;

	for (; k + 3 * FINISH_LANES < chunks; k += 4 * FINISH_LANES) {
		double v[4];

		for (int u = 0; u < 4; u++)
			v[u] = parts[(size_t)(k + u * FINISH_LANES) * columns];
		for (int u = 0; u < 4; u++)
			sum += v[u];
	}
	for (; k < chunks; k += FINISH_LANES)
		sum += parts[(size_t)k * columns];
	return sum;
}

/* parts (chunks, columns): thread (lane, column) adds every eighth chunk, then the lanes are added.
 */
static __global__ void __launch_bounds__(COLUMNS_BLOCK) finish_kernel(
	struct sums_out out, const double *parts, int chunks, size_t columns, size_t channels)
{
	__shared__ double lanes[COLUMNS_BLOCK];
	size_t i = (size_t)blockIdx.x * FINISH_COLUMNS + threadIdx.x % FINISH_COLUMNS;
	double sum = 0;

	if (i < columns)
		sum = chunks_sum(parts + i, (int)threadIdx.x / FINISH_COLUMNS, chunks, columns);
	lanes[threadIdx.x] = sum;
	__syncthreads();
	if (threadIdx.x >= FINISH_COLUMNS || i >= columns)
		return;
	for (int k = 1; k < FINISH_LANES; k++)
		sum += lanes[k * FINISH_COLUMNS + (int)threadIdx.x];
	if (!out.sums)
		out.db[i] += (float)sum;
	else if (out.rstd && i / channels % 2 == 1)
		out.sums[i] = sum * (double)out.rstd[i / channels / 2 * channels + i % channels];
	else
		out.sums[i] = sum;
}

template <class T, int W, int TERMS>
static void launch_sums(struct cuda *cuda, dim3 grid, double *parts, const struct sums_in *in,
	const struct columns *c)
{
	LAUNCH((sums_kernel<T, W, TERMS>), grid, COLUMNS_BLOCK, cuda, parts, *in, *c);
}

template <class T, int W>
static void sum_columns(struct cuda *cuda, enum terms terms, const struct sums_out *out,
	const struct sums_in *in, int groups, size_t rows, int channels)
{
	static void (*const launch[])(
		struct cuda *, dim3, double *, const struct sums_in *, const struct columns *) = {
		launch_sums<T, W, TERMS_BIAS>,
		launch_sums<T, W, TERMS_SQUARES>,
		launch_sums<T, W, TERMS_GRADIENT>,
		launch_sums<T, W, TERMS_PASSED>,
	};
	const struct columns c = columns_of(rows, channels, W);
	const dim3 grid = columns_grid(cuda, &c, groups, BLOCKS, ROWS);
	size_t columns = (size_t)groups * (size_t)in->sums * (size_t)channels;
	double *parts = (double *)cuda_scratch(cuda, grid.x * columns * sizeof(double));

	launch[terms](cuda, grid, parts, in, &c);
	LAUNCH(finish_kernel, (unsigned)((columns + FINISH_COLUMNS - 1) / FINISH_COLUMNS),
		COLUMNS_BLOCK, cuda, *out, parts, (int)grid.x, columns, (size_t)channels);
}

static int sums_packable(struct cuda *cuda, const struct sums_in *in, int channels)
{
	return packable((uintptr_t)in->x | (uintptr_t)in->dy | (uintptr_t)in->y |
		(uintptr_t)in->mean | (size_t)channels * cuda->device.element);
}

extern "C" void norm_sums_cuda(
	struct device *dev, double *sums, const void *x, int groups, size_t rows, int channels)
{
	struct cuda *cuda = cuda_of(dev);
	const struct sums_in in = { .x = x, .dy = NULL, .y = NULL, .mean = NULL, .sums = 2 };
	const struct sums_out out = { .sums = sums, .db = NULL, .rstd = NULL };

	BY_ELEMENT(cuda, sums_packable(cuda, &in, channels), sum_columns, cuda, TERMS_SQUARES, &out,
		&in, groups, rows, channels);
}

extern "C" void norm_backward_sums_cuda(struct device *dev, double *sums, const void *dy,
	const void *y, const void *x, const float *mean, const float *rstd, int groups, size_t rows,
	int channels)
{
	struct cuda *cuda = cuda_of(dev);
	const struct sums_in in = { .x = x, .dy = dy, .y = y, .mean = mean, .sums = 2 };
	const struct sums_out out = { .sums = sums, .db = NULL, .rstd = rstd };

	BY_ELEMENT(cuda, sums_packable(cuda, &in, channels), sum_columns, cuda,
		y ? TERMS_PASSED : TERMS_GRADIENT, &out, &in, groups, rows, channels);
}

extern "C" void bias_gradient_cuda(
	struct device *dev, float *db, const void *dy, size_t rows, int channels)
{
	struct cuda *cuda = cuda_of(dev);
	const struct sums_in in = { .x = dy, .dy = NULL, .y = NULL, .mean = NULL, .sums = 1 };
	const struct sums_out out = { .sums = NULL, .db = db, .rstd = NULL };

	BY_ELEMENT(cuda, sums_packable(cuda, &in, channels), sum_columns, cuda, TERMS_BIAS, &out,
		&in, 1, rows, channels);
}

template <class T, int W>
static __global__ void __launch_bounds__(COLUMNS_BLOCK)
	bias_add_kernel(T *y, const float *bias, struct columns c)
{
	const struct columns_place p = place_of(&c, W);
	float b[W];

	if (!p.inside)
		return;
	floats_load<W>(b, bias + p.channel);
	y += p.at;
	for (size_t row = p.row; row < c.rows; row += COLUMNS_UNROLL * p.step) {
		struct pack<T, W> v[COLUMNS_UNROLL];

		for (int u = 0; u < COLUMNS_UNROLL; u++)
			v[u] = pack_load_if<W>(row + u * p.step < c.rows,
				y + (row + u * p.step) * (size_t)c.channels);
		for (int u = 0; u < COLUMNS_UNROLL && row + u * p.step < c.rows; u++) {
			for (int i = 0; i < W; i++)
				element_set(&v[u].v[i], element_get(v[u].v[i]) + b[i]);
			pack_store<W>(y + (row + u * p.step) * (size_t)c.channels, &v[u]);
		}
	}
}

template <class T, int W>
static void bias_add(struct cuda *cuda, void *y, const float *bias, size_t rows, int channels)
{
	const struct columns c = columns_of(rows, channels, W);

	LAUNCH((bias_add_kernel<T, W>), columns_grid(cuda, &c, 1, 8, COLUMNS_UNROLL), COLUMNS_BLOCK,
		cuda, (T *)y, bias, c);
}

extern "C" void bias_add_cuda(
	struct device *dev, void *y, const float *bias, size_t rows, int channels)
{
	struct cuda *cuda = cuda_of(dev);

	BY_ELEMENT(cuda, packable((uintptr_t)y | (uintptr_t)bias | (size_t)channels * dev->element),
		bias_add, cuda, y, bias, rows, channels);
}
