/* unit_cuda.cu - vectors of unit length and the gradient through them.  A warp has a row.  Rows are
 * few and short, so that all is double where the CPU's is. */
#include "gpu.h"

#include "gpu_reduce.h"
#include "gpu_vector.h"
#include "unit_math.h"

enum {
	BLOCK = 256,
	ROWS = BLOCK / WARP, /* of a block */
	BLOCKS = 16          /* on a multiprocessor */
};

static unsigned rows_grid(const struct cuda *cuda, size_t rows)
{
	size_t blocks = (rows + ROWS - 1) / ROWS, most = (size_t)cuda->multiprocessors * BLOCKS;

	return (unsigned)(blocks < most ? blocks : most);
}

template <class T, int W>
static __global__ void __launch_bounds__(BLOCK)
	unit_length_kernel(float *o, float *length, const T *u, size_t rows, int d)
{
	int lane = (int)threadIdx.x % WARP;

	for (size_t first = (size_t)blockIdx.x * ROWS; first < rows;
		first += (size_t)gridDim.x * ROWS) {
		size_t r = first + threadIdx.x / WARP;
		int width = r < rows ? d : 0; /* a warp without a row comes along */
		const T *from = u + r * (size_t)d;
		double square = 0, l;

		for (int i = lane * W; i < width; i += WARP * W) {
			const struct pack<T, W> v = pack_load<W>(from + i);

			for (int k = 0; k < W; k++)
				square += (double)element_get(v.v[k]) * (double)element_get(v.v[k]);
		}
		l = unit_length_of(warp_sum(square));
		for (int i = lane * W; i < width; i += WARP * W) {
			const struct pack<T, W> v = pack_load<W>(from + i);
			struct pack<float, W> out;

			for (int k = 0; k < W; k++)
				out.v[k] = (float)((double)element_get(v.v[k]) / l);
			pack_store<W>(o + r * (size_t)d + i, &out);
		}
		if (lane == 0 && r < rows)
			length[r] = (float)l;
	}
}

template <class T, int W>
static void unit_length(
	struct cuda *cuda, float *o, float *length, const void *u, size_t rows, int d)
{
	LAUNCH((unit_length_kernel<T, W>), rows_grid(cuda, rows), BLOCK, cuda, o, length,
		(const T *)u, rows, d);
}

extern "C" void unit_length_cuda(
	struct device *dev, float *o, float *length, const void *u, size_t rows, int d)
{
	struct cuda *cuda = cuda_of(dev);

	if (rows > 0)
		BY_ELEMENT(cuda, packable((uintptr_t)o | (uintptr_t)u | (size_t)d * dev->element),
			unit_length, cuda, o, length, u, rows, d);
}

template <class T, int W>
static __global__ void __launch_bounds__(BLOCK) unit_backward_kernel(
	T *du, const float *g, const float *o, const float *length, size_t rows, int d)
{
	int lane = (int)threadIdx.x % WARP;

	for (size_t first = (size_t)blockIdx.x * ROWS; first < rows;
		first += (size_t)gridDim.x * ROWS) {
		size_t r = first + threadIdx.x / WARP;
		int width = r < rows ? d : 0; /* a warp without a row comes along */
		size_t at = r * (size_t)d;
		double along = 0;

		for (int i = lane * W; i < width; i += WARP * W) {
			const struct pack<float, W> a = pack_load<W>(g + at + i);
			const struct pack<float, W> b = pack_load<W>(o + at + i);

			for (int k = 0; k < W; k++)
				along += (double)a.v[k] * (double)b.v[k];
		}
		along = warp_sum(along);
		for (int i = lane * W; i < width; i += WARP * W) {
			const struct pack<float, W> a = pack_load<W>(g + at + i);
			const struct pack<float, W> b = pack_load<W>(o + at + i);
			struct pack<T, W> out;

			for (int k = 0; k < W; k++)
				element_set(&out.v[k],
					unit_gradient(a.v[k], b.v[k], along, (double)length[r]));
			pack_store<W>(du + at + i, &out);
		}
	}
}

template <class T, int W>
static void unit_backward(struct cuda *cuda, void *du, const float *g, const float *o,
	const float *length, size_t rows, int d)
{
	LAUNCH((unit_backward_kernel<T, W>), rows_grid(cuda, rows), BLOCK, cuda, (T *)du, g, o,
		length, rows, d);
}

extern "C" void unit_length_backward_cuda(struct device *dev, void *du, const float *g,
	const float *o, const float *length, size_t rows, int d)
{
	struct cuda *cuda = cuda_of(dev);

	if (rows > 0)
		BY_ELEMENT(cuda,
			packable((uintptr_t)du | (uintptr_t)g | (uintptr_t)o |
				(size_t)d * dev->element),
			unit_backward, cuda, du, g, o, length, rows, d);
}
