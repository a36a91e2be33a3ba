/* contact_sheet.c - the training step's way from a record to its views, for a few images and for
 * people's eyes. */
#include "contact_sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "canvas.h"
#include "contact_record.h"
#include "data/dataset.h"
#include "data/png.h"
#include "font.h"
#include "nn/backend.h"
#include "resample.h"
#include "view_math.h"
#include "views/draw.h"

enum {
	PAPER = 250,
	INK = 40,
	FAINT = 120,
	EMPTY = 232,
	CAPTION_GAP = 4,
	CAPTION_MORE = 6,
	LINE = 10
};

struct sheet {
	const struct contact_sheet_options *o;
	const struct config *c;
	struct recipe recipe;
	struct dataset *d;
	struct device *dev;
	float *view;  /* dev; one view */
	uint8_t *rgb; /* the same as colours */
	int masks;
	struct contact_sheet_layout l;
	struct canvas canvas;
};

/* ---- drawing ---- */

static int row_top(const struct sheet *s, int row)
{
	return s->l.top + row * s->l.pitch;
}

/* Below a picture of that height. */
static void caption(struct sheet *s, int column, int row, int height, const char *text)
{
	canvas_text(&s->canvas, s->l.x[column], row_top(s, row) + height + CAPTION_GAP, text,
		s->l.column_width[column] + CAPTION_MORE, 1, FAINT);
}

/* Fit a picture of any size into the tile, its shape kept. */
static void draw_fitted(
	struct sheet *s, int column, int row, const uint8_t *rgb, int width, int height)
{
	int longest = width > height ? width : height, x = s->l.x[column], y = row_top(s, row);
	struct resample r = {
		.rgb_width = width, .rgb_height = height, .window = { 0, 0, width, height }
	};
	uint8_t *fitted;

	r.width = (int)((int64_t)width * s->l.tile / longest);
	r.height = (int)((int64_t)height * s->l.tile / longest);
	r.width = r.width > 0 ? r.width : 1;
	r.height = r.height > 0 ? r.height : 1;
	fitted = xmalloc((size_t)r.width * (size_t)r.height * 3);
	resample_window(fitted, rgb, &r);
	canvas_fill(&s->canvas, x, y, s->l.tile, s->l.tile, EMPTY);
	canvas_picture(&s->canvas, x + (s->l.tile - r.width) / 2, y + (s->l.tile - r.height) / 2,
		fitted, r.width, r.height, 1);
	xfree(fitted);
}

static void draw_note(struct sheet *s, int column, int row, const char *text)
{
	int x = s->l.x[column], y = row_top(s, row), width = canvas_text_width(text, 1);

	canvas_fill(&s->canvas, x, y, s->l.tile, s->l.tile, EMPTY);
	canvas_text(&s->canvas, x + (s->l.tile - width) / 2, y + (s->l.tile - FONT_HEIGHT) / 2,
		text, width, 1, FAINT);
}

/* Normalised numbers back to colours: the inverse of whatever the normalisation is. */
static void to_colours(uint8_t *rgb, const float *view, int size)
{
	for (int i = 0; i < size * size * 3; i++) {
		float zero = view_normalise(0, i % 3), one = view_normalise(1, i % 3);
		float x = (view[i] - zero) / (one - zero) * 255 + 0.5f;

		rgb[i] = x < 0 ? 0 : x > 255 ? 255 : (uint8_t)x;
	}
}

/* What was done to a view, a letter each; the legend is in the header. */
static void describe_view(char text[8], const struct view_params *p)
{
	const struct {
		int done;
		char letter;
	} steps[] = { { p->flip, 'F' }, { p->jitter, 'J' }, { p->grey, 'G' }, { p->taps > 0, 'B' },
		{ p->solarise, 'S' }, { p->masked, 'M' } };
	int n = 0;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (steps[i].done)
			text[n++] = steps[i].letter;
	text[n] = 0;
}

static void draw_view(struct sheet *s, int v, int row, const struct image *image, uint64_t id)
{
	const struct view_recipe *recipe = &s->recipe.view[v];
	int column = 1 + s->masks + v, size = recipe->size;
	float *host = xmalloc((size_t)size * (size_t)size * 3 * sizeof *host);
	struct view_params p;
	char text[8];

	view_draw(&p, recipe, (uint64_t)s->c->train.seed, s->o->epoch, id, v, image->width,
		image->height, image->foreground);
	s->dev->be->images(s->dev, 0, image, 1);
	s->dev->be->views(s->dev, s->view, 0, &p, 1, s->c->views.exact);
	s->dev->be->download(s->dev, host, s->view, (size_t)size * (size_t)size * 3 * sizeof *host);
	to_colours(s->rgb, host, size);
	canvas_picture(&s->canvas, s->l.x[column], row_top(s, row), s->rgb, size, size, s->l.zoom);
	describe_view(text, &p);
	caption(s, column, row, size * s->l.zoom, text);
	xfree(host);
}

static void draw_mask(struct sheet *s, int row, const struct image *image)
{
	char text[32];
	uint8_t *rgb;

	if (!image->mask) {
		draw_note(s, 1, row, "no mask");
		return;
	}
	rgb = contact_record_mask(image);
	draw_fitted(s, 1, row, rgb, image->width, image->height);
	snprintf(text, sizeof text, "%.0f %%", 100 * (double)image->foreground);
	caption(s, 1, row, s->l.tile, text);
	xfree(rgb);
}

static void draw_row(struct sheet *s, int row, uint64_t id)
{
	uint32_t record;
	const struct shard *shard = dataset_find(s->d, id, &record);
	int label = dataset_label(s->d, id);
	struct image image = { 0 };
	char text[32], err[ERR_MAX];

	if (contact_record_read(&image, shard, record, err) != 0) {
		log_warn("%s", err);
		draw_note(s, 0, row, "unreadable");
	} else {
		draw_fitted(s, 0, row, image.rgb, image.width, image.height);
		if (s->masks)
			draw_mask(s, row, &image);
		for (int v = 0; v < s->recipe.large + s->recipe.small; v++)
			draw_view(s, v, row, &image, id);
	}
	caption(s, 0, row, s->l.tile, label >= 0 ? shard_class(shard, label) : "");
	snprintf(text, sizeof text, "image %" PRIu64, id);
	caption(s, 0, row, s->l.tile + LINE, text);
	image_free(&image);
}

/* ---- header ---- */

static void draw_headings(struct sheet *s)
{
	char text[32];

	for (int i = 0; i < s->l.columns; i++) {
		int v = i - 1 - s->masks;

		if (i == 0)
			snprintf(text, sizeof text, "image");
		else if (v < 0)
			snprintf(text, sizeof text, "mask");
		else if (v < s->recipe.large)
			snprintf(text, sizeof text, "large %d", v + 1);
		else
			snprintf(text, sizeof text, "small %d", v + 1 - s->recipe.large);
		canvas_text(&s->canvas, s->l.x[i],
			s->l.top - FONT_HEIGHT - FONT_DESCENT - CAPTION_GAP, text,
			s->l.column_width[i], 1, INK);
	}
}

static void draw_header(struct sheet *s)
{
	int x = s->l.x[0], width = s->l.width - 2 * x;
	char text[512];

	canvas_text(&s->canvas, x, 12, "what the network sees", width, 2, INK);
	snprintf(text, sizeof text,
		"%.200s  epoch %" PRId64 "  seed %" PRId64 "  %d x %d + %d x %d px", s->o->data,
		s->o->epoch, s->c->train.seed, s->recipe.large, s->c->views.large_size,
		s->recipe.small, s->c->views.small_size);
	canvas_text(&s->canvas, x, 33, text, width, 1, FAINT);
	canvas_text(&s->canvas, x, 45,
		"F flip  J jitter  G grey  B blur  S solarise  M background masked", width, 1,
		FAINT);
	draw_headings(s);
}

/* ---- the whole ---- */

static int any_masks(const struct dataset *d)
{
	for (int i = 0; i < d->shard_count; i++)
		if (shard_has_masks(d->shards[i]))
			return 1;
	return 0;
}

static uint64_t pick(const struct sheet *s, int row)
{
	if (s->o->first >= 0)
		return (uint64_t)(s->o->first + row);
	return s->d->images * (uint64_t)row / (uint64_t)s->l.rows;
}

/* How many rows there can be. */
static int count_rows(const struct sheet *s, int *rows, char err[ERR_MAX])
{
	uint64_t first = s->o->first >= 0 ? (uint64_t)s->o->first : 0, left = s->d->images - first;

	if (first >= s->d->images)
		return fail(err,
			"%s: there is no image %" PRIu64 "; they are numbered from 0 to %" PRIu64,
			s->o->data, first, s->d->images - 1);
	*rows = (int)((uint64_t)s->o->images < left ? (uint64_t)s->o->images : left);
	return 0;
}

static void draw_sheet(struct sheet *s, int rows)
{
	int large = s->c->views.large_size, small = s->c->views.small_size,
	    size = large > small ? large : small;

	s->masks = any_masks(s->d);
	contact_sheet_lay_out(&s->l, s->c, s->masks, rows);
	canvas_init(&s->canvas, s->l.width, s->l.height, PAPER);
	s->view = s->dev->be->alloc(
		s->dev, (size_t)size * (size_t)size * 3 * sizeof *s->view, "views");
	s->rgb = xmalloc((size_t)size * (size_t)size * 3);
	draw_header(s);
	for (int row = 0; row < rows; row++) {
		draw_row(s, row, pick(s, row));
		log_progress(row + 1 == rows, "contact sheet: %d of %d images", row + 1, rows);
	}
	s->dev->be->free(s->dev, s->view);
	xfree(s->rgb);
}

static int write_sheet(struct sheet *s, char err[ERR_MAX])
{
	const struct device_options options = { .threads = s->o->threads };
	int rows = 0, rc;

	if (count_rows(s, &rows, err) != 0)
		return -1;
	s->dev = backend_cpu.open(&options, err);
	if (!s->dev)
		return -1;
	draw_sheet(s, rows);
	s->dev->be->close(s->dev);
	rc = png_write(s->o->out, s->canvas.rgb, s->canvas.width, s->canvas.height, 3, err);
	if (rc == 0)
		log_info("%s: %d images, %d x %d pixels", s->o->out, rows, s->canvas.width,
			s->canvas.height);
	canvas_free(&s->canvas);
	return rc;
}

int contact_sheet_write(
	const struct contact_sheet_options *o, const struct config *c, char err[ERR_MAX])
{
	struct sheet s = { .o = o, .c = c };
	int rc;

	recipe_init(&s.recipe, c);
	s.d = dataset_open(o->data, err);
	if (!s.d)
		return -1;
	rc = write_sheet(&s, err);
	dataset_close(s.d);
	return rc;
}
