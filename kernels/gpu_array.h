#ifndef KERNELS_GPU_ARRAY_H
#define KERNELS_GPU_ARRAY_H

#include "gpu_vector.h"
#include "optim_math.h"

/* One array into another of the same length, element by element.  A thread has the loads of four
 * packs in flight; what is left behind the last whole pack the first block does. */

enum { ARRAY_BLOCK = 256, ARRAY_BLOCKS = 8 /* on a multiprocessor */, ARRAY_UNROLL = 4 };

/* y = x; y += a x; y = a y + (1 - a) x */
enum array_operation { ARRAY_COPY, ARRAY_ADD, ARRAY_MIX };

template <int OPERATION> static inline __device__ float array_value(float y, float x, float a)
{
	if (OPERATION == ARRAY_COPY)
		return x;
	return OPERATION == ARRAY_ADD ? y + a * x : ema_value(y, x, a);
}

template <int OPERATION, int W, class Y, class X>
static inline __device__ void array_pack(struct pack<Y, W> *y, const struct pack<X, W> *x, float a)
{
	for (int i = 0; i < W; i++) {
		float old = OPERATION == ARRAY_COPY ? 0 : element_get(y->v[i]);

		element_set(&y->v[i], array_value<OPERATION>(old, element_get(x->v[i]), a));
	}
}

template <int OPERATION, class Y, class X, int W>
static __global__ void __launch_bounds__(ARRAY_BLOCK)
	array_kernel(Y *y, const X *x, float a, size_t n)
{
	size_t step = (size_t)gridDim.x * ARRAY_BLOCK, packs = n / W;

	for (size_t first = (size_t)blockIdx.x * ARRAY_BLOCK + threadIdx.x; first < packs;
		first += ARRAY_UNROLL * step) {
		struct pack<Y, W> to[ARRAY_UNROLL];
		struct pack<X, W> from[ARRAY_UNROLL];

		for (int u = 0; u < ARRAY_UNROLL; u++) {
			size_t i = first + u * step;

			from[u] = pack_load_if<W>(i < packs, x + i * W);
			if (OPERATION != ARRAY_COPY)
				to[u] = pack_load_if<W>(i < packs, y + i * W);
		}
		for (int u = 0; u < ARRAY_UNROLL && first + u * step < packs; u++) {
			array_pack<OPERATION>(&to[u], &from[u], a);
			pack_store<W>(y + (first + u * step) * W, &to[u]);
		}
	}
	if (blockIdx.x == 0 && threadIdx.x < n % W) {
		size_t i = packs * W + threadIdx.x;
		struct pack<X, 1> from = pack_load<1>(x + i);
		struct pack<Y, 1> to = {
		};

		if (OPERATION != ARRAY_COPY)
			to = pack_load<1>(y + i);
		array_pack<OPERATION>(&to, &from, a);
		pack_store<1>(y + i, &to);
	}
}

template <int OPERATION, int W, class Y, class X>
static void array_launch(struct cuda *cuda, Y *y, const X *x, float a, size_t n)
{
	size_t blocks = ((n + W - 1) / W + ARRAY_BLOCK - 1) / ARRAY_BLOCK;
	size_t most = (size_t)cuda->multiprocessors * ARRAY_BLOCKS;

	LAUNCH((array_kernel<OPERATION, Y, X, W>), (unsigned)(blocks < most ? blocks : most),
		ARRAY_BLOCK, cuda, y, x, a, n);
}

template <int OPERATION, class Y, class X>
static void array_apply(struct cuda *cuda, Y *y, const X *x, float a, size_t n)
{
	enum { SMALLER = sizeof(X) < sizeof(Y) ? sizeof(X) : sizeof(Y) };

	if (n == 0)
		return;
	if (packable((uintptr_t)y | (uintptr_t)x))
		array_launch<OPERATION, PACK_BYTES / SMALLER>(cuda, y, x, a, n);
	else
		array_launch<OPERATION, 1>(cuda, y, x, a, n);
}

#endif
