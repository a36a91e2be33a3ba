#include "contact_record.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "data/jpeg.h"

int contact_record_read(struct image *image, const struct shard *s, uint32_t i, char err[ERR_MAX])
{
	uint8_t *bytes = NULL;
	size_t capacity = 0, pixels = 0;
	char why[ERR_MAX];
	long n = shard_read(s, i, &bytes, &capacity, err);
	int rc = n < 0 ? -1 : jpeg_decode(image, &pixels, bytes, (size_t)n, why);

	if (n >= 0 && rc != 0)
		fail(err, "%s, record %" PRIu32 ": %.900s", shard_path(s), i, why);
	xfree(bytes);
	if (rc != 0 || !shard_has_masks(s))
		return rc;
	capacity = 0;
	n = shard_read_mask(s, i, &image->mask, &capacity, &image->foreground, err);
	if (n == 0)
		xfree(image->mask);
	return n < 0 ? -1 : 0;
}

uint8_t *contact_record_mask(const struct image *image)
{
	size_t row = ((size_t)image->width + 7) / 8;
	uint8_t *rgb = xmalloc((size_t)image->width * (size_t)image->height * 3), *out = rgb;

	for (int y = 0; y < image->height; y++)
		for (int x = 0; x < image->width; x++, out += 3) {
			int bit = image->mask[(size_t)y * row + (size_t)x / 8] >> (7 - x % 8) & 1;

			memset(out, bit ? 255 : 0, 3);
		}
	return rgb;
}
