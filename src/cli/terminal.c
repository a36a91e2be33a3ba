#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct terminal terminal_look(void)
{
	struct terminal t = { .is_one = isatty(STDOUT_FILENO), .columns = 80, .rows = 24 };
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	struct winsize size;

	setlocale(LC_CTYPE, "");
	t.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	t.colour = t.is_one && term && strcmp(term, "dumb") != 0 && !(no_colour && *no_colour);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
		t.columns = size.ws_col, t.rows = size.ws_row;
	return t;
}

const char *terminal_code(const struct terminal *t, enum terminal_colour colour)
{
	static const char *const codes[] = {
		[PLAIN] = "\033[0m",
		[BOLD] = "\033[1m",
		[GREEN] = "\033[32m",
		[YELLOW] = "\033[33m",
		[RED] = "\033[31m",
		[CYAN] = "\033[36m",
	};

	return t->colour ? codes[colour] : "";
}

/* Bytes that go on with a character of UTF-8. */
static int goes_on(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

int terminal_width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += !goes_on(*text);
	return n;
}

void terminal_put(FILE *f, const char *text, int columns)
{
	int width = terminal_width(text), drop = width > columns ? width - columns + 2 : 0;

	if (drop > 0)
		fputs("..", f);
	for (; drop > 0; text++)
		drop -= !goes_on(text[1]);
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, f);
	for (; width < columns; width++)
		fputc(' ', f);
}
