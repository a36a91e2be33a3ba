/* winograd_points.c - where the points of tiles lie in matrices. */
#include "winograd_points.h"

/* Points of a line of m outputs that take the filter's point f. */
static int points_at(enum tile_way way, int m, int f)
{
	if (f == TILE_FILTER - 1)
		return m == 4;
	return way != TILE_STRIDE_1 && f == 0 ? m : 1;
}

/* Of a side, at each of a filter's points along it: points of a tile, of those before, of all. */
struct shares {
	int own[TILE_FILTER], before[TILE_FILTER], all[TILE_FILTER];
};

static struct shares shares_of(const struct tiling_side *s, enum tile_way way, int tile)
{
	int fours = tile < s->fours ? tile : s->fours;
	struct shares h;

	for (int f = 0; f < TILE_FILTER; f++) {
		int four = points_at(way, 4, f), three = points_at(way, 3, f);

		h.own[f] = tile < s->fours ? four : three;
		h.before[f] = fours * four + (tile - fours) * three;
		h.all[f] = s->fours * four + (s->tiles - s->fours) * three;
	}
	return h;
}

/* For each point of a filter, the rows that tiles before the one at that place have. */
static void rows_before(
	int rows[TILE_FILTERS], const struct tiling *t, const struct tiling_place *p)
{
	const struct shares r = shares_of(&t->rows, t->way, p->row);
	const struct shares c = shares_of(&t->columns, t->way, p->column);

	for (int f = 0; f < TILE_FILTER; f++) {
		int above = p->image * r.all[f] + r.before[f];

		for (int g = 0; g < TILE_FILTER; g++)
			rows[f * TILE_FILTER + g] = above * c.all[g] + r.own[f] * c.before[g];
	}
}

int points_of_all(const struct tiling *t)
{
	const struct tiling_place end = tiling_place(t, t->count);
	int rows[TILE_FILTERS], sum = 0;

	rows_before(rows, t, &end);
	for (int p = 0; p < TILE_FILTERS; p++)
		sum += rows[p];
	return sum;
}

struct matrices matrices_of(const struct tiling *t, int first, int tiles)
{
	const struct tiling_place begin = tiling_place(t, first);
	const struct tiling_place end = tiling_place(t, first + tiles);
	struct matrices m = { .t = t };
	int after[TILE_FILTERS];

	rows_before(m.before, t, &begin);
	rows_before(after, t, &end);
	for (int p = 0; p < TILE_FILTERS; p++)
		m.begin[p + 1] = m.begin[p] + after[p] - m.before[p];
	return m;
}

/* Goes through tiles in order. */
struct cursor {
	enum tile_way way;
	int channels;
	float *next[TILE_FILTERS]; /* where the next tile's rows begin */
};

static struct cursor begin(const struct matrices *m, float *v, int channels, int tile)
{
	const struct tiling_place here = tiling_place(m->t, tile);
	struct cursor c = { .way = m->t->way, .channels = channels };
	int rows[TILE_FILTERS];

	rows_before(rows, m->t, &here);
	for (int p = 0; p < TILE_FILTERS; p++)
		c.next[p] = v + matrices_at(m, p, channels) +
			(size_t)(rows[p] - m->before[p]) * (size_t)channels;
	return c;
}

/* Addresses of the next tile's points, in row-major order. */
static void next_points(float **point, struct cursor *c, const struct tile *s)
{
	/* The filter's point of each point of a line; a strided line of 3 begins at the second. */
	static const int plain[] = { 0, 1, 2, 3, 4, 5 }, strided[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5 };
	int is_plain = c->way == TILE_STRIDE_1;
	const int *f = is_plain ? plain : strided + 4 - s->rows;
	const int *g = is_plain ? plain : strided + 4 - s->columns;
	int rows = is_plain ? s->rows + 2 : 2 * s->rows + 1;
	int columns = is_plain ? s->columns + 2 : 2 * s->columns + 1;

	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++) {
			float **next = &c->next[f[i] * TILE_FILTER + g[j]];

			*point++ = *next;
			*next += c->channels;
		}
}

void points_of_inputs(float *v, const struct matrices *m, const float *x, int channels,
	float *beyond, const struct tiles *tiles)
{
	struct cursor cursor = begin(m, v, channels, tiles->first);

	for (int i = 0; i < tiles->count; i++) {
		const struct tiling_place p = tiling_place(m->t, tiles->first + i);
		float *pixel[TILE_MOST], *point[TILE_MOST];

		tiling_inputs(pixel, m->t, x, &p, beyond);
		next_points(point, &cursor, &p.tile);
		tile_input(&p.tile, point, (const float **)pixel, channels);
	}
}

void points_to_outputs(float *y, const struct matrices *m, const float *p, int channels,
	const struct tiles *tiles, int add)
{
	struct cursor cursor = begin(m, (float *)p, channels, tiles->first);

	for (int i = 0; i < tiles->count; i++) {
		const struct tiling_place place = tiling_place(m->t, tiles->first + i);
		float *pixel[TILE_MOST], *point[TILE_MOST];

		tiling_outputs(pixel, m->t, y, &place, NULL);
		next_points(point, &cursor, &place.tile);
		tile_output(&place.tile, pixel, (const float **)point, channels, add);
	}
}

void points_of_gradients(float *z, const struct matrices *m, const float *dy, int channels,
	float *beyond, const struct tiles *tiles)
{
	struct cursor cursor = begin(m, z, channels, tiles->first);

	for (int i = 0; i < tiles->count; i++) {
		const struct tiling_place p = tiling_place(m->t, tiles->first + i);
		float *pixel[TILE_MOST], *point[TILE_MOST];

		tiling_outputs(pixel, m->t, (float *)dy, &p, beyond);
		next_points(point, &cursor, &p.tile);
		tile_output_gradient(&p.tile, point, (const float **)pixel, channels);
	}
}
