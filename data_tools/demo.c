/* demo.c - the folder of demo data: what may be there already, the images, and the stamp file that
 * says it is whole. */
#include "demo.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/png.h"

enum { STAMP_MAX = 1 << 16 };

/* What the images depend on, as the text of demo.json. */
static char *describe(const struct demo_options *o, const struct demo_lists *l)
{
	return xasprintf("{\n"
			 "  \"format_version\": 1,\n"
			 "  \"train\": %ld,\n"
			 "  \"test\": %ld,\n"
			 "  \"test_objects\": %ld,\n"
			 "  \"size\": %d,\n"
			 "  \"seed\": %" PRIu64 ",\n"
			 "  \"scale_min\": %.17g,\n"
			 "  \"scale_max\": %.17g,\n"
			 "  \"classes\": %d,\n"
			 "  \"lists_crc32c\": \"%08" PRIx32 "\"\n"
			 "}\n",
		o->count[DEMO_TRAIN], o->count[DEMO_TEST], o->count[DEMO_TEST_OBJECTS],
		o->look.size, o->look.seed, o->look.scale_min, o->look.scale_max, l->class_count,
		l->crc);
}

static long total(const struct demo_options *o)
{
	long n = 0;

	for (int split = 0; split < DEMO_SPLITS; split++)
		n += o->count[split];
	return n;
}

/* ---- what is there ---- */

/* Where the set goes: its stamp file, and the marker that holds the folder for these options until
 * the stamp is there. */
struct place {
	const char *out;
	char *stamp, *marker;
	char *text; /* of either */
};

enum state { FREE, UNFINISHED, FINISHED };

static int folder_is_empty(const char *path)
{
	DIR *d = opendir(path);
	int entries = 0;

	if (!d)
		return errno == ENOENT;
	while (readdir(d))
		entries++;
	closedir(d);
	return entries <= 2; /* . and .. */
}

/* Compare a stamp file with our options. */
static int same_options(const char *path, const char *text, char err[ERR_MAX])
{
	unsigned char *bytes;
	size_t n;
	int same;

	if (file_read_all(path, STAMP_MAX, &bytes, &n, err) != 0)
		return -1;
	same = strcmp((char *)bytes, text) == 0;
	xfree(bytes);
	return same ? 0
		    : fail(err,
			      "%s: the demo data there were made with other options or lists (the "
			      "file tells which): give "
			      "another folder, or remove this one",
			      path);
}

static int find_state(enum state *state, const struct place *p, char err[ERR_MAX])
{
	*state = file_exists(p->stamp) ? FINISHED : file_exists(p->marker) ? UNFINISHED : FREE;
	if (*state == FINISHED)
		return same_options(p->stamp, p->text, err);
	if (*state == UNFINISHED)
		return same_options(p->marker, p->text, err);
	return folder_is_empty(p->out)
		? 0
		: fail(err, "%s: holds something else; give a new or an empty folder", p->out);
}

/* nftw's visitor: a file that was being written when an earlier run ended. */
static int remove_temporary(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (type == FTW_F && strstr(path + ftw->base, ".tmp-"))
		unlink(path);
	return 0;
}

/* ---- making ---- */

static int make_folders(const struct demo_options *o, const struct demo_lists *l, char err[ERR_MAX])
{
	static const char *const roots[] = { "", "masks/" };
	int rc = 0;

	for (int split = 0; split < DEMO_SPLITS; split++)
		for (int i = 0; rc == 0 && i < 2 * l->class_count && o->count[split] > 0; i++) {
			char *path = xasprintf("%s/%s%s/%s", o->out, roots[i % 2],
				demo_splits[split].name, l->classes[i / 2]);

			rc = file_make_folder(path, err);
			xfree(path);
		}
	return rc;
}

static int write_pair(const struct demo_options *o, const char *class, enum demo_split split,
	long index, const struct image *image, const uint8_t *mask, char err[ERR_MAX])
{
	const char *name = demo_splits[split].name;
	char *jpeg_path = xasprintf("%s/%s/%s/%05ld.jpg", o->out, name, class, index);
	char *mask_path = xasprintf("%s/masks/%s/%s/%05ld.png", o->out, name, class, index);
	uint8_t *bytes = NULL;
	size_t n;
	int rc = jpeg_encode(&bytes, &n, image, JPEG_QUALITY, err);

	if (rc == 0)
		rc = file_write_atomic(jpeg_path, bytes, n, err);
	if (rc == 0)
		rc = png_write(mask_path, mask, image->width, image->height, 1, err);
	xfree(bytes);
	xfree(jpeg_path);
	xfree(mask_path);
	return rc;
}

static int make_image(const struct demo_options *o, const struct demo_library *lib,
	enum demo_split split, long index, char err[ERR_MAX])
{
	size_t pixels = (size_t)o->look.size * (size_t)o->look.size;
	struct image image = {
		.width = o->look.size, .height = o->look.size, .rgb = xmalloc(pixels * 3)
	};
	uint8_t *mask = xmalloc(pixels);
	struct demo_scene scene;
	int rc;

	demo_scene_draw(&scene, lib, &o->look, split, (uint32_t)index);
	demo_scene_paint(image.rgb, mask, lib, &scene, split, o->look.size);
	rc = write_pair(o, lib->lists->classes[scene.class], split, index, &image, mask, err);
	image_free(&image);
	xfree(mask);
	return rc;
}

/* Image number i of all splits, one split after another. */
static int make_numbered(
	const struct demo_options *o, const struct demo_library *lib, long i, char err[ERR_MAX])
{
	int split = 0;

	while (i >= o->count[split])
		i -= o->count[split++];
	return make_image(o, lib, (enum demo_split)split, i, err);
}

static int make_images(
	const struct demo_options *o, const struct demo_library *lib, char err[ERR_MAX])
{
	double begin = clock_seconds();
	long n = total(o), done = 0;
	int rc = 0;

#pragma omp parallel for num_threads(o->threads) schedule(dynamic)
	for (long i = 0; i < n; i++) {
		char why[ERR_MAX];
		int stop, bad;

#pragma omp atomic read
		stop = rc;
		if (stop)
			continue;
		bad = make_numbered(o, lib, i, why);
#pragma omp critical
		{
			done++;
			if (bad) {
#pragma omp atomic write
				rc = -1;
				fail(err, "%s", why);
			} else {
				double rate = (double)done / (clock_seconds() - begin);

				log_progress(done == n,
					"demo data: %ld of %ld images, %.0f a second, %.0f s left",
					done, n, rate, (double)(n - done) / rate);
			}
		}
	}
	return rc;
}

static int make_marked(const struct demo_options *o, const struct demo_library *lib,
	const struct place *p, char err[ERR_MAX])
{
	if (file_make_folder(o->out, err) != 0 ||
		file_write_atomic(p->marker, p->text, strlen(p->text), err) != 0 ||
		make_folders(o, lib->lists, err) != 0 || make_images(o, lib, err) != 0 ||
		file_write_atomic(p->stamp, p->text, strlen(p->text), err) != 0)
		return -1;
	unlink(p->marker);
	log_info("%s: %ld + %ld + %ld images in %d classes", o->out, o->count[DEMO_TRAIN],
		o->count[DEMO_TEST], o->count[DEMO_TEST_OBJECTS], lib->lists->class_count);
	return 0;
}

static int make_all(const struct demo_options *o, const struct demo_lists *l, const struct place *p,
	char err[ERR_MAX])
{
	struct demo_library lib;
	int rc;

	log_info("demo data: reading %d cut-out objects and %d backgrounds",
		l->object_count[DEMO_SHOWN] + l->object_count[DEMO_HELD_OUT],
		l->background_count[DEMO_SHOWN] + l->background_count[DEMO_HELD_OUT]);
	if (demo_lists_present(l, err) != 0 ||
		demo_library_open(&lib, l, o->look.size, o->threads, err) != 0)
		return -1;
	rc = make_marked(o, &lib, p, err);
	demo_library_close(&lib);
	return rc;
}

static int make_or_keep(const struct demo_options *o, const struct demo_lists *l,
	const struct place *p, char err[ERR_MAX])
{
	enum state state;

	if (find_state(&state, p, err) != 0)
		return -1;
	if (state == FINISHED) {
		log_info("%s: the demo data are there already (%ld images)", o->out, total(o));
		return 0;
	}
	if (state == UNFINISHED)
		nftw(o->out, remove_temporary, 16, FTW_PHYS);
	return make_all(o, l, p, err);
}

int demo_make(const struct demo_options *o, char err[ERR_MAX])
{
	struct demo_lists lists;
	struct place p;
	int rc;

	if (demo_lists_read(&lists, o->objects, o->backgrounds, o->stamps, err) != 0)
		return -1;
	p.out = o->out;
	p.stamp = xasprintf("%s/demo.json", o->out);
	p.marker = xasprintf("%s/demo.json.unfinished", o->out);
	p.text = describe(o, &lists);
	rc = make_or_keep(o, &lists, &p, err);
	xfree(p.stamp);
	xfree(p.marker);
	xfree(p.text);
	demo_lists_free(&lists);
	return rc;
}
