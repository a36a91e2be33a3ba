#ifndef KERNELS_GPU_VECTOR_H
#define KERNELS_GPU_VECTOR_H

#include "gpu.h"

#include "bf16_math.h"

/* Arrays of elements T (float or struct bf16), read and written in packs of W: 16 bytes at once,
 * the widest access there is, where addresses and sizes allow; else W is 1.  Both are one template,
 * so that they give the same bits. */

enum { PACK_BYTES = 16 };

/* Not aligned beyond PACK_BYTES: 8 floats are two accesses. */
template <class T, int W> struct alignas(sizeof(T) * W < 16 ? sizeof(T) * W : 16) pack {
	T v[W];
};

template <int W, class T> static inline __device__ struct pack<T, W> pack_load(const T *from) {
	return *(const struct pack<T, W> *)from;
}

/* Zeros where there is nothing. */
template <int W, class T>
static inline __device__ struct pack<T, W> pack_load_if(int inside, const T *from) {
	struct pack<T, W> zeros = {
	};

	return inside ? pack_load<W>(from) : zeros;
}

template <int W, class T>
static inline __device__ void pack_store(T *to, const struct pack<T, W> *values)
{
	*(struct pack<T, W> *)to = *values;
}

static inline __device__ float element_get(float x)
{
	return x;
}

static inline __device__ float element_get(struct bf16 x)
{
	return bf16_float(x);
}

static inline __device__ void element_set(float *to, float value)
{
	*to = value;
}

static inline __device__ void element_set(struct bf16 *to, float value)
{
	*to = bf16_of(value);
}

/* W floats of an array of one for each channel, into registers. */
template <int W> static inline __device__ void floats_load(float to[W], const float *from)
{
	const struct pack<float, W> p = pack_load<W>(from);

	for (int i = 0; i < W; i++)
		to[i] = p.v[i];
}

/* Whether packs can be used: places is the union (|) of all addresses and of the bytes between
 * rows. A host that forgets one will not notice; a GPU stops. */
static inline int packable(uintptr_t places)
{
	return places % PACK_BYTES == 0;
}

/* Call function<T, W>(...) with the device's elements, in packs or one by one. */
#define BY_ELEMENT(cuda, packs, function, ...)                                                     \
	do {                                                                                       \
		if ((cuda)->device.element == sizeof(float) && (packs))                            \
			function<float, 4>(__VA_ARGS__);                                           \
		else if ((cuda)->device.element == sizeof(float))                                  \
			function<float, 1>(__VA_ARGS__);                                           \
		else if (packs)                                                                    \
			function<struct bf16, 8>(__VA_ARGS__);                                     \
		else                                                                               \
			function<struct bf16, 1>(__VA_ARGS__);                                     \
	} while (0)

#endif
