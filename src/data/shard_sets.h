#ifndef DATA_SHARD_SETS_H
#define DATA_SHARD_SETS_H

#include <stdint.h>

#include <hdf5.h>

#include "data/shard_index.h"

/* For shard*.c only: the parts of an HDF5 file, read and written.  All return -1 with
 * the reason in err. */

struct shard_opener {
	struct shard *s;
	hid_t file;
	char *err;
};

/* The one number that the attribute name of loc holds; where tells in messages what loc is. */
int shard_read_number(
	struct shard_opener *o, hid_t loc, const char *where, const char *name, long long *value);

/* Open a data set of type with columns columns, and check its number of rows; *rows -1: set to what
 * it is. */
hid_t shard_open_set(
	struct shard_opener *o, const char *name, hid_t type, int columns, int64_t *rows);

/* Read a whole index data set, likewise, and check its checksum; *out is the shard's. */
int shard_read_array(struct shard_opener *o, void **out, const char *name, hid_t type, int columns,
	int64_t *rows);

/* /keys and the attribute classes. */
int shard_read_keys(struct shard_opener *o);
int shard_read_classes(struct shard_opener *o);

/* A file being written. */
struct shard_writer {
	struct shard_build b;
	const struct shard_meta *meta;
	char *temporary;
	hid_t file;
	char *err;
};

/* The reason of HDF5's last failure, into err. */
int shard_put_failed(struct shard_writer *w, const char *what);

int shard_put_group(struct shard_writer *w, const char *name);
int shard_put_number(
	struct shard_writer *w, hid_t loc, const char *name, hid_t type, long long value);

/* An attribute of the file: an array of n strings; n < 0: a single one. */
int shard_put_text(struct shard_writer *w, const char *name, const char *const *text, int n);

/* Strings of one length: HDF5's variable-length ones lie in a heap without checksums, and reading a
 * damaged one crashes the library. */
hid_t shard_string_type(const struct shard_strings *list);

/* Make a data set whose place in the file is taken at once; rank 2 when columns > 1. */
hid_t shard_create_set(
	struct shard_writer *w, const char *name, hid_t type, uint64_t rows, int columns);

/* An index data set with its checksum beside it. */
int shard_put_array(struct shard_writer *w, const char *name, hid_t type, const void *rows,
	uint64_t count, int columns);

#endif
