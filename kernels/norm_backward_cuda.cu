/* norm_backward_cuda.cu - batch norm's gradient, element by element; see norm_cuda.cu. */
#include "gpu.h"

#include "gpu_columns.h"
#include "norm_math.h"

enum { BLOCKS = 8 /* on a multiprocessor */, UNROLL = 2 /* rows, of up to three arrays each */ };

struct backward {
	void *dx, *dresidual;
	const void *dy, *y, *x;
	const float *mean, *rstd, *gamma;
	const double *sums;
	double share; /* 1 / count */
};

/* What a thread keeps of its channels. */
template <int W> struct slope {
	float mean[W], rstd[W], gamma[W], m0[W], m1[W];
};

template <int W>
static __device__ void slope_load(struct slope<W> *s, const struct backward *b, int channels, int c)
{
	size_t at = blockIdx.z * (size_t)channels + (size_t)c;
	const double *sums = b->sums + blockIdx.z * 2 * (size_t)channels + (size_t)c;

	floats_load<W>(s->mean, b->mean + at);
	floats_load<W>(s->rstd, b->rstd + at);
	floats_load<W>(s->gamma, b->gamma + c);
	for (int i = 0; i < W; i++) {
		s->m0[i] = (float)(sums[i] * b->share);
		s->m1[i] = (float)(sums[channels + i] * b->share);
	}
}

/* dy becomes e, x becomes dx. */
template <class T, int W>
static __device__ void backward_pack(struct pack<T, W> *x, struct pack<T, W> *dy,
	const struct pack<T, W> *y, const struct slope<W> *s)
{
	for (int i = 0; i < W; i++) {
		float e = element_get(dy->v[i]);

		if (y)
			e = norm_passed(e, element_get(y->v[i]));
		element_set(&dy->v[i], e);
		element_set(&x->v[i],
			norm_gradient(e, element_get(x->v[i]), s->mean[i], s->rstd[i], s->gamma[i],
				s->m0[i], s->m1[i]));
	}
}

template <class T, int W, int PASSED, int RESIDUAL>
static __global__ void __launch_bounds__(COLUMNS_BLOCK)
	backward_kernel(struct backward b, struct columns c)
{
	const struct columns_place p = place_of(&c, W);
	const T *all_x = columns_from<T>(b.x, &p), *all_dy = columns_from<T>(b.dy, &p);
	const T *all_y = columns_from<T>(b.y, &p);
	T *dx = columns_to<T>(b.dx, &p), *dresidual = columns_to<T>(b.dresidual, &p);
	struct slope<W> s;

	if (!p.inside)
		return;
	slope_load(&s, &b, c.channels, p.channel);
	for (size_t row = p.row; row < c.rows; row += UNROLL * p.step) {
		struct pack<T, W> x[UNROLL], dy[UNROLL], y[UNROLL];

		for (int u = 0; u < UNROLL; u++) {
			size_t r = row + u * p.step, at = r * (size_t)c.channels;

			x[u] = pack_load_if<W>(r < c.rows, all_x + at);
			dy[u] = pack_load_if<W>(r < c.rows, all_dy + at);
			if (PASSED)
				y[u] = pack_load_if<W>(r < c.rows, all_y + at);
		}
		for (int u = 0; u < UNROLL && row + u * p.step < c.rows; u++) {
			size_t at = (row + u * p.step) * (size_t)c.channels;

			backward_pack(&x[u], &dy[u], PASSED ? &y[u] : NULL, &s);
			if (RESIDUAL)
				pack_store<W>(dresidual + at, &dy[u]);
			pack_store<W>(dx + at, &x[u]);
		}
	}
}

template <class T, int W, int PASSED, int RESIDUAL>
static void launch(
	struct cuda *cuda, const struct backward *b, int groups, size_t rows, int channels)
{
	const struct columns c = columns_of(rows, channels, W);

	LAUNCH((backward_kernel<T, W, PASSED, RESIDUAL>),
		columns_grid(cuda, &c, groups, BLOCKS, 4 * UNROLL), COLUMNS_BLOCK, cuda, *b, c);
}

template <class T, int W>
static void launch_backward(
	struct cuda *cuda, const struct backward *b, int groups, size_t rows, int channels)
{
	static void (*const launches[2][2])(
		struct cuda *, const struct backward *, int, size_t, int) = {
		{ launch<T, W, 0, 0>, launch<T, W, 0, 1> },
		{ launch<T, W, 1, 0>, launch<T, W, 1, 1> },
	};

	launches[b->y != NULL][b->dresidual != NULL](cuda, b, groups, rows, channels);
}

extern "C" void norm_backward_cuda(struct device *dev, void *dx, void *dresidual, const void *dy,
	const void *y, const void *x, const float *mean, const float *rstd, const float *gamma,
	const double *sums, double count, int groups, size_t rows, int channels)
{
	struct cuda *cuda = cuda_of(dev);
	const struct backward b = { .dx = dx,
		.dresidual = dresidual,
		.dy = dy,
		.y = y,
		.x = x,
		.mean = mean,
		.rstd = rstd,
		.gamma = gamma,
		.sums = sums,
		.share = 1 / count };
	uintptr_t places = (uintptr_t)dx | (uintptr_t)dresidual | (uintptr_t)dy | (uintptr_t)y |
		(uintptr_t)x | (uintptr_t)mean | (uintptr_t)rstd | (uintptr_t)gamma |
		(size_t)channels * dev->element;

	BY_ELEMENT(cuda, packable(places), launch_backward, cuda, &b, groups, rows, channels);
}
