/* contact_layout.c - where things lie on a contact sheet. */
#include "contact_sheet.h"

#include <string.h>

#include "canvas.h"

enum { MARGIN = 16, GAP = 8, HEADER = 78, CAPTION = 32, TILE_MIN = 96, SHEET_MIN = 460 };

static void add_column(struct contact_sheet_layout *l, int width)
{
	int i = l->columns++;

	l->x[i] = i == 0 ? MARGIN : l->x[i - 1] + l->column_width[i - 1] + GAP;
	l->column_width[i] = width;
}

void contact_sheet_lay_out(
	struct contact_sheet_layout *l, const struct config *c, int masks, int rows)
{
	int heading = canvas_text_width("small 1", 1), small;

	memset(l, 0, sizeof *l);
	/* views of a few pixels are enlarged until they can be seen */
	l->zoom = (TILE_MIN + c->views.large_size - 1) / c->views.large_size;
	l->tile = l->zoom * c->views.large_size;
	l->rows = rows;
	small = l->zoom * c->views.small_size;
	for (int i = 0; i < 1 + masks + c->views.large; i++)
		add_column(l, l->tile);
	for (int i = 0; i < c->views.small; i++)
		add_column(l, small > heading ? small : heading);
	l->top = HEADER;
	l->pitch = (c->views.small > 0 && small > l->tile ? small : l->tile) + CAPTION;
	l->width = l->x[l->columns - 1] + l->column_width[l->columns - 1] + MARGIN;
	if (l->width < SHEET_MIN)
		l->width = SHEET_MIN;
	l->height = l->top + rows * l->pitch + MARGIN;
}
