#ifndef TRAIN_DUMP_H
#define TRAIN_DUMP_H

#include <stddef.h>

#include "base/die.h"

/* An HDF5 file of named arrays, written whole or not at all: the step dump, what a non-finite step
 * leaves behind, and (checkpoint.h) checkpoints.  Every data set has an attribute crc32c over its
 * bytes, and the file's own structure carries HDF5's checksums (format of HDF5 1.8), so no damage
 * goes unnoticed. */

enum dump_type { DUMP_FLOAT, DUMP_DOUBLE, DUMP_INT32, DUMP_INT64, DUMP_TEXT };
enum { DUMP_DIMS_MAX = 8 };

struct dump;

/* Opens path under a temporary name.  Names may hold '/': groups are made. Errors are kept until
 * dump_close. */
struct dump *dump_open(const char *path);

/* data: dims dimensions, row-major; 0 dims is one number.  DUMP_TEXT: a string that ends in a zero
 * byte; dims is 0.  The bytes are written before the call returns. */
void dump_array(struct dump *d, const char *name, enum dump_type type, const void *data, int dims,
	const size_t *shape);

/* Finish and rename. Returns -1 with err if anything went wrong on the way; then there is no file.
 */
int dump_close(struct dump *d, char err[ERR_MAX]);

/* ---- reading back ---- */

struct dump_reader;

struct dump_info {
	enum dump_type type;
	int dims;
	size_t shape[DUMP_DIMS_MAX];
	size_t bytes; /* of the content; for text with its closing zero byte */
};

/* NULL with err when path is not there, not HDF5 or cut short. */
struct dump_reader *dump_reader_open(const char *path, char err[ERR_MAX]);
void dump_reader_close(struct dump_reader *r);

/* 1 if a data set of that name is there. */
int dump_reader_has(const struct dump_reader *r, const char *name);

/* Type and shape of a data set; -1 with err if it is not there or not of a type that dump_array
 * writes. */
int dump_reader_info(
	const struct dump_reader *r, const char *name, struct dump_info *info, char err[ERR_MAX]);

/* Read a data set into data [bytes]; bytes must be info's.  -1 with err unless its checksum holds.
 */
int dump_reader_read(
	const struct dump_reader *r, const char *name, void *data, size_t bytes, char err[ERR_MAX]);

/* A text, or NULL with err; caller frees. */
char *dump_reader_text(const struct dump_reader *r, const char *name, char err[ERR_MAX]);

/* Call visit with the path of every data set, in order of names ("params/encoder.bn1.bias"), until
 * it returns other than 0, which is then returned; -1 with err too if the file cannot be walked. */
int dump_reader_each(const struct dump_reader *r, int (*visit)(const char *name, void *arg),
	void *arg, char err[ERR_MAX]);

/* Read everything and check all checksums. */
int dump_reader_verify(const struct dump_reader *r, char err[ERR_MAX]);

#endif
