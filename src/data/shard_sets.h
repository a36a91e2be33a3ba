#ifndef DATA_SHARD_SETS_H
#define DATA_SHARD_SETS_H

#include <stdint.h>

#include <hdf5.h>

#include "data/shard_index.h"

/* For shard.c only: reading an HDF5 file's parts.  All return -1 (no data set) with the reason in err. */

struct shard_opener {
	struct shard *s;
	hid_t file, string; /* the string type of keys and classes */
	char *err;
};

/* The one number that the attribute name of loc holds; where tells in messages what loc is. */
int shard_read_number(struct shard_opener *o, hid_t loc, const char *where, const char *name, long long *value);

/* Open a data set of type with columns columns, and check its number of rows; *rows -1: set to what it is. */
hid_t shard_open_set(struct shard_opener *o, const char *name, hid_t type, int columns, int64_t *rows);

/* Read a whole index data set, likewise, and check its checksum; *out is the shard's. */
int shard_read_array(struct shard_opener *o, void **out, const char *name, hid_t type, int columns, int64_t *rows);

/* /keys and the attribute classes. */
int shard_read_keys(struct shard_opener *o);
int shard_read_classes(struct shard_opener *o);

#endif
