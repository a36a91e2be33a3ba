#ifndef DATA_FIXTURE_H
#define DATA_FIXTURE_H

#include <stdint.h>

#include "data/image.h"
#include "data/shard.h"

/* Small packed data sets for tests. */

/* A smooth image with some texture, different for each number; the caller frees it. */
struct image fixture_image(uint32_t number, int width, int height);

/* What a set is made of: image i is (width(i), height(i)), label i % classes, key
 * "class-K/image-I.jpg". */
struct fixture {
	int shards, per_shard;
	int masks; /* every third image has none */
	int big;   /* images of 60 to 90 pixels a side; else 9 to 24 */
};

enum { FIXTURE_CLASSES = 3 };

/* Write shard of a set to path. */
void fixture_shard(const char *path, const struct fixture *f, int shard);

/* Write all shards and the index into folder. */
void fixture_dataset(const char *folder, const struct fixture *f);

void fixture_size(const struct fixture *f, uint32_t image, int *width, int *height);

/* Overwrite one byte of a file with its complement; at < 0 counts from the end. */
void fixture_flip(const char *path, long at);
void fixture_truncate(const char *path, long size);
long fixture_bytes(const char *path); /* the file's size */
void fixture_copy(const char *to, const char *from);

#endif
