/* cuda_arrays.c - see cuda_arrays.h. */
#include "cuda_arrays.h"

#include <string.h>

#include "base/memory.h"
#include "bf16_math.h"
#include "kernel.h"
#include "test.h"

enum { ARRAYS_MAX = 512, MARGIN = 16 /* bytes behind, at least */, MARK = 0x5a };

/* The array is at base + shift; all around it are marks. */
static struct {
	char *base;
	size_t shift, bytes, all;
} arrays[ARRAYS_MAX];
static int count;

/* Of the double of kernels, where it is linked. */
extern int simt_reverse __attribute__((weak));

int turn_order(void)
{
	if (!&simt_reverse)
		return 0;
	simt_reverse = !simt_reverse;
	return 1;
}

static void check_marks(struct device *dev)
{
	for (int i = 0; i < count; i++) {
		size_t end = arrays[i].shift + arrays[i].bytes;
		unsigned char *back = xmalloc(arrays[i].all);

		dev->be->download(dev, back, arrays[i].base, arrays[i].all);
		for (size_t k = 0; k < arrays[i].all; k++)
			if (k < arrays[i].shift || k >= end)
				assert_int_equal(back[k], MARK);
		xfree(back);
	}
}

void arrays_free(struct device *dev)
{
	check_marks(dev);
	while (count > 0)
		dev->be->free(dev, arrays[--count].base);
	buffers_check();
}

void on_both_elements(void (*f)(struct device *dev))
{
	static const enum precision precisions[] = { PRECISION_FLOAT32, PRECISION_BF16 };

	for (int i = 0; i < 2; i++) {
		struct device *dev = cuda_test_open(precisions[i], 0);

		f(dev);
		dev->be->close(dev);
	}
}

void *put_bytes(struct device *dev, const void *x, size_t bytes, int shift)
{
	size_t all = (size_t)shift + bytes + MARGIN;
	unsigned char *marked = xmalloc(all);

	assert_true(count < ARRAYS_MAX);
	memset(marked, MARK, all);
	memcpy(marked + shift, x, bytes);
	arrays[count].base = dev->be->alloc(dev, all, "test");
	arrays[count].shift = (size_t)shift;
	arrays[count].bytes = bytes;
	arrays[count].all = all;
	dev->be->upload(dev, arrays[count].base, marked, all);
	xfree(marked);
	return arrays[count++].base + shift;
}

float *put_floats(struct device *dev, const float *x, size_t n, int shift)
{
	return put_bytes(dev, x, n * sizeof *x, shift * (int)sizeof *x);
}

void *put(struct device *dev, const float *x, size_t n, int shift)
{
	struct bf16 *half;
	void *p;

	if (dev->precision != PRECISION_BF16)
		return put_floats(dev, x, n, shift);
	half = xmalloc((n + 1) * sizeof *half);
	for (size_t i = 0; i < n; i++)
		half[i] = bf16_of(x[i]);
	p = put_bytes(dev, half, n * sizeof *half, shift * (int)sizeof *half);
	xfree(half);
	return p;
}

void *get_bytes(struct device *dev, const void *p, size_t bytes)
{
	void *x = buffer_bytes(bytes);

	dev->be->download(dev, x, p, bytes);
	return x;
}

float *get_floats(struct device *dev, const float *p, size_t n)
{
	return get_bytes(dev, p, n * sizeof *p);
}

float *get(struct device *dev, const void *p, size_t n)
{
	struct bf16 *half;
	float *x;

	if (dev->precision != PRECISION_BF16)
		return get_floats(dev, p, n);
	half = get_bytes(dev, p, n * sizeof *half);
	x = buffer(n);
	for (size_t i = 0; i < n; i++)
		x[i] = bf16_float(half[i]);
	return x;
}

float *elements_random(const struct device *dev, size_t n, uint32_t seed)
{
	float *x = buffer_random(n, seed);

	round_to_elements(dev, x, n);
	return x;
}
