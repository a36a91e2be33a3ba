#ifndef DATA_JPEG_H
#define DATA_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "data/image.h"

/* JPEG through libjpeg-turbo; its longjmp stays in jpeg.c.  Safe in many threads at once. */

enum {
	JPEG_MAX_PIXELS =
		100 * 1000 * 1000, /* images of so many and more are refused, and so are ... */
	JPEG_MAX_SCANS =
		100, /* ... progressive files with more scans (a bomb: each scan costs a pass) */
	JPEG_QUALITY = 92
};

/* The library that this program was built with, and its version. */
const char *jpeg_library(void);

struct jpeg_header {
	int width, height;
	int components; /* 1 grey, 3 YCbCr or RGB, 4 CMYK or YCCK */
	int progressive;
};
/* Read the header alone; what jpeg_decode would refuse for its size is refused. */
int jpeg_header(struct jpeg_header *header, const uint8_t *bytes, size_t n, char err[ERR_MAX]);

/* Decode to RGB (grey is replicated; CMYK and YCCK are converted, Adobe's inverted polarity
 * heeded).  Slow integer DCT and smooth chroma upsampling: the same pixels on any machine.
 * image->rgb is reused (reallocated when too small; *capacity is its size in bytes), so that a
 * loader thread need not allocate per image; start with a zero struct and capacity 0.  The mask is
 * left alone.
 *
 * window NULL: all.  A truncated file is an error: libjpeg's warnings count as errors, but for
 * stray bytes before a marker.  Else what is needed, within the picture: of the rest the image
 * holds what suits, and its x and y tell where it begins.  The window's pixels are those of the
 * whole, bit for bit.  What the file has behind its last row is not read, and damage there not
 * found. */
int jpeg_decode_window(struct image *image, size_t *capacity, const uint8_t *bytes, size_t n,
	const struct image_window *window, char err[ERR_MAX]);

/* All of it. */
static inline int jpeg_decode(
	struct image *image, size_t *capacity, const uint8_t *bytes, size_t n, char err[ERR_MAX])
{
	return jpeg_decode_window(image, capacity, bytes, n, NULL, err);
}

/* Encode RGB as baseline 4:2:0 JPEG; *bytes is the caller's to free (xfree). */
int jpeg_encode(
	uint8_t **bytes, size_t *n, const struct image *image, int quality, char err[ERR_MAX]);

#endif
