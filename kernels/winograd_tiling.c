/* winograd_tiling.c - which pixels a tile is made of. */
#include "winograd_tiling.h"

#include "winograd_cpu.h"

/* Measured: with fewer channels transforms take longer than products; filters are transformed in
 * the time of products of so many tiles. */
enum { CHANNELS = 32, FILTERS_COST = 36 };

struct tiling tiling_of(const struct conv_shape *s)
{
	struct tiling t = { .n = s->n,
		.top = s->top,
		.left = s->left,
		.in_height = s->h,
		.in_width = s->w,
		.in = s->c,
		.out_height = conv_out(s->h, s->top, s->bottom, s->r, s->stride),
		.out_width = conv_out(s->w, s->left, s->right, s->r, s->stride),
		.out = s->k };

	t.down = (t.out_height + TILE_OUT - 1) / TILE_OUT;
	t.across = (t.out_width + TILE_OUT - 1) / TILE_OUT;
	t.count = t.n * t.down * t.across;
	return t;
}

struct tiling tiling_of_data(const struct conv_shape *s)
{
	const int last = TILE_SIDE - 1;
	const struct conv_shape back = { .n = s->n,
		.h = conv_out(s->h, s->top, s->bottom, s->r, s->stride),
		.w = conv_out(s->w, s->left, s->right, s->r, s->stride),
		.c = s->k,
		.k = s->c,
		.r = s->r,
		.stride = s->stride,
		.top = last - s->top,
		.bottom = last - s->bottom,
		.left = last - s->left,
		.right = last - s->right };

	return tiling_of(&back);
}

static int is_padding(int pixels)
{
	return pixels >= 0 && pixels < TILE_SIDE;
}

int winograd_fits(const struct conv_shape *s)
{
	const struct tiling t = tiling_of(s);
	double direct = (double)t.n * t.out_height * t.out_width * TILE_TAPS;
	double tiles = (double)(t.count + FILTERS_COST) * TILE_POINTS;

	return s->r == TILE_SIDE && s->stride == 1 && s->c % TILE_LANES == 0 &&
		s->k % TILE_LANES == 0 && s->c >= CHANNELS && s->k >= CHANNELS &&
		is_padding(s->top) && is_padding(s->bottom) && is_padding(s->left) &&
		is_padding(s->right) && tiles < 0.8 * direct;
}

int tiling_part(int channels, int most)
{
	int lanes = channels / TILE_LANES, fit = most / TILE_LANES > 1 ? most / TILE_LANES : 1;
	int turns = (lanes + fit - 1) / fit;

	return (lanes + turns - 1) / turns * TILE_LANES;
}

int tiling_block(const struct tiling *t)
{
	const int bytes = 5 << 20;

	return tiling_part(t->out, bytes / (TILE_POINTS * (int)sizeof(float) * t->in));
}

/* A map, of which some channels may be meant; its first tile begins `top` rows above it and `left`
 * columns before it. */
struct map {
	float *x;
	int height, width, channels, top, left;
};

/* Addresses of the tile's side x side pixels. */
static void pixels_of(float **pixel, const struct tiling *t, const struct map *m, int tile,
	int side, float *beyond)
{
	int image = tile / (t->down * t->across), rest = tile % (t->down * t->across);
	int row = rest / t->across * TILE_OUT - m->top;
	int column = rest % t->across * TILE_OUT - m->left;
	float *x =
		m->x + (size_t)image * (size_t)m->height * (size_t)m->width * (size_t)m->channels;

	for (int i = row; i < row + side; i++)
		for (int j = column; j < column + side; j++)
			*pixel++ = i >= 0 && i < m->height && j >= 0 && j < m->width
				? x + (size_t)(i * m->width + j) * (size_t)m->channels
				: beyond;
}

void tiling_inputs(float **pixel, const struct tiling *t, const float *x, int tile, float *beyond)
{
	const struct map map = { (float *)x, t->in_height, t->in_width, t->in, t->top, t->left };

	pixels_of(pixel, t, &map, tile, TILE_IN, beyond);
}

void tiling_outputs(float **pixel, const struct tiling *t, float *y, int tile, float *beyond)
{
	const struct map map = { y, t->out_height, t->out_width, t->out, 0, 0 };

	pixels_of(pixel, t, &map, tile, TILE_OUT, beyond);
}
