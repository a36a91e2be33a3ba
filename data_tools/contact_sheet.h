#ifndef DATA_TOOLS_CONTACT_SHEET_H
#define DATA_TOOLS_CONTACT_SHEET_H

#include <stdint.h>

#include "base/config.h"
#include "base/die.h"
#include "views/recipe.h"

/* A contact sheet: what pre-training sees of some images of a packed data set.  Rows are images;
 * columns the image itself, its mask where the set has masks, and every view exactly as that epoch
 * of a run of this configuration feeds it to the network (same seed, same recipe, same arithmetic),
 * taken back from normalised numbers to colours. */

struct contact_sheet_options {
	const char *data; /* folder of the packed data set */
	const char *out;  /* PNG to write */
	int64_t epoch;
	int64_t images; /* rows, 1 .. CONTACT_SHEET_ROWS */
	int64_t first;  /* first image; the others follow it. -1: spread evenly over the data set */
	int threads;
};

enum { CONTACT_SHEET_ROWS = 200 };

/* err names what is wrong with the data set or the choice; an unreadable image leaves its row empty
 * and a warning. */
int contact_sheet_write(
	const struct contact_sheet_options *o, const struct config *c, char err[ERR_MAX]);

/* Where things lie on the sheet, for whoever looks at its pixels. */
struct contact_sheet_layout {
	int zoom;          /* each pixel of a view is drawn zoom x zoom */
	int columns, rows; /* original, mask if any, views */
	int x[2 + VIEWS_MAX], column_width[2 + VIEWS_MAX]; /* left edge of each column's pictures */
	int tile;          /* side of the original's, the mask's and a large view's picture */
	int top, pitch;    /* y of the first row's pictures, and from row to row */
	int width, height; /* of the sheet */
};
void contact_sheet_lay_out(
	struct contact_sheet_layout *l, const struct config *c, int masks, int rows);

#endif
