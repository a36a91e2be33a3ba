/* conv_pad_cuda.cu - what convolutions need beside cuDNN: padding and cropping, and adding a
 * bfloat16 gradient to floats.  Padding is a copy, so the widest units that the addresses and sizes
 * allow are moved, whatever the elements; where what is cropped is added, units are packs of
 * elements. */
#include "gpu.h"

#include "gpu_array.h"

extern "C" {
#include "conv_cuda.h"
}

enum { BLOCK = 256 };

/* Where a block's row of the output begins, and its input's. */
struct rows {
	size_t to, from;
	int inside; /* whether it has an input */
};

static inline __device__ struct rows rows_of(
	const struct conv_window *window, int out_row, int in_row)
{
	int image = (int)blockIdx.x / window->out_h;
	int row = (int)blockIdx.x - image * window->out_h - window->down;
	struct rows r;

	r.to = (size_t)blockIdx.x * (size_t)out_row;
	r.from = ((size_t)image * (size_t)window->in_h + (size_t)(row < 0 ? 0 : row)) *
		(size_t)in_row;
	r.inside = row >= 0 && row < window->in_h;
	return r;
}

/* A row of the output a block, so that no thread divides: a row is contiguous, and its part that
 * has an input is too.  Units of T; in_row, out_row: units of a row; right: of the shift. */
template <typename T>
static __global__ void move_rows(
	T *out, const T *in, struct conv_window window, int out_row, int in_row, int right, T none)
{
	const struct rows r = rows_of(&window, out_row, in_row);

	for (int i = (int)threadIdx.x; i < out_row; i += (int)blockDim.x) {
		int at = i - right;

		out[r.to + (size_t)i] =
			r.inside && at >= 0 && at < in_row ? in[r.from + (size_t)at] : none;
	}
}

/* The same, added; units are packs. */
template <class T, int W>
static __global__ void add_rows(
	T *out, const T *in, struct conv_window window, int out_row, int in_row, int right)
{
	const struct rows r = rows_of(&window, out_row, in_row);

	for (int i = (int)threadIdx.x; r.inside && i < out_row; i += (int)blockDim.x) {
		int at = i - right;
		T *to = out + (r.to + (size_t)i) * W;
		struct pack<T, W> sum, more;

		if (at < 0 || at >= in_row)
			continue;
		sum = pack_load<W>(to);
		more = pack_load<W>(in + (r.from + (size_t)at) * W);
		array_pack<ARRAY_ADD>(&sum, &more, 1);
		pack_store<W>(to, &sum);
	}
}

template <typename T>
static void move(struct cuda *cuda, void *out, const void *in, const struct conv_window *w, T none)
{
	int pixel = (int)w->pixel;
	int unit = (int)sizeof(T);

	LAUNCH(move_rows<T>, w->n * w->out_h, BLOCK, cuda, (T *)out, (const T *)in, *w,
		w->out_w * pixel / unit, w->in_w * pixel / unit, w->right * pixel / unit, none);
}

template <class T, int W>
static void add(struct cuda *cuda, void *out, const void *in, const struct conv_window *w)
{
	int pixel = (int)w->pixel;
	int unit = (int)sizeof(T) * W;

	LAUNCH((add_rows<T, W>), w->n * w->out_h, BLOCK, cuda, (T *)out, (const T *)in, *w,
		w->out_w * pixel / unit, w->in_w * pixel / unit, w->right * pixel / unit);
}

static int fits(const void *out, const void *in, const struct conv_window *w, size_t unit)
{
	size_t sizes = (size_t)w->out_w * w->pixel | (size_t)w->in_w * w->pixel |
		(size_t)(w->right < 0 ? -w->right : w->right) * w->pixel;

	return ((sizes | (size_t)out | (size_t)in) & (unit - 1)) == 0;
}

void conv_window_cuda(struct cuda *cuda, void *out, const void *in, const struct conv_window *w)
{
	const uint4 zeros = { 0, 0, 0, 0 };

	if (w->n == 0)
		return;
	if (fits(out, in, w, sizeof(uint4)))
		move<uint4>(cuda, out, in, w, zeros);
	else if (fits(out, in, w, sizeof(uint32_t)))
		move<uint32_t>(cuda, out, in, w, 0);
	else
		move<uint16_t>(cuda, out, in, w, 0);
}

void conv_add_window_cuda(struct cuda *cuda, void *out, const void *in, const struct conv_window *w)
{
	if (w->n > 0)
		BY_ELEMENT(cuda, fits(out, in, w, PACK_BYTES), add, cuda, out, in, w);
}

void conv_accumulate_cuda(struct cuda *cuda, float *y, const void *x, size_t n)
{
	array_apply<ARRAY_ADD>(cuda, y, (const struct bf16 *)x, 1, n);
}

cudaError_t cuda_kernels_probe(void)
{
	struct cudaFuncAttributes attributes;

	return cudaFuncGetAttributes(&attributes, (const void *)move_rows<uint16_t>);
}
