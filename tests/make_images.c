/* make_images FOLDER COUNT SIDE: textured JPEGs FOLDER/class-K/image-NNN.jpg in 4 classes, and
 * FOLDER-masks/.../image-NNN.png for all but every fifth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data_fixture.h"

enum { CLASSES = 4 };

static void make(const char *folder, int i, int side)
{
	int width = side + i % 9, height = side + i % 7;
	struct image image = fixture_image((uint32_t)i, width, height);
	uint8_t *bytes, *mask = xmalloc((size_t)width * (size_t)height);
	char *path = xasprintf("%s/class-%d/image-%03d.jpg", folder, i % CLASSES, i);
	char *mask_path = xasprintf("%s-masks/class-%d/image-%03d.png", folder, i % CLASSES, i);
	char err[ERR_MAX] = "";
	size_t n;

	for (int p = 0; p < width * height; p++)
		mask[p] = p % width > width / 3 ? 255 : 0;
	CHECK(jpeg_encode(&bytes, &n, &image, 90, err) == 0, "%s", err);
	CHECK(file_write_atomic(path, bytes, n, err) == 0, "%s", err);
	if (i % 5 != 0)
		CHECK(png_write(mask_path, mask, width, height, 1, err) == 0, "%s", err);
	xfree(bytes);
	xfree(mask);
	xfree(path);
	xfree(mask_path);
	image_free(&image);
}

int main(int argc, char **argv)
{
	char err[ERR_MAX] = "";

	CHECK(argc == 4, "usage: make_images FOLDER COUNT SIDE");
	for (int k = 0; k < 2 * CLASSES; k++) {
		char *path = xasprintf(
			"%s%s/class-%d", argv[1], k < CLASSES ? "" : "-masks", k % CLASSES);

		CHECK(file_make_folder(path, err) == 0, "%s", err);
		xfree(path);
	}
	for (int i = 0; i < atoi(argv[2]); i++)
		make(argv[1], i, atoi(argv[3]));
	return 0;
}
