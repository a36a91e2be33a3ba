#ifndef CONVERT_H
#define CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "data/image.h"

/* From an image file's bytes to what a shard holds. */

struct converted {
	uint8_t *jpeg; /* grey or RGB; owned */
	size_t bytes;
	int width, height;
	uint8_t *mask; /* bits as in data/image.h; owned; NULL: none */
	size_t mask_bytes;
	uint64_t foreground; /* pixels under the mask */
};
void converted_free(struct converted *c);

/* Room that one thread keeps from image to image; starts as zeros. */
struct converter {
	struct image image;
	size_t capacity;
};
void converter_free(struct converter *c);

/* Decode the image once, to know that it is whole.  A grey, YCbCr or RGB JPEG whose sides are at
 * most max_side (0: any) passes byte for byte: *bytes is taken over and set to NULL.  A larger one
 * is reduced (resample.h); it, PNG, CMYK and YCCK are encoded as RGB JPEG.  -1: err tells what
 * is wrong with it. */
int convert_image(struct converted *out, struct converter *c, uint8_t **bytes, size_t n,
	int max_side, char err[ERR_MAX]);

/* Decode a PNG mask (grey; foreground from 128 on), scale it to out's size by nearest sampling
 * where it differs, and pack it to bits. */
int convert_mask(struct converted *out, const uint8_t *png, size_t n, char err[ERR_MAX]);

#endif
