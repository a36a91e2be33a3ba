#ifndef DATA_TOOLS_FONT_H
#define DATA_TOOLS_FONT_H

#include <stdint.h>

enum { FONT_WIDTH = 5, FONT_HEIGHT = 7, FONT_DESCENT = 2, FONT_STEP = 6 };

/* FONT_HEIGHT rows, bit 4 the leftmost pixel; what is not printable ASCII looks like a question
 * mark. */
const uint8_t *font_glyph(char letter);

/* How many pixels below the others its picture begins: FONT_DESCENT for letters that hang below the
 * line. */
int font_drop(char letter);

#endif
