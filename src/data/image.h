#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include <stdint.h>

/* A decoded image: 8 bits a channel, RGB, rows from the top, without gaps; (height, width, 3). */
struct image {
	int width, height;
	uint8_t *rgb;  /* owned; freed by image_free */
	uint8_t *mask; /* foreground, 1 bit a pixel, rows padded to bytes, highest bit first; NULL:
			  none; owned */
	float foreground; /* share of the image under the mask, 0..1; 0 without a mask */
};

/* Free the pixels and the mask; the struct is all zeros then. */
void image_free(struct image *image);

#endif
