/* convert.c - one image file made ready for a shard. */
#include "convert.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"

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

/* Mean of row over each of width spans; (width, 3) floats. */
static void reduce_row(float *to, int width, const uint8_t *row, int row_width)
{
	double scale = (double)row_width / width;

	for (int x = 0; x < width; x++) {
		double left = x * scale, right = x + 1 == width ? row_width : (x + 1) * scale;
		float sum[3] = { 0, 0, 0 };

		for (int i = (int)left; i < right; i++) {
			float share = (float)(fmin(i + 1, right) - fmax(i, left));

			for (int k = 0; k < 3; k++)
				sum[k] += share * row[3 * i + k];
		}
		for (int k = 0; k < 3; k++)
			to[3 * x + k] = sum[k] / (float)(right - left);
	}
}

void area_reduce(
	uint8_t *to, int width, int height, const uint8_t *from, int from_width, int from_height)
{
	double scale = (double)from_height / height;
	size_t row = 3 * (size_t)width;
	float *sum = xmalloc(2 * row * sizeof *sum), *line = sum + row;
	int held = -1; /* the row of from that line holds: rows on a border are needed twice */

	CHECK(width <= from_width && height <= from_height, "only reduces");
	for (int y = 0; y < height; y++) {
		double top = y * scale, bottom = y + 1 == height ? from_height : (y + 1) * scale;

		memset(sum, 0, row * sizeof *sum);
		for (int i = (int)top; i < bottom; i++) {
			float share =
				(float)((fmin(i + 1, bottom) - fmax(i, top)) / (bottom - top));

			if (held != i)
				reduce_row(
					line, width, from + 3 * (size_t)from_width * i, from_width);
			held = i;
			for (size_t x = 0; x < row; x++)
				sum[x] += share * line[x];
		}
		for (size_t x = 0; x < row; x++)
			to[row * y + x] = (uint8_t)fminf(255, floorf(sum[x] + 0.5f));
	}
	xfree(sum);
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
	area_reduce(rgb, width, height, m->rgb, m->width, m->height);
	xfree(m->rgb);
	m->rgb = rgb;
	m->width = width;
	m->height = height;
}

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Refuse a huge PNG by its header, before anything of its size is allocated. */
static int check_png_size(const uint8_t *bytes, size_t n, char err[ERR_MAX])
{
	uint32_t width, height;

	if (n < 24)
		return fail(err, "a PNG cut off in its header (%zu bytes)", n);
	width = big_endian(bytes + 16);
	height = big_endian(bytes + 20);
	if (width == 0 || height == 0 || (uint64_t)width * height > JPEG_MAX_PIXELS)
		return fail(err,
			"a PNG of %u x %u pixels; sizes from 1 to %d million pixels are taken",
			width, height, JPEG_MAX_PIXELS / 1000000);
	return 0;
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
		if (check_png_size(bytes, n, err) != 0)
			return -1;
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
	if (check_png_size(png, n, err) != 0 ||
		png_decode(&grey, &width, &height, 1, png, n, err) != 0)
		return -1;
	pack_bits(out, grey, width, height);
	xfree(grey);
	return 0;
}
