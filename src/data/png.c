/* png.c - PNG through libpng's simplified interface, which needs no longjmp of ours.
 * Alpha is laid over white here and not by the library: it would do so in linear light, other
 * viewers do not. */
#include "data/png.h"

#include <limits.h>
#include <string.h>

#include <png.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"

enum { PNG_FILE_MAX = 1 << 30 };

static unsigned over_white(unsigned colour, unsigned alpha)
{
	return (colour * alpha + 255 * (255 - alpha) + 127) / 255;
}

/* In place: channels + 1 bytes a pixel become channels. */
static void drop_alpha(uint8_t *pixels, size_t count, int channels)
{
	const uint8_t *from = pixels;

	for (size_t i = 0; i < count; i++, from += channels + 1) {
		unsigned alpha = from[channels];

		for (int k = 0; k < channels; k++)
			*pixels++ = (uint8_t)over_white(from[k], alpha);
	}
}

static int finish(uint8_t **pixels, png_image *png, int channels, char err[ERR_MAX])
{
	size_t count = (size_t)png->width * png->height;
	int flatten = channels != 4 && (png->format & PNG_FORMAT_FLAG_ALPHA);

	if (count >= JPEG_MAX_PIXELS)
		return fail(err, "%u x %u pixels: images of %d megapixels and more are refused",
			png->width, png->height, JPEG_MAX_PIXELS / 1000000);
	png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
	png->format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
	if (channels == 4 || flatten)
		png->format |= PNG_FORMAT_FLAG_ALPHA;
	*pixels = xmalloc(PNG_IMAGE_SIZE(*png));
	if (!png_image_finish_read(png, NULL, *pixels, 0, NULL)) {
		xfree(*pixels);
		return fail(err, "not a sound PNG: %s", png->message);
	}
	if (flatten)
		drop_alpha(*pixels, count, channels);
	return 0;
}

int png_decode(uint8_t **pixels, int *width, int *height, int channels, const uint8_t *bytes,
	size_t n, char err[ERR_MAX])
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	int rc;

	CHECK(channels == 1 || channels == 3 || channels == 4, "%d channels", channels);
	if (!png_image_begin_read_from_memory(&png, bytes, n))
		return fail(err, "not a sound PNG: %s", png.message);
	*width = (int)png.width;
	*height = (int)png.height;
	rc = finish(pixels, &png, channels, err);
	png_image_free(&png);
	return rc;
}

int png_read(uint8_t **pixels, int *width, int *height, int channels, const char *path,
	char err[ERR_MAX])
{
	char why[ERR_MAX];
	uint8_t *bytes;
	size_t n;
	int rc;

	if (file_read_all(path, PNG_FILE_MAX, &bytes, &n, err) != 0)
		return -1;
	rc = png_decode(pixels, width, height, channels, bytes, n, why);
	xfree(bytes);
	return rc == 0 ? 0 : fail(err, "%s: %.900s", path, why);
}

int png_write(const char *path, const uint8_t *pixels, int width, int height, int channels,
	char err[ERR_MAX])
{
	static const png_uint_32 formats[] = { 0, PNG_FORMAT_GRAY, 0, PNG_FORMAT_RGB,
		PNG_FORMAT_RGBA };
	png_image png = { .version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)width,
		.height = (png_uint_32)height };
	png_alloc_size_t n;
	uint8_t *bytes;
	int rc;

	CHECK(width > 0 && height > 0 && (channels == 1 || channels == 3 || channels == 4),
		"%s: %d x %d pixels of %d channels", path, width, height, channels);
	png.format = formats[channels];
	n = PNG_IMAGE_PNG_SIZE_MAX(png);
	bytes = xmalloc(n);
	rc = png_image_write_to_memory(&png, bytes, &n, 0, pixels, 0, NULL);
	CHECK(rc, "%s: libpng: %s", path, png.message);
	rc = file_write_atomic(path, bytes, n, err);
	xfree(bytes);
	return rc;
}
