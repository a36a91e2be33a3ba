/* winograd_tiling.c - which pixels a tile is made of. */
#include "winograd_tiling.h"

#include "winograd_cpu.h"
#include "winograd_points.h"

/* Measured: with fewer channels transforms take longer than products; filters are transformed in
 * the time of products of so many tiles. */
enum { CHANNELS = 32, FILTERS_COST = 16 };

/* ---- sides ---- */

/* As few tiles as may be, of them as many of four as must be. */
static void cut(struct tiling_side *s, int outputs)
{
	int threes;

	s->tiles = (outputs + 3) / 4;
	threes = 4 * s->tiles - outputs;
	s->fours = s->tiles > threes ? s->tiles - threes : 0;
}

static struct tiling_side side_of(int in, int out, int before)
{
	struct tiling_side s = { .in = in, .out = out, .before = before };

	cut(&s, out);
	return s;
}

/* x(2 i + k - before) was input of y(i) at tap k. Pairs of pixels of x begin where the first one is
 * made by the single tap, k = 1, if before is odd; else by k = 0 and k = 2. */
static struct tiling_side side_of_data(int in, int out, int before, int stride)
{
	struct tiling_side s = { .in = out, .out = in };

	if (stride == 1) {
		s.before = TILE_SIDE - 1 - before;
		cut(&s, in);
	} else {
		s.late = before % 2 == 0;
		s.before = s.late - before / 2;
		cut(&s, (in + 1) / 2);
	}
	return s;
}

struct tiling tiling_of(const struct conv_shape *s)
{
	struct tiling t = { .way = s->stride == 1 ? TILE_STRIDE_1 : TILE_STRIDE_2,
		.n = s->n,
		.in = s->c,
		.out = s->k };

	t.rows = side_of(s->h, conv_out(s->h, s->top, s->bottom, s->r, s->stride), s->top);
	t.columns = side_of(s->w, conv_out(s->w, s->left, s->right, s->r, s->stride), s->left);
	t.count = t.n * t.rows.tiles * t.columns.tiles;
	return t;
}

struct tiling tiling_of_data(const struct conv_shape *s)
{
	struct tiling t = { .way = s->stride == 1 ? TILE_STRIDE_1 : TILE_APART,
		.n = s->n,
		.in = s->k,
		.out = s->c };

	t.rows = side_of_data(
		s->h, conv_out(s->h, s->top, s->bottom, s->r, s->stride), s->top, s->stride);
	t.columns = side_of_data(
		s->w, conv_out(s->w, s->left, s->right, s->r, s->stride), s->left, s->stride);
	t.count = t.n * t.rows.tiles * t.columns.tiles;
	return t;
}

/* ---- tiles ---- */

static int outputs_of(const struct tiling_side *s, int tile)
{
	return tile < s->fours ? 4 : 3;
}

static int first_output(const struct tiling_side *s, int tile)
{
	return tile < s->fours ? 4 * tile : 4 * s->fours + 3 * (tile - s->fours);
}

struct tiling_place tiling_place(const struct tiling *t, int tile)
{
	int each = t->rows.tiles * t->columns.tiles, image = tile / each;
	int row = (tile - image * each) / t->columns.tiles;
	int column = tile - image * each - row * t->columns.tiles;

	return (struct tiling_place){ .tile = { t->way, outputs_of(&t->rows, row),
					      outputs_of(&t->columns, column) },
		.image = image,
		.row = row,
		.column = column };
}

/* ---- pixels ---- */

/* Coordinates of a line's pixels. */
struct line {
	int at[TILE_LINE], count;
};

/* What lies two apart from `first` on, n of them. */
static void add_every_second(struct line *l, int first, int n)
{
	for (int i = 0; i < n; i++)
		l->at[l->count++] = first + 2 * i;
}

static void add_all(struct line *l, int first, int n)
{
	for (int i = 0; i < n; i++)
		l->at[l->count++] = first + i;
}

static struct line inputs_of(const struct tiling_side *s, enum tile_way way, int tile)
{
	int m = outputs_of(s, tile), first = first_output(s, tile);
	struct line l = { .count = 0 };

	if (way == TILE_STRIDE_1) {
		add_all(&l, first - s->before, m + 2);
	} else if (way == TILE_STRIDE_2) {
		add_every_second(&l, 2 * first - s->before, m + 1);
		add_every_second(&l, 2 * first - s->before + 1, m);
	} else {
		add_all(&l, first - s->before, m + 1);
		add_all(&l, first - s->before + s->late, m);
	}
	return l;
}

static struct line outputs_at(const struct tiling_side *s, enum tile_way way, int tile)
{
	int m = outputs_of(s, tile), first = first_output(s, tile);
	struct line l = { .count = 0 };

	if (way == TILE_APART) {
		add_every_second(&l, 2 * first + 1 - s->late, m);
		add_every_second(&l, 2 * first + s->late, m);
	} else {
		add_all(&l, first, m);
	}
	return l;
}

/* One image's pixels at all rows and columns; of a channel on, where not all are meant. */
static void pixels_at(float **pixel, float *image, const struct line *rows,
	const struct line *columns, const int size[2], int channels, float *beyond)
{
	for (int i = 0; i < rows->count; i++) {
		int row = rows->at[i], is_there = row >= 0 && row < size[0];
		float *x = image + (ptrdiff_t)row * size[1] * channels;

		for (int j = 0; j < columns->count; j++) {
			int column = columns->at[j];

			*pixel++ = is_there && column >= 0 && column < size[1]
				? x + (ptrdiff_t)column * channels
				: beyond;
		}
	}
}

void tiling_inputs(float **pixel, const struct tiling *t, const float *x,
	const struct tiling_place *p, float *beyond)
{
	const int size[] = { t->rows.in, t->columns.in };
	const struct line rows = inputs_of(&t->rows, t->way, p->row);
	const struct line columns = inputs_of(&t->columns, t->way, p->column);
	size_t image = (size_t)(p->image * size[0] * size[1]) * (size_t)t->in;

	pixels_at(pixel, (float *)x + image, &rows, &columns, size, t->in, beyond);
}

void tiling_outputs(float **pixel, const struct tiling *t, float *y, const struct tiling_place *p,
	float *beyond)
{
	const int size[] = { t->rows.out, t->columns.out };
	const struct line rows = outputs_at(&t->rows, t->way, p->row);
	const struct line columns = outputs_at(&t->columns, t->way, p->column);
	size_t image = (size_t)(p->image * size[0] * size[1]) * (size_t)t->out;

	pixels_at(pixel, y + image, &rows, &columns, size, t->out, beyond);
}

/* ---- sizes ---- */

static int is_padding(int pixels)
{
	return pixels >= 0 && pixels < TILE_SIDE;
}

int winograd_fits(const struct conv_shape *s)
{
	const struct tiling t = tiling_of(s);
	double direct = (double)t.n * t.rows.out * t.columns.out * TILE_TAPS;
	double points = points_of_all(&t) + FILTERS_COST * TILE_FILTERS;

	return s->r == TILE_SIDE && s->stride <= 2 && s->c % TILE_LANES == 0 &&
		s->k % TILE_LANES == 0 && s->c >= CHANNELS && s->k >= CHANNELS &&
		is_padding(s->top) && is_padding(s->bottom) && is_padding(s->left) &&
		is_padding(s->right) && points < 0.8 * direct;
}

int tiling_part(int channels, int most)
{
	int lanes = channels / TILE_LANES, fit = most / TILE_LANES > 1 ? most / TILE_LANES : 1;
	int turns = (lanes + fit - 1) / fit;

	return (lanes + turns - 1) / turns * TILE_LANES;
}

int tiling_block(const struct tiling *t)
{
	const int bytes = 10 << 20;

	return tiling_part(t->out, bytes / (TILE_FILTERS * (int)sizeof(float) * t->in));
}
