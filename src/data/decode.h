#ifndef DATA_DECODE_H
#define DATA_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "data/dataset.h"
#include "data/image.h"

/* One image of a data set, read, checked and decoded; no memory is taken for it once the buffers
 * have grown. */

/* For a thread; start with { .d = ..., .masks = ... }, end with decoder_free. */
struct decoder {
	const struct dataset *d;
	int masks; /* decode masks too */
	uint8_t *bytes;
	size_t capacity;
};

/* The memory behind a struct image that is decoded into again and again; start both with zeros. */
struct image_memory {
	size_t rgb_capacity, mask_capacity;
	uint8_t *mask; /* kept while an image without a mask uses it not */
};

/* Size of image id, as the index says. */
void decoder_size(const struct decoder *c, uint64_t id, int *width, int *height);

/* Decode image id; window: only so much of it is needed and, if it suits, the image is a part of
 * the picture; NULL: all.  -1 with the shard, the record and what is wrong in err: checksum, JPEG,
 * or another size than the index says. */
int decoder_read(struct decoder *c, struct image *image, struct image_memory *memory, uint64_t id,
	const struct image_window *window, char err[ERR_MAX]);
void decoder_free(struct decoder *c);

/* Free an image that is decoded into with memory (not with image_free). */
void image_memory_free(struct image *image, struct image_memory *memory);

#endif
