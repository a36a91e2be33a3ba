#include "demo_fixture.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "test.h"

const char *const demo_class_names[CLASSES] = { "ant", "bee", "cat" };

/* Object colours are green in steps, backgrounds red and blue in steps: no two alike. */
void demo_object_colour(uint8_t rgb[3], int class, int object)
{
	rgb[0] = 20, rgb[1] = (uint8_t)(90 + 11 * (class * OBJECTS + object)), rgb[2] = 30;
}

void demo_background_colour(uint8_t rgb[3], int i)
{
	rgb[0] = (uint8_t)(60 + 22 * i), rgb[1] = 0, rgb[2] = (uint8_t)(240 - 20 * i);
}

int demo_held_out(int i)
{
	return (i + 1) % 4 == 0;
}

/* A disc with a soft rim inside a transparent frame. */
static void write_stamp(const char *path, const uint8_t colour[3], int size)
{
	uint8_t *rgba = xmalloc((size_t)size * (size_t)size * 4);
	double middle = (size - 1) / 2.0;
	char err[ERR_MAX];

	for (int i = 0; i < size * size; i++) {
		double r = hypot(i % size - middle, i / size - middle),
		       alpha = (0.43 * size - r) * 20 / size;

		memcpy(rgba + i * 4, colour, 3);
		rgba[i * 4 + 3] = (uint8_t)(alpha < 0 ? 0 : alpha > 1 ? 255 : 255 * alpha);
	}
	assert_int_equal(png_write(path, rgba, size, size, 4, err), 0);
	xfree(rgba);
}

static void write_background(const char *path, const uint8_t colour[3])
{
	struct image image = { .width = 70, .height = 60, .rgb = xmalloc(70 * 60 * 3) };
	uint8_t *bytes;
	char err[ERR_MAX];
	size_t n;

	for (int i = 0; i < 70 * 60; i++)
		memcpy(image.rgb + i * 3, colour, 3);
	assert_int_equal(jpeg_encode(&bytes, &n, &image, 98, err), 0);
	assert_int_equal(file_write_atomic(path, bytes, n, err), 0);
	xfree(bytes);
	image_free(&image);
}

void demo_write_text(const char *path, const char *text)
{
	char err[ERR_MAX];

	assert_int_equal(file_write_atomic(path, text, strlen(text), err), 0);
}

/* All photographs and both lists, in a fresh folder. */
struct demo_options demo_photographs(void)
{
	const char *folder = test_folder();
	struct demo_options o = { .count = { 45, 30, 12 },
		.look = { 1, SIZE, 0.6, 0.9 },
		.threads = 1,
		.stamps = folder };
	char objects[2048] = "# objects\n", backgrounds[2048] = "", name[64];
	uint8_t rgb[3];

	for (int i = 0; i < CLASSES * OBJECTS; i++) {
		/* backwards: the order of the classes in the list does not count */
		int class = CLASSES - 1 - i / OBJECTS;

		snprintf(name, sizeof name, "%s-%d.png", demo_class_names[class], i % OBJECTS);
		demo_object_colour(rgb, class, i % OBJECTS);
		write_stamp(test_path(folder, name), rgb,
			i % OBJECTS == 2 ? 10 * STAMP : STAMP); /* some large */
		sprintf(objects + strlen(objects), "%s\t%s\n", demo_class_names[class], name);
	}
	for (int i = 0; i < BACKGROUNDS; i++) {
		snprintf(name, sizeof name, "background-%d.jpg", i);
		demo_background_colour(rgb, i);
		write_background(test_path(folder, name), rgb);
		sprintf(backgrounds + strlen(backgrounds), "%s%s\n", name,
			i % 2 ? "\tsome-package" : "");
	}
	o.objects = strdup(test_path(folder, "objects.tsv"));
	o.backgrounds = strdup(test_path(folder, "backgrounds.txt"));
	demo_write_text(o.objects, objects);
	demo_write_text(o.backgrounds, backgrounds);
	o.out = strdup(test_path(folder, "out"));
	return o;
}

void demo_forget(struct demo_options *o)
{
	free((char *)o->objects);
	free((char *)o->backgrounds);
	free((char *)o->out);
}

void demo_make_here(const struct demo_options *o)
{
	char err[ERR_MAX] = "";

	if (demo_make(o, err) != 0)
		print_error("%s\n", err);
	assert_string_equal(err, "");
}

void demo_refuse(const struct demo_options *o, const char *word)
{
	char err[ERR_MAX] = "";

	assert_int_equal(demo_make(o, err), -1);
	assert_says(err, word);
	assert_true(strlen(err) < 700);
}

int demo_class_of(long index)
{
	return (int)(index % CLASSES);
}

char *demo_image_path(const struct demo_options *o, int split, long index)
{
	return xasprintf("%s/%s/%s/%05ld.jpg", o->out, demo_splits[split].name,
		demo_class_names[demo_class_of(index)], index);
}

char *demo_mask_path(const struct demo_options *o, int split, long index)
{
	return xasprintf("%s/masks/%s/%s/%05ld.png", o->out, demo_splits[split].name,
		demo_class_names[demo_class_of(index)], index);
}

int demo_count_files(const char *path)
{
	DIR *d = opendir(path);
	int n = -2;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}
