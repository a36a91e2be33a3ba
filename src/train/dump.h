#ifndef TRAIN_DUMP_H
#define TRAIN_DUMP_H

#include <stddef.h>

#include "base/die.h"

/* An HDF5 file of named arrays, for the step dump (and what a non-finite step leaves behind): written whole or not at all. */

enum dump_type { DUMP_FLOAT, DUMP_DOUBLE, DUMP_INT32, DUMP_INT64, DUMP_TEXT };

struct dump;

/* Opens path under a temporary name.  Names may hold '/': groups are made. Errors are kept until dump_close. */
struct dump *dump_open(const char *path);
void dump_array(struct dump *d, const char *name, enum dump_type type, const void *data, int dims, const size_t *shape);

/* Finish and rename. Returns -1 with err if anything went wrong on the way; then there is no file. */
int dump_close(struct dump *d, char err[ERR_MAX]);

#endif
