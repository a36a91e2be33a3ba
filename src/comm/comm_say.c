/* comm_say.c - messages about ranks. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "comm/comm_ops.h"

void comm_say(char text[ERR_MAX], const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + used, ERR_MAX - used, fmt, args);
	va_end(args);
}

int comm_say_ranks(char text[ERR_MAX], const char *chosen, int ranks)
{
	const char *before = " ";
	int count = 0;

	for (int r = 0; r < ranks; r++)
		count += chosen[r] != 0;
	if (count > 0)
		comm_say(text, count == 1 ? "rank" : "ranks");
	for (int r = 0; r < ranks; r++) {
		int end = r;

		if (!chosen[r])
			continue;
		while (end + 1 < ranks && chosen[end + 1])
			end++;
		comm_say(text, "%s%d", before, r);
		if (end > r)
			comm_say(text, "-%d", end);
		before = ", ";
		r = end;
	}
	return count;
}
