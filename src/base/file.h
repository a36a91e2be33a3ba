#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/die.h"

/* Files that are either whole or absent.  What takes err returns 0, or -1 with the reason (path,
 * what failed) in it. */

/* A name beside path under which to write until the file is whole: path.tmp-PID.  Caller frees. */
char *file_temporary_name(const char *path);

/* The file at temporary is written.  With rc 0 it is whole: sync it, give it its final name, sync
 * the folder.  When that fails, or rc is not 0 (err has the reason already), the temporary file is
 * removed and -1 returned. */
int file_finish(int rc, const char *temporary, const char *path, char err[ERR_MAX]);

/* Remove from folder what writers left that were killed before they gave their file its name, of
 * files whose names begin with `names`.  For a caller who knows that none of them is at work. */
void file_remove_temporaries(const char *folder, const char *names);

/* Write n bytes as the whole file path, by way of a temporary name. */
int file_write_atomic(const char *path, const void *bytes, size_t n, char err[ERR_MAX]);

/* Append a line of n bytes, its newline with it, in one piece: programs that append at the same
 * time, also on other hosts, do not mix. A file that ends within a line gets a newline first. */
int file_append_line(const char *path, const char *line, size_t n, char err[ERR_MAX]);

/* Read all of path; *bytes is the caller's to free and is followed by a zero byte.  Files over max
 * are refused. */
int file_read_all(
	const char *path, size_t max, unsigned char **bytes, size_t *n, char err[ERR_MAX]);

/* Make the folder path and its parents; fine if it is there. */
int file_make_folder(const char *path, char err[ERR_MAX]);

/* 1 if something of that name is there. */
int file_exists(const char *path);

/* 1 if path is a folder, or a link to one. */
int file_is_folder(const char *path);

#endif
