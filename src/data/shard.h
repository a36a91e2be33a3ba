#ifndef DATA_SHARD_H
#define DATA_SHARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"

/* A shard: an HDF5 file (version 1 of the layout below) that any HDF5 tool reads.  hdf5.h is
 * included in shard*.c only, by way of shard_sets.h.  Record i is image i of the shard.
 *
 *   attributes of /    format_version (int), name (of the data set), split,
 *                      classes (array of strings), shard, shards
 *   /images/bytes      uint8, contiguous, at a file offset that is a multiple of 4096:
 *                      all JPEGs, one after another
 *   /images/offset     uint64 n+1: record i is bytes[offset[i] .. offset[i+1])
 *   /images/crc32c     uint32 n: of the record's bytes
 *   /images/size       uint32 (n, 2): width, height
 *   /labels/values     int32: all labels one after another
 *   /labels/offset     uint64 n+1: labels of record i are values[offset[i] .. offset[i+1]);
 *                      none or many is fine
 *   /keys              strings n, all of one length, filled with zeros:
 *                      the image's name in its source, unique
 *   with masks:
 *   /masks/bytes       uint8, contiguous: 1 bit a pixel, rows padded to bytes, highest bit first
 *   /masks/offset      uint64 n+1; an empty range: no mask for this image
 *   /masks/crc32c      uint32 n
 *   /masks/foreground  float32 n: share of the image, 0..1
 *
 * Every data set but bytes carries an attribute crc32c of its own raw content, checked when the
 * shard is opened. */

struct shard;

/* "1.10.8", of the HDF5 library that is in use. */
void shard_hdf5_version(char text[32]);

/* Open and check everything but the records themselves: version, all index arrays (monotone, inside
 * the file, counts equal, checksums), labels inside the classes.  err names path and what is wrong.
 * NULL on error. Thread-safe reads. */
struct shard *shard_open(const char *path, char err[ERR_MAX]);
void shard_close(struct shard *s); /* NULL is fine */

/* Read records from a copy of the file from now on; nobody reads meanwhile.  -1 with err: it cannot
 * be opened, or is of another size; s is as before then. */
int shard_move(struct shard *s, const char *copy, char err[ERR_MAX]);

/* What the file holds; strings are valid until shard_close.  A record or label out of range ends
 * the job. */
const char *shard_path(const struct shard *s);
uint32_t shard_count(const struct shard *s);
int shard_class_count(const struct shard *s);
const char *shard_class(const struct shard *s, int label);
const char *shard_key(const struct shard *s, uint32_t i);
int shard_has_masks(const struct shard *s);

/* Labels of record i: *labels points into s. Returns their number. */
int shard_labels(const struct shard *s, uint32_t i, const int32_t **labels);

/* Pixels of image i. */
void shard_size(const struct shard *s, uint32_t i, int *width, int *height);

/* JPEG bytes of record i, by pread; *buffer is grown as needed (*capacity its size; start with
 * NULL, 0; the caller's to xfree).  Returns the number of bytes, or -1 (short read, CRC mismatch)
 * with path and record in err. Any number of threads at once. */
long shard_read(
	const struct shard *s, uint32_t i, uint8_t **buffer, size_t *capacity, char err[ERR_MAX]);

/* Record i will be read soon, with its mask if masks is not 0: the system may fetch it meanwhile.
 * Any number of threads at once. */
void shard_advise(const struct shard *s, uint32_t i, int masks);

/* Mask bits of record i likewise, and the share of foreground; 0 bytes: this image has none. */
long shard_read_mask(const struct shard *s, uint32_t i, uint8_t **buffer, size_t *capacity,
	float *foreground, char err[ERR_MAX]);

/* ---- writing (shard_write.c) ---- */

struct shard_record {
	const uint8_t *jpeg;
	size_t bytes;
	int width, height;
	const char *key;
	const int32_t *labels;
	int label_count;
	const uint8_t *mask; /* packed bits or NULL */
	size_t mask_bytes;
	float foreground;
};

struct shard_meta {
	const char *name, *split;
	const char *const *classes;
	int class_count;
	int shard, shards; /* this one's number, and of how many */
	int masks;         /* 1: write /masks */
};

/* Write a whole shard to path (by way of a temporary name).  next(arg, i, &record) gives record i,
 * whose pointers need to live until the next call; it returns -1 with err set to give up.
 * image_bytes and mask_bytes are the exact totals, so that the data sets can be laid out first. */
int shard_write(const char *path, const struct shard_meta *meta, uint32_t count,
	uint64_t image_bytes, uint64_t mask_bytes,
	int (*next)(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX]), void *arg,
	char err[ERR_MAX]);

#endif
