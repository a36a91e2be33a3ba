#ifndef TRAIN_SAFETENSORS_H
#define TRAIN_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"

/* Files of named tensors in the safetensors format, as PyTorch's users exchange weights: 8 bytes
 * (little-endian) that tell the length of a JSON header, the header
 *     {"__metadata__":{"key":"text"},
 *      "name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, ...}
 * and the tensors' bytes, which the offsets tile without holes or overlaps. */

enum safetensors_type {
	SAFETENSORS_F64,
	SAFETENSORS_I64,
	SAFETENSORS_U64,
	SAFETENSORS_F32,
	SAFETENSORS_I32,
	SAFETENSORS_U32,
	SAFETENSORS_F16,
	SAFETENSORS_BF16,
	SAFETENSORS_I16,
	SAFETENSORS_U16,
	SAFETENSORS_I8,
	SAFETENSORS_U8,
	SAFETENSORS_F8_E4M3,
	SAFETENSORS_F8_E5M2,
	SAFETENSORS_BOOL,
	SAFETENSORS_TYPES
};

enum { SAFETENSORS_DIMS_MAX = 8 };

struct safetensor {
	char *name;
	enum safetensors_type type;
	int dims;
	int64_t shape[SAFETENSORS_DIMS_MAX];
	void *data; /* of a file that was read: not aligned in general */
	size_t bytes;
};

struct safetensors_text {
	char *key, *value;
};

struct safetensors {
	struct safetensor *list;
	int count;
	struct safetensors_text *metadata;
	int metadata_count;
	unsigned char
		*file; /* what was read, into which data points; NULL: each data is an allocation */
};

/* "F32" ...; bytes of one element. */
const char *safetensors_type_name(enum safetensors_type type);
size_t safetensors_type_bytes(enum safetensors_type type);

/* Append a tensor to a file that is to be written; returns its data, set to zero, to be filled. */
void *safetensors_add(struct safetensors *f, const char *name, enum safetensors_type type, int dims,
	const int64_t *shape);
void safetensors_add_metadata(struct safetensors *f, const char *key, const char *value);

/* Write all of f, whole or not at all.  Tensors of larger elements come first, so that all are
 * aligned. */
int safetensors_write(const char *path, const struct safetensors *f, char err[ERR_MAX]);

/* Read and check everything but the values.  On -1 err names the file, the place in its header and
 * what is wrong; f is then empty. */
int safetensors_read(const char *path, struct safetensors *f, char err[ERR_MAX]);
void safetensors_free(struct safetensors *f);

/* By name, or NULL. */
const struct safetensor *safetensors_find(const struct safetensors *f, const char *name);
const char *safetensors_metadata(const struct safetensors *f, const char *key);

#endif
