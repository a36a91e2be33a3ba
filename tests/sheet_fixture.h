#ifndef SHEET_FIXTURE_H
#define SHEET_FIXTURE_H

#include "contact_sheet.h"
#include "data_fixture.h"

/* Views of odd sizes, every kind of change in play; the caller frees it. */
struct config sheet_config(void);

/* Four images of a fresh data set, from the third on, in epoch 3; the sheet goes beside the set. */
struct contact_sheet_options sheet_options(const struct fixture *f);

/* A sheet in memory. */
struct sheet_picture {
	uint8_t *rgb;
	int width, height;
};

/* Write the sheet and read it back; the caller frees rgb. */
struct sheet_picture sheet_draw(const struct contact_sheet_options *o, const struct config *c);
const uint8_t *sheet_pixel(const struct sheet_picture *p, int x, int y);

#endif
