/* norm_backward_cuda.cu - batch norm's gradient, element by element; see norm_cuda.cu. */
#include "gpu.h"

#include "gpu_columns.h"
#include "norm_math.h"

enum { BLOCKS = 8 /* on a multiprocessor */, UNROLL = 2 /* rows, of up to three arrays each */ };

struct backward {
	struct norm_input_gradient of;
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
	const double *sums = b->of.sums + blockIdx.z * 2 * (size_t)channels + (size_t)c;

	floats_load<W>(s->mean, b->of.mean + at);
	floats_load<W>(s->rstd, b->of.rstd + at);
	floats_load<W>(s->gamma, b->of.gamma + c);
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
	const T *all_x = columns_from<T>(b.of.x, &p), *all_dy = columns_from<T>(b.of.dy, &p);
	const T *all_y = columns_from<T>(b.of.y, &p);
	T *dx = columns_to<T>(b.of.dx, &p), *dresidual = columns_to<T>(b.of.dresidual, &p);
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
static void launch(struct cuda *cuda, const struct backward *b)
{
	const struct columns c = columns_of(b->of.rows, b->of.channels, W);

	LAUNCH((backward_kernel<T, W, PASSED, RESIDUAL>),
		columns_grid(cuda, &c, b->of.groups, BLOCKS, 4 * UNROLL), COLUMNS_BLOCK, cuda, *b,
		c);
}

template <class T, int W> static void launch_backward(struct cuda *cuda, const struct backward *b)
{
	static void (*const launches[2][2])(struct cuda *, const struct backward *) = {
		{ launch<T, W, 0, 0>, launch<T, W, 0, 1> },
		{ launch<T, W, 1, 0>, launch<T, W, 1, 1> },
	};

	launches[b->of.y != NULL][b->of.dresidual != NULL](cuda, b);
}

extern "C" void norm_backward_cuda(struct device *dev, const struct norm_input_gradient *of)
{
	struct cuda *cuda = cuda_of(dev);
	const struct backward b = { .of = *of, .share = 1 / of->count };
	uintptr_t places = (uintptr_t)of->dx | (uintptr_t)of->dresidual | (uintptr_t)of->dy |
		(uintptr_t)of->y | (uintptr_t)of->x | (uintptr_t)of->mean | (uintptr_t)of->rstd |
		(uintptr_t)of->gamma | (size_t)of->channels * dev->element;

	BY_ELEMENT(cuda, packable(places), launch_backward, cuda, &b);
}
