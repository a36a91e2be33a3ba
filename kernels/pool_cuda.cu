/* pool_cuda.cu - pooling.  Pixels are the rows of gpu_columns.h.  The backward pass of max pooling
 * gathers, for each pixel, from the windows that hold it: no atomics, nothing to clear. */
#include "gpu.h"

#include "gpu_columns.h"
#include "pool_math.h"

enum { BLOCKS = 8 /* on a multiprocessor */ };

struct pool {
	struct pool_shape s;
	int p, q; /* output height and width */
};

/* A pixel of an image, from its number. */
struct pixel {
	size_t image;
	int row, column;
};

/* Numbers are below 2^31 (the launchers check): a division of size_t is slow. */
static __device__ struct pixel pixel_of(size_t number, int height, int width)
{
	unsigned i = (unsigned)number, line = i / (unsigned)width;
	struct pixel x;

	x.image = line / (unsigned)height;
	x.row = (int)(line % (unsigned)height);
	x.column = (int)(i % (unsigned)width);
	return x;
}

/* The largest so far, of W channels. */
template <int W> struct largest {
	float value[W];
	struct pack<uint8_t, W> place;
};

/* SIDE places of a row of the window, which is in the image where 0 <= w < width. */
template <int SIDE, int W, class T>
static __device__ void take_row(
	struct largest<W> *most, const T *row, int w, int width, int channels, int place)
{
	struct pack<T, W> x[SIDE];

	for (int k = 0; k < SIDE; k++)
		x[k] = pack_load_if<W>(
			w + k >= 0 && w + k < width, row + (ptrdiff_t)(w + k) * channels);
	for (int k = 0; k < SIDE; k++)
		for (int i = 0; i < W && w + k >= 0 && w + k < width; i++) {
			float v = element_get(x[k].v[i]);
			int larger = pool_larger(v, most->value[i]);

			most->value[i] = larger ? v : most->value[i];
			most->place.v[i] = larger ? (uint8_t)(place + k) : most->place.v[i];
		}
}

/* The window whose top left corner is (h, w).  Minus infinity at the first place within the image
 * stands for that place's value until it is read. */
template <int SIDE, int W, class T>
static __device__ void take_window(
	struct largest<W> *most, const T *image, const struct pool_shape *s, int h, int w)
{
	int side = SIDE > 1 ? SIDE : s->r;
	int first = (h < 0 ? -h : 0) * side + (w < 0 ? -w : 0);

	for (int i = 0; i < W; i++) {
		most->value[i] = -INFINITY;
		most->place.v[i] = (uint8_t)first;
	}
	for (int i = 0; i < side; i++) {
		const T *row = image + (ptrdiff_t)(h + i) * s->w * s->c;

		if (h + i < 0 || h + i >= s->h)
			continue;
		for (int j = 0; j < side; j += SIDE)
			take_row<SIDE>(most, row, w + j, s->w, s->c, i * side + j);
	}
}

/* SIDE: the window's, or 1 for any. */
template <class T, int W, int SIDE>
static __global__ void __launch_bounds__(COLUMNS_BLOCK)
	max_pool_kernel(T *y, uint8_t *index, const T *x, struct pool pool, struct columns c)
{
	const struct columns_place p = place_of(&c, W);
	const struct pool_shape *s = &pool.s;

	for (size_t row = p.row; row < c.rows && p.inside; row += p.step) {
		struct pixel to = pixel_of(row, pool.p, pool.q);
		const T *image = x + to.image * ((size_t)s->h * s->w * s->c) + p.channel;
		size_t at = p.at + row * (size_t)s->c;
		struct largest<W> most;
		struct pack<T, W> out;

		take_window<SIDE>(&most, image, s, to.row * s->stride - s->top,
			to.column * s->stride - s->left);
		for (int i = 0; i < W; i++)
			element_set(&out.v[i], most.value[i]);
		pack_store<W>(y + at, &out);
		pack_store<W>(index + at, &most.place);
	}
}

template <class T, int W>
static void pool_forward(
	struct cuda *cuda, void *y, uint8_t *index, const void *x, const struct pool *pool)
{
	const struct pool_shape *s = &pool->s;
	const struct columns c = columns_of((size_t)s->n * pool->p * pool->q, s->c, W);
	const dim3 grid = columns_grid(cuda, &c, 1, BLOCKS, 1);

	if (s->r == 3)
		LAUNCH((max_pool_kernel<T, W, 3>), grid, COLUMNS_BLOCK, cuda, (T *)y, index,
			(const T *)x, *pool, c);
	else
		LAUNCH((max_pool_kernel<T, W, 1>), grid, COLUMNS_BLOCK, cuda, (T *)y, index,
			(const T *)x, *pool, c);
}

/* The windows over rows (or columns) of the padded image that hold number i: [first, end) */
struct windows {
	int first, end;
};

static __device__ struct windows windows_of(int i, const struct pool_shape *s, int count)
{
	struct windows w;

	w.first = i < s->r ? 0 : (i - s->r) / s->stride + 1;
	w.end = i / s->stride + 1;
	w.end = w.end < count ? w.end : count;
	return w;
}

/* dy of one window, where its maximum is at the place. */
template <class T, int W>
static __device__ void give_back(
	float sum[W], const struct pack<T, W> *dy, const struct pack<uint8_t, W> *index, int place)
{
	for (int i = 0; i < W; i++)
		sum[i] += index->v[i] == place ? element_get(dy->v[i]) : 0;
}

enum { PAIR = 2 /* windows whose loads are in flight together */ };

/* Gradient of the pixel at (row, column) of the padded image, whose outputs begin at dy, index. */
template <class T, int W>
static __device__ void gather(float sum[W], const T *dy, const uint8_t *index,
	const struct pool *pool, int row, int column)
{
	const struct pool_shape *s = &pool->s;
	const struct windows down = windows_of(row, s, pool->p);
	const struct windows along = windows_of(column, s, pool->q);

	for (int i = down.first; i < down.end; i++)
		for (int j = along.first; j < along.end; j += PAIR) {
			int place = (row - i * s->stride) * s->r + column - j * s->stride;
			struct pack<uint8_t, W> where[PAIR];
			struct pack<T, W> from[PAIR];

			for (int u = 0; u < PAIR; u++) {
				size_t at = ((size_t)i * pool->q + j + u) * (size_t)s->c;

				from[u] = pack_load_if<W>(j + u < along.end, dy + at);
				where[u] = pack_load_if<W>(j + u < along.end, index + at);
			}
			for (int u = 0; u < PAIR && j + u < along.end; u++)
				give_back(sum, &from[u], &where[u], place - u * s->stride);
		}
}

template <class T, int W>
static __global__ void __launch_bounds__(COLUMNS_BLOCK) max_pool_backward_kernel(
	T *dx, const T *dy, const uint8_t *index, struct pool pool, struct columns c)
{
	const struct columns_place p = place_of(&c, W);
	const struct pool_shape *s = &pool.s;

	for (size_t row = p.row; row < c.rows && p.inside; row += p.step) {
		struct pixel to = pixel_of(row, s->h, s->w);
		size_t from = to.image * ((size_t)pool.p * pool.q * s->c) + (size_t)p.channel;
		float sum[W] = {};
		struct pack<T, W> out;

		gather<T, W>(
			sum, dy + from, index + from, &pool, to.row + s->top, to.column + s->left);
		for (int i = 0; i < W; i++)
			element_set(&out.v[i], sum[i]);
		pack_store<W>(dx + p.at + row * (size_t)s->c, &out);
	}
}

template <class T, int W>
static void pool_backward(
	struct cuda *cuda, void *dx, const void *dy, const uint8_t *index, const struct pool *pool)
{
	const struct pool_shape *s = &pool->s;
	const struct columns c = columns_of((size_t)s->n * s->h * s->w, s->c, W);

	LAUNCH((max_pool_backward_kernel<T, W>), columns_grid(cuda, &c, 1, BLOCKS, 1),
		COLUMNS_BLOCK, cuda, (T *)dx, (const T *)dy, index, *pool, c);
}

/* index has a byte for each element, so its packs are smaller than 16 bytes. */
static int pool_packable(
	struct cuda *cuda, const void *a, const void *b, const uint8_t *index, int channels)
{
	size_t element = cuda->device.element;

	return packable((uintptr_t)a | (uintptr_t)b | (size_t)channels * element) &&
		(uintptr_t)index % (PACK_BYTES / element) == 0;
}

static struct pool pool_of(const struct pool_shape *shape)
{
	struct pool pool = { .s = *shape, .p = 0, .q = 0 };

	pool_size(&pool.p, &pool.q, shape);
	CHECK((size_t)shape->n * shape->h * shape->w <= INT32_MAX &&
			(size_t)shape->n * pool.p * pool.q <= INT32_MAX,
		"max pooling of %d images of %d x %d pixels: too many", shape->n, shape->h,
		shape->w);
	return pool;
}

extern "C" void max_pool_cuda(
	struct device *dev, void *y, uint8_t *index, const void *x, const struct pool_shape *shape)
{
	struct cuda *cuda = cuda_of(dev);
	const struct pool pool = pool_of(shape);

	BY_ELEMENT(cuda, pool_packable(cuda, y, x, index, shape->c), pool_forward, cuda, y, index,
		x, &pool);
}

extern "C" void max_pool_backward_cuda(struct device *dev, void *dx, const void *dy,
	const uint8_t *index, const struct pool_shape *shape)
{
	struct cuda *cuda = cuda_of(dev);
	const struct pool pool = pool_of(shape);

	BY_ELEMENT(cuda, pool_packable(cuda, dx, dy, index, shape->c), pool_backward, cuda, dx, dy,
		index, &pool);
}
