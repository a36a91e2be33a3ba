/* eval_set DIR IMAGES CLASSES SEED LABELS: write a small packed data set of two shards, whose
 * classes differ in colour and stripes behind noise.  LABELS: all, none, or some (every fifth image
 * has none, the others two, the first its own). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "data/jpeg.h"
#include "data/shard.h"

enum { SHARDS = 2, CLASSES_MAX = 20, SMALLEST = 20, SIZES = 17 };

struct set {
	uint32_t images, classes;
	uint64_t seed;
	const char *labels;
	uint32_t first; /* image of the shard being written */
	uint8_t *jpeg;
	size_t bytes;
	int width, height;
	char key[64];
	int32_t label[2];
};

static uint8_t to_byte(double x)
{
	return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* Colour and direction of the stripes come from the class, phase and noise from the image. */
static void paint(struct image *image, const struct set *s, uint32_t number)
{
	struct rng r = rng_at(s->seed, RNG_DEMO, number, 0, 0);
	double turn = 6.2832 * (number % s->classes) / s->classes,
	       phase = (double)rng_between(&r, 0, 6);

	for (int y = 0; y < image->height; y++)
		for (int x = 0; x < image->width; x++) {
			double stripe = sin((x * cos(turn) + y * sin(turn)) * 0.7 + phase);

			for (int c = 0; c < 3; c++)
				image->rgb[(y * image->width + x) * 3 + c] =
					to_byte(128 + 25 * cos(turn + 2.1 * c) + 30 * stripe +
						50 * rng_normal(&r));
		}
}

/* The JPEG of image i of the set, into s. */
static void encode(struct set *s, uint32_t i)
{
	struct image image = { .width = SMALLEST + (int)(i % SIZES),
		.height = SMALLEST + (int)(i * 7 % SIZES) };
	char err[ERR_MAX];

	image.rgb = xmalloc((size_t)image.width * (size_t)image.height * 3);
	paint(&image, s, i);
	xfree(s->jpeg);
	CHECK(jpeg_encode(&s->jpeg, &s->bytes, &image, 95, err) == 0, "%s", err);
	s->width = image.width, s->height = image.height;
	xfree(image.rgb);
}

static int label_count(const struct set *s, uint32_t i)
{
	if (strcmp(s->labels, "some") == 0)
		return i % 5 == 2 ? 0 : 2;
	return strcmp(s->labels, "all") == 0;
}

static int next(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX])
{
	struct set *s = arg;
	uint32_t number = s->first + i;

	(void)err;
	encode(s, number);
	s->label[0] = (int32_t)(number % s->classes);
	s->label[1] = (int32_t)((number + 1) % s->classes);
	snprintf(s->key, sizeof s->key, "image-%05u.jpg", number);
	*r = (struct shard_record){ .jpeg = s->jpeg,
		.bytes = s->bytes,
		.width = s->width,
		.height = s->height,
		.key = s->key,
		.labels = s->label,
		.label_count = label_count(s, number) };
	return 0;
}

static void write_shard(struct set *s, const char *folder, int shard, const char *const *classes)
{
	const struct shard_meta meta = { .name = "eval",
		.split = "test",
		.classes = classes,
		.class_count = (int)s->classes,
		.shard = shard,
		.shards = SHARDS };
	uint32_t from = s->images * (uint32_t)shard / SHARDS,
		 to = s->images * (uint32_t)(shard + 1) / SHARDS;
	char *path = xasprintf("%s/shard-%05d.h5", folder, shard), err[ERR_MAX];
	uint64_t bytes = 0;

	for (uint32_t i = from; i < to; i++) {
		encode(s, i);
		bytes += s->bytes;
	}
	s->first = from;
	CHECK(shard_write(path, &meta, to - from, bytes, 0, next, s, err) == 0, "%s", err);
	xfree(path);
}

int main(int argc, char **argv)
{
	char names[CLASSES_MAX][16], err[ERR_MAX];
	const char *classes[CLASSES_MAX];
	struct set s;

	CHECK(argc == 6, "usage: eval_set DIR IMAGES CLASSES SEED LABELS");
	s = (struct set){ .images = (uint32_t)atoi(argv[2]),
		.classes = (uint32_t)atoi(argv[3]),
		.seed = strtoull(argv[4], NULL, 10),
		.labels = argv[5] };
	CHECK(s.classes >= 1 && s.classes <= CLASSES_MAX && s.images >= SHARDS,
		"%u images, %u classes", s.images, s.classes);
	CHECK(file_make_folder(argv[1], err) == 0, "%s", err);
	for (uint32_t c = 0; c < s.classes; c++) {
		snprintf(names[c], sizeof names[c], "class-%u", c);
		classes[c] = names[c];
	}
	for (int shard = 0; shard < SHARDS; shard++)
		write_shard(&s, argv[1], shard, classes);
	xfree(s.jpeg);
	CHECK(dataset_write_index(argv[1], "eval", "test", classes, (int)s.classes, SHARDS, err) ==
			0,
		"%s", err);
	return 0;
}
