#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"

/* The whole lines of a text file that others append to, or replace, while it is read: each line is
 * handed on once, however often one looks.  A last line without its newline is left for the next
 * time. */

struct lines {
	const char *path; /* must outlive the reading */
	int64_t at;       /* bytes handed on */
	uint64_t device, inode;
};

/* What is done with them; arg is the caller's. */
struct lines_use {
	/* the file is read from its first line (once more, if it was replaced or cut) */
	void (*begin)(void *arg);
	/* one line without its newline, which a zero byte replaces; n bytes long */
	void (*line)(void *arg, const char *text, size_t n);
	void *arg;
};

/* Hand on what came since the last call; l holds the path at first, and zeros.  No such file is an
 * empty one.  -1 with err: it cannot be read. */
int lines_read(struct lines *l, const struct lines_use *use, char err[ERR_MAX]);

#endif
