#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* A decoded image: 8 bits a channel, RGB, rows from the top, without gaps; (height, width, 3). */
struct image {
	int width, height;
	uint8_t *rgb;  /* owned; freed by image_free */
	uint8_t *mask; /* foreground, 1 bit a pixel, rows padded to bytes, highest bit first; NULL:
			  none; owned */
	float foreground; /* share of the image under the mask, 0..1; 0 without a mask */
	int x, y;         /* of a part of a picture: where it begins in that, pixels; else 0 */
};

/* A part of a picture, pixels. */
struct image_window {
	int x, y, w, h;
};

/* Free the pixels and the mask; the struct is all zeros then. */
void image_free(struct image *image);

/* Kind of an encoded image by its first bytes. */
enum image_kind { IMAGE_UNKNOWN, IMAGE_JPEG, IMAGE_PNG };
enum image_kind image_kind(const uint8_t *bytes, size_t n);

/* Inks to light, a row of pixels.  Adobe's programs write the complement (255: no ink), which their
 * marker tells. */
void image_from_inks(uint8_t *rgb, const uint8_t *cmyk, int width, int complement);

#endif
