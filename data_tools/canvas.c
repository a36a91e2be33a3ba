#include "canvas.h"

#include <string.h>

#include "base/memory.h"
#include "font.h"

void canvas_init(struct canvas *c, int width, int height, uint8_t grey)
{
	size_t bytes = (size_t)width * (size_t)height * 3;

	c->width = width;
	c->height = height;
	c->rgb = xmalloc(bytes);
	memset(c->rgb, grey, bytes);
}

void canvas_free(struct canvas *c)
{
	xfree(c->rgb);
}

static void put(struct canvas *c, int x, int y, const uint8_t rgb[3])
{
	if (x >= 0 && y >= 0 && x < c->width && y < c->height)
		memcpy(c->rgb + ((size_t)y * (size_t)c->width + (size_t)x) * 3, rgb, 3);
}

static void fill(struct canvas *c, int x, int y, int width, int height, const uint8_t rgb[3])
{
	for (int j = y; j < y + height; j++)
		for (int i = x; i < x + width; i++)
			put(c, i, j, rgb);
}

void canvas_fill(struct canvas *c, int x, int y, int width, int height, uint8_t grey)
{
	const uint8_t rgb[3] = { grey, grey, grey };

	fill(c, x, y, width, height, rgb);
}

void canvas_picture(
	struct canvas *c, int x, int y, const uint8_t *rgb, int width, int height, int zoom)
{
	for (int j = 0; j < height; j++)
		for (int i = 0; i < width; i++, rgb += 3)
			fill(c, x + i * zoom, y + j * zoom, zoom, zoom, rgb);
}

static void put_letter(struct canvas *c, int x, int y, char letter, int zoom, uint8_t grey)
{
	const uint8_t *glyph = font_glyph(letter);

	y += font_drop(letter) * zoom;
	for (int j = 0; j < FONT_HEIGHT; j++)
		for (int i = 0; i < FONT_WIDTH; i++)
			if (glyph[j] >> (FONT_WIDTH - 1 - i) & 1)
				canvas_fill(c, x + i * zoom, y + j * zoom, zoom, zoom, grey);
}

void canvas_text(
	struct canvas *c, int x, int y, const char *text, int width, int zoom, uint8_t grey)
{
	int end = x + width;

	for (; *text && x + FONT_WIDTH * zoom <= end; text++, x += FONT_STEP * zoom)
		put_letter(c, x, y, *text, zoom, grey);
}

int canvas_text_width(const char *text, int zoom)
{
	return (int)strlen(text) * FONT_STEP * zoom - (*text ? zoom : 0);
}
