#ifndef DATA_TOOLS_CANVAS_H
#define DATA_TOOLS_CANVAS_H

#include <stdint.h>

/* A picture to draw on; what falls outside it is left out. */

struct canvas {
	int width, height;
	uint8_t *rgb; /* (height, width, 3) */
};

/* A grey canvas, 0 black to 255 white. */
void canvas_init(struct canvas *c, int width, int height, uint8_t grey);
void canvas_free(struct canvas *c);

/* A rectangle of one grey. */
void canvas_fill(struct canvas *c, int x, int y, int width, int height, uint8_t grey);

/* rgb (height, width, 3), each pixel drawn zoom x zoom. */
void canvas_picture(
	struct canvas *c, int x, int y, const uint8_t *rgb, int width, int height, int zoom);

/* One line of text whose top left corner is (x, y), letters zoom times 5 x 7 pixels; at most width
 * pixels of it are drawn, whole letters only. */
void canvas_text(
	struct canvas *c, int x, int y, const char *text, int width, int zoom, uint8_t grey);
int canvas_text_width(const char *text, int zoom);

#endif
