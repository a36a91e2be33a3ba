/* plot.c - a curve as text.
 * A canvas of dots, of which several make a character: 2 x 4 in braille, 1 x 2 in ASCII. */
#include "cli/plot.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { LABEL = 8 }; /* characters of a number at the vertical axis, and a blank */

static const struct look {
	int across, down; /* dots of a character */
	const char *tick, *axis, *corner, *floor;
} looks[2] = {
	{ 1, 2, "+", "|", "+", "-" },
	{ 2, 4, "\u2524", "\u2502", "\u2514", "\u2500" },
};

struct canvas {
	const struct plot_form *form;
	const struct look *look;
	int columns, rows;         /* characters inside the axes */
	int across, down;          /* dots */
	double left, right;        /* x of the first and the last column of dots */
	double bottom, top;        /* y of the lowest and the highest row of dots */
	double *mean;              /* (across) of each column of dots; NaN: none */
	unsigned char *characters; /* (rows, columns) bits of dots, as braille counts them */
};

/* ---- dots ---- */

static void average(struct canvas *c, const struct plot_point *points, size_t count)
{
	double *sum = xcalloc((size_t)c->across, sizeof *sum);
	size_t *n = xcalloc((size_t)c->across, sizeof *n);

	for (size_t i = 0; i < count; i++) {
		double at = (points[i].x - c->left) / (c->right - c->left);
		int k = (int)lround(at * (c->across - 1));

		if (!isfinite(points[i].y) || k < 0 || k >= c->across)
			continue;
		sum[k] += points[i].y;
		n[k]++;
	}
	for (int k = 0; k < c->across; k++)
		c->mean[k] = n[k] ? sum[k] / (double)n[k] : NAN;
	xfree(sum);
	xfree(n);
}

/* From the lowest to the highest mean; a constant gets room around it. */
static void find_range(struct canvas *c)
{
	c->bottom = INFINITY, c->top = -INFINITY;
	for (int k = 0; k < c->across; k++) {
		c->bottom = fmin(c->bottom, c->mean[k]);
		c->top = fmax(c->top, c->mean[k]);
	}
	if (!(c->top - c->bottom > 1e-6 * fabs(c->top))) {
		double room = c->top != 0 ? 0.1 * fabs(c->top) : 1;

		c->top += room, c->bottom -= room;
	}
}

/* The row of dots of a value, from 0 at the top. */
static int row_of(const struct canvas *c, double y)
{
	return (int)lround((c->top - y) / (c->top - c->bottom) * (c->down - 1));
}

static void set_dot(struct canvas *c, int x, int y)
{
	static const unsigned char bits[4][2] = { { 1, 8 }, { 2, 16 }, { 4, 32 }, { 64, 128 } };
	const struct look *l = c->look;

	c->characters[y / l->down * c->columns + x / l->across] |= bits[y % l->down][x % l->across];
}

/* Each column has the dots from the value before it to its own, so that jumps are lines; columns
 * without a value are crossed by a straight line. */
static void draw_curve(struct canvas *c)
{
	int last = -1, last_row = 0;

	for (int x = 0; x < c->across; x++) {
		int row;

		if (!isfinite(c->mean[x]))
			continue;
		row = row_of(c, c->mean[x]);
		if (last < 0)
			set_dot(c, x, row);
		for (int k = last + 1; last >= 0 && k <= x; k++) {
			double from =
				last_row + (double)(row - last_row) * (k - last - 1) / (x - last);
			double to = last_row + (double)(row - last_row) * (k - last) / (x - last);
			int step = to < from ? -1 : 1;

			/* not the dot that the column before it has already */
			for (int y = (int)lround(from); y != (int)lround(to); y += step)
				set_dot(c, k, y + step);
			if (lround(from) == lround(to))
				set_dot(c, k, (int)lround(to));
		}
		last = x, last_row = row;
	}
}

/* ---- characters ---- */

static void put_character(FILE *f, const struct canvas *c, unsigned char dots)
{
	if (!c->form->braille)
		fputc(" '.:"[dots & 3], f);
	else if (dots == 0)
		fputc(' ', f);
	else /* U+2800 and the bits */
		fprintf(f, "\xe2%c%c", 0xa0 | dots >> 6, 0x80 | (dots & 0x3f));
}

/* Numbers stand at the top, the middle and the bottom. */
static void put_row(FILE *f, const struct canvas *c, int row)
{
	int tick = row == 0 || row == c->rows - 1 || (c->rows >= 5 && row == c->rows / 2);
	double y = c->top - (c->top - c->bottom) * row / (c->rows - 1);
	const unsigned char *dots = c->characters + (size_t)row * (size_t)c->columns;
	int end = c->columns;

	while (end > 0 && dots[end - 1] == 0)
		end--;
	if (tick)
		fprintf(f, "%*.4g %s%s", LABEL - 1, y, c->look->tick, c->form->colour);
	else
		fprintf(f, "%*s%s%s", LABEL, "", c->look->axis, c->form->colour);
	for (int k = 0; k < end; k++)
		put_character(f, c, dots[k]);
	fprintf(f, "%s\n", c->form->plain);
}

/* The numbers below: at the left, in the middle with the name, at the right. */
static void put_foot(FILE *f, const struct canvas *c)
{
	char left[32], middle[64], right[32];
	int before, after;

	fprintf(f, "%*s%s", LABEL, "", c->look->corner);
	for (int k = 0; k < c->columns; k++)
		fputs(c->look->floor, f);
	snprintf(left, sizeof left, "%.0f", c->left);
	snprintf(middle, sizeof middle, "%s %.0f", c->form->x_name, (c->left + c->right) / 2);
	snprintf(right, sizeof right, "%.0f", c->right);
	before = (c->columns - (int)strlen(middle)) / 2 - (int)strlen(left);
	after = c->columns - (int)(strlen(left) + strlen(middle) + strlen(right)) - before;
	if (before < 1 || after < 1)
		fprintf(f, "\n%*s %s%*s\n", LABEL, "", left, c->columns - (int)strlen(left), right);
	else
		fprintf(f, "\n%*s %s%*s%s%*s%s\n", LABEL, "", left, before, "", middle, after, "",
			right);
}

/* ---- the whole ---- */

/* Left and right are those of finite values. */
static int find_span(struct canvas *c, const struct plot_point *points, size_t count)
{
	c->left = INFINITY, c->right = -INFINITY;
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(points[i].y))
			continue;
		c->left = fmin(c->left, points[i].x);
		c->right = fmax(c->right, points[i].x);
	}
	return c->right > c->left;
}

void plot_draw(FILE *f, const struct plot_point *points, size_t count, const struct plot_form *form)
{
	struct canvas c = { .form = form, .look = &looks[form->braille != 0] };

	c.columns = (form->columns > 24 ? form->columns : 24) - LABEL - 1;
	c.rows = (form->rows > 4 ? form->rows : 4) - 2;
	c.across = c.columns * c.look->across;
	c.down = c.rows * c.look->down;
	if (!find_span(&c, points, count)) {
		fprintf(f, "%*s (a curve needs two lines of metrics)\n", LABEL, "");
		return;
	}
	c.mean = xcalloc((size_t)c.across, sizeof *c.mean);
	c.characters = xcalloc((size_t)c.rows * (size_t)c.columns, 1);
	average(&c, points, count);
	find_range(&c);
	draw_curve(&c);
	for (int row = 0; row < c.rows; row++)
		put_row(f, &c, row);
	put_foot(f, &c);
	xfree(c.mean);
	xfree(c.characters);
}
