/* mean_pool_cuda.cu - the mean over an image's pixels.  Images are the rows of gpu_columns.h; a
 * thread takes all pixels of its channels.  Sums are double throughout: the array is read once a
 * step. */
#include "gpu.h"

#include "gpu_columns.h"

enum { BLOCKS = 8 /* on a multiprocessor */, UNROLL = 8 /* pixels whose loads are in flight */ };

template <class T, int W>
static __global__ void __launch_bounds__(COLUMNS_BLOCK)
	mean_pool_kernel(T *y, const T *x, int pixels, struct columns c)
{
	const struct columns_place p = place_of(&c, W);

	for (size_t image = p.row; image < c.rows && p.inside; image += p.step) {
		const T *from = x + p.at + image * pixels * (size_t)c.channels;
		double sum[W] = {};
		struct pack<T, W> out;

		for (int k = 0; k < pixels; k += UNROLL) {
			struct pack<T, W> v[UNROLL];

			for (int u = 0; u < UNROLL; u++)
				v[u] = pack_load_if<W>(
					k + u < pixels, from + (size_t)(k + u) * c.channels);
			for (int u = 0; u < UNROLL; u++)
				for (int i = 0; i < W; i++)
					sum[i] += (double)element_get(v[u].v[i]);
		}
		for (int i = 0; i < W; i++)
			element_set(&out.v[i], (float)(sum[i] / pixels));
		pack_store<W>(y + p.at + image * (size_t)c.channels, &out);
	}
}

template <class T, int W>
static void mean_pool(struct cuda *cuda, void *y, const void *x, int n, int pixels, int channels)
{
	const struct columns c = columns_of((size_t)n, channels, W);

	LAUNCH((mean_pool_kernel<T, W>), columns_grid(cuda, &c, 1, BLOCKS, 1), COLUMNS_BLOCK, cuda,
		(T *)y, (const T *)x, pixels, c);
}

extern "C" void mean_pool_cuda(struct device *dev, void *y, const void *x, int n, int pixels, int c)
{
	struct cuda *cuda = cuda_of(dev);

	BY_ELEMENT(cuda, packable((uintptr_t)y | (uintptr_t)x | (size_t)c * dev->element),
		mean_pool, cuda, y, x, n, pixels, c);
}

template <class T, int W>
static __global__ void __launch_bounds__(COLUMNS_BLOCK)
	mean_pool_backward_kernel(T *dx, const T *dy, int pixels, struct columns c)
{
	const struct columns_place p = place_of(&c, W);
	float share = 1 / (float)pixels;

	for (size_t image = p.row; image < c.rows && p.inside; image += p.step) {
		struct pack<T, W> v = pack_load<W>(dy + p.at + image * (size_t)c.channels);
		T *to = dx + p.at + image * pixels * (size_t)c.channels;

		for (int i = 0; i < W; i++)
			element_set(&v.v[i], share * element_get(v.v[i]));
		for (int k = 0; k < pixels; k++)
			pack_store<W>(to + (size_t)k * c.channels, &v);
	}
}

template <class T, int W>
static void mean_pool_backward(
	struct cuda *cuda, void *dx, const void *dy, int n, int pixels, int channels)
{
	const struct columns c = columns_of((size_t)n, channels, W);

	LAUNCH((mean_pool_backward_kernel<T, W>), columns_grid(cuda, &c, 1, BLOCKS, 1),
		COLUMNS_BLOCK, cuda, (T *)dx, (const T *)dy, pixels, c);
}

extern "C" void mean_pool_backward_cuda(
	struct device *dev, void *dx, const void *dy, int n, int pixels, int c)
{
	struct cuda *cuda = cuda_of(dev);

	BY_ELEMENT(cuda, packable((uintptr_t)dx | (uintptr_t)dy | (size_t)c * dev->element),
		mean_pool_backward, cuda, dx, dy, n, pixels, c);
}
