/* pick_cpu.c - the pixels that a stride meets. */
#include "pick_cpu.h"

#include <string.h>

static void add_pixel(float *to, const float *from, size_t channels)
{
	for (size_t i = 0; i < channels; i++)
		to[i] += from[i];
}

static void pick_row(
	float *picked, float *x, const struct conv_shape *s, int row, enum pick_way way)
{
	size_t c = (size_t)s->c, bytes = c * sizeof(float);

	if (way == PICK_PUT)
		memset(x, 0, (size_t)s->w * bytes);
	if (row % s->stride != 0)
		return;
	for (int j = 0; j < s->w; j += s->stride, picked += c, x += (size_t)s->stride * c)
		if (way == PICK_ADD)
			add_pixel(x, picked, c);
		else
			memcpy(way == PICK_PUT ? x : picked, way == PICK_PUT ? picked : x, bytes);
}

void pick_pixels(const struct cpu *cpu, float *picked, float *x, const struct conv_shape *s,
	enum pick_way way)
{
	int height = conv_out(s->h, 0, 0, 1, s->stride), width = conv_out(s->w, 0, 0, 1, s->stride);

#pragma omp parallel for num_threads(cpu->threads) schedule(static)
	for (int i = 0; i < s->n * s->h; i++) {
		size_t row = (size_t)(i / s->h * height + i % s->h / s->stride);

		pick_row(picked + row * (size_t)(width * s->c),
			x + (size_t)i * (size_t)(s->w * s->c), s, i % s->h, way);
	}
}
