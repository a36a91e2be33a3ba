#ifndef PACK_TAR_READ_H
#define PACK_TAR_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"

/* Walks the regular files of one or more tar files, and of tar files inside them (one level),
 * through libarchive. */

struct tar_reader;

/* paths are copied. */
struct tar_reader *tar_reader_open(const char *const *paths, int count);
void tar_reader_close(struct tar_reader *r); /* NULL is fine */

struct tar_entry {
	const char *name;  /* without a leading "./" or "/"; valid until the next call */
	const char *inner; /* name of the inner tar without folders and ".tar"; NULL outside one */
	size_t size;
};

/* The next regular file: 1; the end: 0; a tar that cannot be read on: -1, err names it. */
int tar_reader_next(struct tar_reader *r, struct tar_entry *e, char err[ERR_MAX]);

/* The present file's content, size bytes; *bytes is the caller's to free. */
int tar_reader_load(struct tar_reader *r, uint8_t **bytes, size_t size, char err[ERR_MAX]);

/* Share of all files' bytes that was read, 0..1. */
double tar_reader_share(const struct tar_reader *r);

#endif
