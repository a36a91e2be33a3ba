#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdio.h>

/* What standard output is, and text in columns. */

struct terminal {
	int is_one;        /* standard output is a terminal */
	int columns, rows; /* 80 x 24 where that is not known */
	int utf8;          /* the locale's characters are UTF-8 */
	int colour;        /* a terminal that is no "dumb" one, and NO_COLOR is not set */
};

/* Takes the locale of characters from the environment. */
struct terminal terminal_look(void);

enum terminal_colour { PLAIN, BOLD, GREEN, YELLOW, RED, CYAN };

/* The code that begins a colour, PLAIN to end it; "" where there are no colours. */
const char *terminal_code(const struct terminal *t, enum terminal_colour colour);

/* Columns that the text takes; a character of several bytes takes one. */
int terminal_width(const char *text);

/* The text in so many columns: filled up with blanks behind it, or without its beginning, which is
 * where paths are alike.  Control characters, which could do anything to a terminal, become '?'. */
void terminal_put(FILE *f, const char *text, int columns);

#endif
