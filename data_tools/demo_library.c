/* demo_library.c - every photograph is decoded once and kept, reduced to what can be of use: about
 * 150 MB at 128 pixels. */
#include "demo_library.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "resample.h"

enum {
	PHOTO_FILE_MAX = 1 << 28,
	PHOTO_SHORT_SIDE = 8, /* image sides that a photograph's short side keeps */
	CUTOUT_LONG_SIDE = 4, /* image sides that a cut-out's long side keeps */
	ALPHA_SEEN = 8        /* less than this is nothing */
};

/* ---- cut-outs ---- */

/* The smallest rectangle that holds all that is seen; 0 if nothing is. */
static int find_bounds(int box[4], const uint8_t *rgba, int width, int height)
{
	box[0] = width, box[1] = height, box[2] = box[3] = 0;
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			if (rgba[((size_t)y * (size_t)width + (size_t)x) * 4 + 3] < ALPHA_SEEN)
				continue;
			box[0] = x < box[0] ? x : box[0];
			box[1] = y < box[1] ? y : box[1];
			box[2] = x >= box[2] ? x + 1 : box[2];
			box[3] = y >= box[3] ? y + 1 : box[3];
		}
	return box[2] > box[0];
}

static void cut(struct cutout *c, const uint8_t *rgba, int width, const int box[4])
{
	size_t row;

	c->width = box[2] - box[0];
	c->height = box[3] - box[1];
	row = (size_t)c->width * 4;
	c->rgba = xmalloc(row * (size_t)c->height);
	for (int y = 0; y < c->height; y++)
		memcpy(c->rgba + (size_t)y * row,
			rgba + ((size_t)(box[1] + y) * (size_t)width + (size_t)box[0]) * 4, row);
}

/* One pixel out of up to four: colours count as much as they are opaque. */
static void merge(uint8_t out[4], const struct cutout *c, int x, int y)
{
	unsigned sum[4] = { 0 };

	for (int k = 0; k < 4; k++) {
		int i = x + k % 2, j = y + k / 2;
		const uint8_t *in = c->rgba + ((size_t)j * (size_t)c->width + (size_t)i) * 4;

		if (i >= c->width || j >= c->height)
			continue;
		for (int n = 0; n < 3; n++)
			sum[n] += (unsigned)in[n] * in[3];
		sum[3] += in[3];
	}
	for (int n = 0; n < 3; n++)
		out[n] = (uint8_t)(sum[3] ? (sum[n] + sum[3] / 2) / sum[3] : 0);
	out[3] = (uint8_t)((sum[3] + 2) / 4);
}

static void halve(struct cutout *c)
{
	int width = (c->width + 1) / 2, height = (c->height + 1) / 2;
	uint8_t *rgba = xmalloc((size_t)width * (size_t)height * 4);

	for (int i = 0; i < width * height; i++)
		merge(rgba + (size_t)i * 4, c, i % width * 2, i / width * 2);
	xfree(c->rgba);
	*c = (struct cutout){ width, height, rgba };
}

static int load_cutout(struct cutout *c, const char *path, int size, char err[ERR_MAX])
{
	int width, height, box[4], rc = 0;
	uint8_t *rgba;

	if (png_read(&rgba, &width, &height, 4, path, err) != 0)
		return -1;
	if (find_bounds(box, rgba, width, height))
		cut(c, rgba, width, box);
	else
		rc = fail(err, "%s: wholly transparent; take it out of the list of objects", path);
	xfree(rgba);
	while (rc == 0 &&
		(c->width > size * CUTOUT_LONG_SIDE || c->height > size * CUTOUT_LONG_SIDE))
		halve(c);
	return rc;
}

/* ---- backgrounds ---- */

static int decode_photo(
	struct image *photo, const char *path, const uint8_t *bytes, size_t n, char err[ERR_MAX])
{
	char why[ERR_MAX] = "neither a JPEG nor a PNG file";
	size_t capacity = 0;
	int rc = -1;

	if (image_kind(bytes, n) == IMAGE_JPEG)
		rc = jpeg_decode(photo, &capacity, bytes, n, why);
	else if (image_kind(bytes, n) == IMAGE_PNG)
		rc = png_decode(&photo->rgb, &photo->width, &photo->height, 3, bytes, n, why);
	return rc == 0 ? 0 : fail(err, "%s: %.900s", path, why);
}

static void reduce(struct image *photo, int size)
{
	int side = photo->width < photo->height ? photo->width : photo->height,
	    limit = size * PHOTO_SHORT_SIDE;
	double k = (double)limit / side;
	struct resample r = { .rgb_width = photo->width,
		.rgb_height = photo->height,
		.window = { 0, 0, photo->width, photo->height } };
	uint8_t *rgb;

	if (side <= limit)
		return;
	r.width = (int)(photo->width * k + 0.5);
	r.height = (int)(photo->height * k + 0.5);
	rgb = xmalloc((size_t)r.width * (size_t)r.height * 3);
	resample_window(rgb, photo->rgb, &r);
	xfree(photo->rgb);
	*photo = (struct image){ .width = r.width, .height = r.height, .rgb = rgb };
}

static int load_photo(struct image *photo, const char *path, int size, char err[ERR_MAX])
{
	uint8_t *bytes;
	size_t n;
	int rc;

	if (file_read_all(path, PHOTO_FILE_MAX, &bytes, &n, err) != 0)
		return -1;
	rc = decode_photo(photo, path, bytes, n, err);
	xfree(bytes);
	if (rc == 0)
		reduce(photo, size);
	return rc;
}

/* ---- both ---- */

static int load_side(struct demo_library *lib, int side, int size, int threads, char err[ERR_MAX])
{
	const struct demo_lists *l = lib->lists;
	int photos = l->background_count[side], count = photos + l->object_count[side], rc = 0;

#pragma omp parallel for num_threads(threads) schedule(dynamic)
	for (int i = 0; i < count; i++) {
		char why[ERR_MAX];
		int bad = i < photos
			? load_photo(&lib->photos[side][i], l->backgrounds[side][i].file, size, why)
			: load_cutout(&lib->cutouts[side][i - photos],
				  l->objects[side][i - photos].file, size, why);

		if (bad) {
#pragma omp critical
			rc = fail(err, "%s", why);
		}
	}
	return rc;
}

int demo_library_open(struct demo_library *lib, const struct demo_lists *lists, int size,
	int threads, char err[ERR_MAX])
{
	int rc = 0;

	memset(lib, 0, sizeof *lib);
	lib->lists = lists;
	for (int side = 0; side < DEMO_SIDES; side++) {
		lib->photos[side] =
			xcalloc((size_t)lists->background_count[side], sizeof **lib->photos);
		lib->cutouts[side] =
			xcalloc((size_t)lists->object_count[side], sizeof **lib->cutouts);
	}
	for (int side = 0; rc == 0 && side < DEMO_SIDES; side++)
		rc = load_side(lib, side, size, threads, err);
	if (rc != 0)
		demo_library_close(lib);
	return rc;
}

void demo_library_close(struct demo_library *lib)
{
	for (int side = 0; side < DEMO_SIDES; side++) {
		for (int i = 0; lib->photos[side] && i < lib->lists->background_count[side]; i++)
			image_free(&lib->photos[side][i]);
		for (int i = 0; lib->cutouts[side] && i < lib->lists->object_count[side]; i++)
			xfree(lib->cutouts[side][i].rgba);
		xfree(lib->photos[side]);
		xfree(lib->cutouts[side]);
	}
}
