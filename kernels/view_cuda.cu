/* view_cuda.cu - the views of a batch: four kernels for any number of views.
 * Resize (view_resize_cuda.cu), then one warp a view for what all its pixels need (the mean for the
 * contrast, the weights of the blur), then two passes over the pictures: along rows, in place
 * (view_rows_cuda.cu); along columns, with all that ends a view.  Without blur its radius is 0. */
#include "gpu.h"

#include "gpu_reduce.h"
#include "gpu_vector.h"
#include "gpu_view.h"

enum { BLOCK = 256, PACK = 4 };

static __global__ void __launch_bounds__(WARP) found_kernel(const struct view_batch b)
{
	const struct view_params *p = b.params + blockIdx.x;
	struct view_found *found = b.found + blockIdx.x;
	const float *sums = b.sums + (size_t)blockIdx.x * (size_t)(b.tiles * CHANNELS);
	const int side = view_side(p), across = (b.side + VIEW_TILE - 1) / VIEW_TILE;
	const int own =
		(side + VIEW_TILE - 1) / VIEW_TILE; /* tiles a side; the view has no others */

	for (int c = 0; view_contrast_place(p) < JITTERS && c < CHANNELS; c++) {
		double sum = 0;

		for (int i = threadIdx.x; i < own * own; i += WARP)
			sum += sums[(i / own * across + i % own) * CHANNELS + c];
		sum = warp_sum(sum);
		if (threadIdx.x == 0)
			found->mean[c] = (float)(sum / ((double)side * side));
	}
	if (threadIdx.x == 0) {
		view_blur_weights(found->weight, p->taps > 0 ? p->taps : 1, p->sigma);
		found->radius = view_blur_radius(found->weight, p->taps / 2);
	}
}

/* ---- along columns, and the end ---- */

/* What a view of that solarising has at a place of channel c. */
static __device__ float view_end(float x, int solarise, int c)
{
	x = solarise == VIEW_INVERT ? view_invert(x) : solarise ? view_binarise(x) : x;
	return view_normalise(view_clip(x), c);
}

/* A thread makes a pack of W elements in each of RUN rows.  It meets each row of the picture once,
 * and adds it to all of its own, with weights from shared memory that are 0 beyond the radius. */
template <class T, int W>
static __global__ void __launch_bounds__(BLOCK, 4) columns_kernel(const struct view_batch b, T *out)
{
	enum { RUN = W == 8 ? 4 : 8, WEIGHTS = VIEW_RADIUS + 1 + RUN };
	__shared__ float weight[WEIGHTS];
	const int packs = CHANNELS * b.size / W, runs = (b.size + RUN - 1) / RUN;
	const int blocks = (packs * runs + BLOCK - 1) / BLOCK;
	const int view = (int)blockIdx.x / blocks;
	const int i = (int)blockIdx.x % blocks * BLOCK + (int)threadIdx.x;
	const struct view_params *p = b.params + view;
	const struct view_found *found = b.found + view;
	const int side = view_side(p), skip = (side - b.size) / 2, radius = found->radius;
	const int x = i % packs * W, y = i / packs * RUN;
	const int first = skip + y - radius, last = skip + y + RUN - 1 + radius;
	const float *from = view_picture(&b, view) + CHANNELS * skip + x;
	float sum[RUN][W] = {};

	if ((int)threadIdx.x < WEIGHTS)
		weight[threadIdx.x] =
			(int)threadIdx.x <= radius ? found->weight[threadIdx.x] : 0.0f;
	__syncthreads();
	if (y >= b.size)
		return;
	for (int row = first > 0 ? first : 0; row <= last && row < side; row++) {
		float v[W];

		floats_load<W>(v, from + (size_t)row * (size_t)b.pitch);
		for (int k = 0; k < RUN; k++) {
			float w = weight[abs(row - skip - y - k)];

			for (int e = 0; e < W; e++)
				sum[k][e] += w * v[e];
		}
	}
	out += ((size_t)(b.first + view) * (size_t)b.size + (size_t)y) * (size_t)b.size * CHANNELS +
		(size_t)x;
	UNROLLED
	for (int k = 0; k < RUN; k++) {
		struct pack<T, W> end;

		for (int e = 0; e < W; e++)
			element_set(
				&end.v[e], view_end(sum[k][e], p->solarise, (x + e) % CHANNELS));
		if (y + k < b.size)
			pack_store(out + (size_t)k * (size_t)b.size * CHANNELS, &end);
	}
}

template <class T, int W>
static void columns_launch(struct cuda *cuda, const struct view_batch *b, void *out)
{
	const int run = W == 8 ? 4 : 8,
		  items = CHANNELS * b->size / W * ((b->size + run - 1) / run);
	const unsigned blocks = (unsigned)((items + BLOCK - 1) / BLOCK);

	LAUNCH((columns_kernel<T, W>), (unsigned)b->count * blocks, BLOCK, cuda, *b, (T *)out);
}

/* ---- the slot ---- */

static void check_view(const struct view_params *p, int size, const struct cuda_image *image)
{
	int contrasts = 0;

	for (int i = 0; i < JITTERS; i++)
		contrasts += p->order[i] == JITTER_CONTRAST;
	CHECK(p->size == size && size > 0, "views of %d and %d pixels in one call", size, p->size);
	CHECK(view_side(p) >= size && view_side(p) <= VIEW_SIDE, "a view of %d pixels a side",
		view_side(p));
	CHECK(p->x >= 0 && p->y >= 0 && p->w > 0 && p->h > 0 && p->w <= image->width - p->x &&
			p->h <= image->height - p->y,
		"a window of %d x %d pixels at (%d, %d) of an image of %d x %d", p->w, p->h, p->x,
		p->y, image->width, image->height);
	CHECK(!p->masked || image->mask > 0, "a masked view of an image without a mask");
	CHECK(!p->jitter || contrasts <= 1, "a view with %d changes of contrast", contrasts);
	CHECK(p->taps / 2 <= VIEW_RADIUS, "a blur of %d taps", p->taps);
}

/* Sizes that hold for all views; packs: set to whether all of them are read and written in packs.
 */
static struct view_batch measure(const struct cuda_images *slot, const void *out,
	const struct view_params *params, int count, size_t element, int *packs)
{
	struct view_batch b = {};
	uintptr_t places = (uintptr_t)out | (uintptr_t)params->size * CHANNELS * element;

	b.memory = slot->memory;
	b.images = slot->n;
	b.size = params->size;
	for (int i = 0; i < count; i++) {
		const struct view_params *p = &params[i];
		const int side = view_side(p);

		check_view(p, b.size, (const struct cuda_image *)slot->host + i % slot->n);
		b.side = side > b.side ? side : b.side;
		places |= (uintptr_t)((side - b.size) / 2) * CHANNELS * sizeof(float);
	}
	b.tiles = (b.side + VIEW_TILE - 1) / VIEW_TILE;
	b.tiles *= b.tiles;
	b.pitch = (CHANNELS * b.side + PACK - 1) / PACK * PACK;
	*packs = packable(places);
	return b;
}

/* How many views are worked on at a time, so that the memory is bounded: their pictures take no
 * more than a convolution may ask for. */
static int part_of(const struct cuda *cuda, const struct view_batch *b, int total)
{
	const size_t picture = (size_t)b->side * (size_t)b->pitch * sizeof *b->picture;
	const size_t part = cuda->workspace_limit / picture;

	return part < 1 ? 1 : part < (size_t)total ? (int)part : total;
}

/* Lay the parts out in the scratch memory, for b->count views of `total` whose params travel. */
static void place(
	struct cuda *cuda, struct view_batch *b, const struct view_params *params, int total)
{
	const size_t count = (size_t)b->count, bytes = (size_t)total * sizeof *params;
	const size_t found = cuda_round(count * sizeof *b->found);
	const size_t sums = cuda_round(count * (size_t)b->tiles * CHANNELS * sizeof *b->sums);
	const size_t picture = count * (size_t)b->side * (size_t)b->pitch * sizeof *b->picture;
	char *at = (char *)cuda_scratch(cuda, cuda_round(bytes) + found + sums + picture);

	upload_cuda(&cuda->device, at, params, bytes);
	b->params = (struct view_params *)at;
	b->found = (struct view_found *)(at += cuda_round(bytes));
	b->sums = (float *)(at += found);
	b->picture = (float *)(at + sums);
}

extern "C" void views_cuda(struct device *dev, void *out, int slot,
	const struct view_params *params, int views, int naive)
{
	struct cuda *cuda = cuda_of(dev);
	const struct cuda_images *images = cuda_images_begin(cuda, slot);
	const int total = views * images->n;
	int packs, part;
	struct view_batch b = measure(images, out, params, total, dev->element, &packs);

	(void)naive; /* there is one path */
	part = part_of(cuda, &b, total);
	b.count = part;
	place(cuda, &b, params, total);
	for (b.first = 0; b.first < total; b.first += part, b.params += part) {
		b.count = part < total - b.first ? part : total - b.first;
		view_resize_cuda(cuda, &b);
		LAUNCH(found_kernel, (unsigned)b.count, WARP, cuda, b);
		view_rows_cuda(cuda, &b);
		BY_ELEMENT(cuda, packs, columns_launch, cuda, &b, out);
	}
	cuda_images_end(cuda, slot);
}
