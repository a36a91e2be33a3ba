#ifndef DATA_PNG_H
#define DATA_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"

/* PNG through libpng.  Pixels are 8 bits a channel, rows from the top without gaps. channels: 1
 * grey, 3 RGB, 4 RGBA. */

/* Decode n bytes to the number of channels asked for (palette, grey, 16 bits, alpha are converted;
 * asked for 1 or 3 channels, alpha is laid over white). *pixels is the caller's to free (xfree). */
int png_decode(uint8_t **pixels, int *width, int *height, int channels, const uint8_t *bytes,
	size_t n, char err[ERR_MAX]);

/* The same from a file. */
int png_read(uint8_t **pixels, int *width, int *height, int channels, const char *path,
	char err[ERR_MAX]);

/* Write the whole file path, by way of a temporary name. */
int png_write(const char *path, const uint8_t *pixels, int width, int height, int channels,
	char err[ERR_MAX]);

#endif
