#include "data/image.h"

#include <string.h>

#include "base/memory.h"

void image_free(struct image *image)
{
	xfree(image->rgb);
	xfree(image->mask);
	*image = (struct image){ 0 };
}

enum image_kind image_kind(const uint8_t *bytes, size_t n)
{
	static const uint8_t jpeg[3] = { 0xff, 0xd8, 0xff };
	static const uint8_t png[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

	if (n >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
		return IMAGE_JPEG;
	if (n >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
		return IMAGE_PNG;
	return IMAGE_UNKNOWN;
}

static uint8_t times(unsigned a, unsigned b)
{
	return (uint8_t)((a * b + 127) / 255);
}

void image_from_inks(uint8_t *rgb, const uint8_t *cmyk, int width, int complement)
{
	unsigned flip = complement ? 0 : 255;

	for (int x = 0; x < width; x++, rgb += 3, cmyk += 4)
		for (int k = 0; k < 3; k++)
			rgb[k] = times(cmyk[k] ^ flip, cmyk[3] ^ flip);
}
