#ifndef DATA_SHARD_INDEX_H
#define DATA_SHARD_INDEX_H

/* What shard.c (opening), shard_read.c (records) and shard_write.c share; not for users of shards.
 */

#include <stdint.h>

#include "base/die.h"
#include "data/shard.h"

enum { SHARD_FORMAT_VERSION = 1 };

/* Strings of one length, filled up with zeros and at least one: string i is at text + i * width. */
struct shard_strings {
	uint64_t count;
	size_t width;
	char *text;
};

/* Records of varying length: the index in memory, the bytes in the file. */
struct shard_blobs {
	uint64_t at;      /* of the first byte in the file */
	uint64_t bytes;   /* of all records together */
	uint64_t *offset; /* count + 1 */
	uint32_t *crc;
};

struct shard {
	char *path;
	int fd;
	uint64_t file_bytes;
	uint32_t count;
	int masked;
	struct shard_blobs images, masks;
	uint32_t *size; /* (count, 2): width, height */
	float *foreground;
	uint64_t label_total;
	uint64_t *label_offset;
	int32_t *labels;
	struct shard_strings keys, classes;
};

/* A shard being written. */
struct shard_build {
	struct shard s;
	char **keys;
	uint64_t label_capacity;
};

void shard_build_init(struct shard_build *b, const char *path, uint32_t count, int masked);
void shard_build_free(struct shard_build *b); /* s.fd stays the caller's */

/* Write record i to s.fd, at its place, and note it. */
int shard_build_add(
	struct shard_build *b, uint32_t i, const struct shard_record *r, char err[ERR_MAX]);

/* Fill the file with zeros, so that the room is taken. */
int shard_build_zeros(const struct shard_build *b, uint64_t from, uint64_t to, char err[ERR_MAX]);

/* All records are there. */
void shard_build_check(const struct shard_build *b);

/* Free what a shard holds but for the descriptor and itself. */
void shard_release(struct shard *s);

/* Whether the index arrays, all read, make sense together. */
int shard_check(const struct shard *s, char err[ERR_MAX]);

/* fail() with the shard's path before the text, and what to do about a damaged file after it. */
int shard_damaged(const struct shard *s, char err[ERR_MAX], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* HDF5's own reason for the call that failed last in this thread. */
void shard_hdf5_reason(char text[ERR_MAX]);

/* Copy count strings. */
void shard_strings_set(struct shard_strings *list, const char *const *strings, uint64_t count);
void shard_strings_free(struct shard_strings *list);

#endif
