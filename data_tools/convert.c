/* convert.c - one image file made ready for a shard. */
#include "convert.h"

#include <string.h>

#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "resample.h"

enum { KEEP_BYTES = 64 << 20 }; /* a converter does not hold on to more than this */

void converted_free(struct converted *c)
{
	xfree(c->jpeg);
	xfree(c->mask);
}

void converter_free(struct converter *c)
{
	image_free(&c->image);
	c->capacity = 0;
}

/* Bring the decoded image's longer side down to max_side. */
static void reduce_image(struct converter *c, int max_side)
{
	struct image *m = &c->image;
	int longer = m->width > m->height ? m->width : m->height;
	int width = (int)(((int64_t)m->width * max_side + longer / 2) / longer);
	int height = (int)(((int64_t)m->height * max_side + longer / 2) / longer);
	uint8_t *rgb;

	width = width > 0 ? width : 1;
	height = height > 0 ? height : 1;
	c->capacity = 3 * (size_t)width * height;
	rgb = xmalloc(c->capacity);
	resample_window(rgb, m->rgb,
		&(struct resample){ .width = width,
			.height = height,
			.rgb_width = m->width,
			.rgb_height = m->height,
			.window = { 0, 0, m->width, m->height } });
	xfree(m->rgb);
	m->rgb = rgb;
	m->width = width;
	m->height = height;
}

/* Decode into c; *passes tells that the bytes can be kept as they are if the size is right. */
static int decode(
	struct converter *c, int *passes, const uint8_t *bytes, size_t n, char err[ERR_MAX])
{
	struct jpeg_header header;

	*passes = 0;
	if (n == 0)
		return fail(err, "an empty file");
	switch (image_kind(bytes, n)) {
	case IMAGE_JPEG:
		if (jpeg_header(&header, bytes, n, err) != 0)
			return -1;
		*passes = header.components == 1 || header.components == 3;
		return jpeg_decode(&c->image, &c->capacity, bytes, n, err);
	case IMAGE_PNG:
		xfree(c->image.rgb);
		if (png_decode(&c->image.rgb, &c->image.width, &c->image.height, 3, bytes, n,
			    err) != 0) {
			converter_free(c);
			return -1;
		}
		c->capacity = 3 * (size_t)c->image.width * c->image.height;
		return 0;
	case IMAGE_UNKNOWN:
		break;
	}
	return fail(err, "neither a JPEG nor a PNG file by its first bytes");
}

int convert_image(struct converted *out, struct converter *c, uint8_t **bytes, size_t n,
	int max_side, char err[ERR_MAX])
{
	int passes, rc = 0;

	memset(out, 0, sizeof *out);
	if (decode(c, &passes, *bytes, n, err) != 0)
		return -1;
	if (max_side > 0 && (c->image.width > max_side || c->image.height > max_side)) {
		reduce_image(c, max_side);
		passes = 0;
	}
	out->width = c->image.width;
	out->height = c->image.height;
	if (passes) {
		out->jpeg = *bytes;
		out->bytes = n;
		*bytes = NULL;
	} else {
		rc = jpeg_encode(&out->jpeg, &out->bytes, &c->image, JPEG_QUALITY, err);
	}
	if (c->capacity > KEEP_BYTES)
		converter_free(c);
	return rc;
}

static void pack_bits(struct converted *out, const uint8_t *grey, int width, int height)
{
	size_t row = ((size_t)out->width + 7) / 8;

	out->mask_bytes = row * (size_t)out->height;
	out->mask = xcalloc(out->mask_bytes, 1);
	out->foreground = 0;
	for (int y = 0; y < out->height; y++) {
		int64_t from_y = (2 * (int64_t)y + 1) * height / (2 * (int64_t)out->height);

		for (int x = 0; x < out->width; x++) {
			int64_t from_x = (2 * (int64_t)x + 1) * width / (2 * (int64_t)out->width);

			if (grey[from_y * width + from_x] < 128)
				continue;
			out->mask[row * (size_t)y + (size_t)x / 8] |= (uint8_t)(0x80 >> x % 8);
			out->foreground++;
		}
	}
}

int convert_mask(struct converted *out, const uint8_t *png, size_t n, char err[ERR_MAX])
{
	uint8_t *grey;
	int width, height;

	if (image_kind(png, n) != IMAGE_PNG)
		return fail(err, "not a PNG file");
	if (png_decode(&grey, &width, &height, 1, png, n, err) != 0)
		return -1;
	pack_bits(out, grey, width, height);
	xfree(grey);
	return 0;
}
