/* bench_data.c - images to measure with where no data set is given. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "cli/bench.h"
#include "data/dataset.h"
#include "data/jpeg.h"
#include "data/shard.h"

enum { WIDTH = 500, HEIGHT = 375, QUALITY = 90 };

static const double noise = 24; /* gives about 60 kB */

/* Slow waves of colour under noise: as many bits as a photograph, and as little to guess. */
static void paint(uint8_t *rgb, int number)
{
	struct rng r = rng_at(1, RNG_PROBE, (uint32_t)number, 1, 0);
	double fx[3], fy[3], phase[3];

	for (int k = 0; k < 3; k++) {
		fx[k] = rng_between(&r, 0.005f, 0.06f);
		fy[k] = rng_between(&r, 0.005f, 0.06f);
		phase[k] = rng_between(&r, 0, 6.28f);
	}
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			double grain = noise * (rng_uniform(&r) - 0.5);

			for (int k = 0; k < 3; k++)
				rgb[(y * WIDTH + x) * 3 + k] = (uint8_t)(128 +
					80 * sin(fx[k] * x + phase[k]) * cos(fy[k] * y) + grain);
		}
}

struct maker {
	struct image image;
	uint8_t *jpeg;
	char key[32];
};

static int next_record(void *arg, uint32_t i, struct shard_record *record, char err[ERR_MAX])
{
	struct maker *m = arg;

	xfree(m->jpeg);
	paint(m->image.rgb, (int)i);
	snprintf(m->key, sizeof m->key, "texture-%u", i);
	*record = (struct shard_record){ .width = WIDTH, .height = HEIGHT, .key = m->key };
	if (jpeg_encode(&m->jpeg, &record->bytes, &m->image, QUALITY, err) != 0)
		return -1;
	record->jpeg = m->jpeg;
	return 0;
}

/* The shard's size must be known before it is written, so every image is made twice. */
static int write_shard(struct maker *m, const char *path, int images, char err[ERR_MAX])
{
	static const char *const classes[] = { "texture" };
	const struct shard_meta meta = { .name = "textures",
		.split = "bench",
		.classes = classes,
		.class_count = 1,
		.shards = 1 };
	struct shard_record record;
	uint64_t bytes = 0;

	for (int i = 0; i < images; i++) {
		if (next_record(m, (uint32_t)i, &record, err) != 0)
			return -1;
		bytes += record.bytes;
	}
	return shard_write(path, &meta, (uint32_t)images, bytes, 0, next_record, m, err);
}

static int write_set(const char *folder, int images, char err[ERR_MAX])
{
	static const char *const classes[] = { "texture" };
	struct maker m = { .image = { .width = WIDTH, .height = HEIGHT } };
	char *path = xasprintf("%s/shard-00000.h5", folder);
	int rc;

	m.image.rgb = xmalloc((size_t)WIDTH * HEIGHT * 3);
	rc = write_shard(&m, path, images, err);
	if (rc == 0)
		rc = dataset_write_index(folder, "textures", "bench", classes, 1, 1, err);
	xfree(m.image.rgb);
	xfree(m.jpeg);
	xfree(path);
	return rc;
}

struct dataset *bench_make_data(int images, char **folder, char err[ERR_MAX])
{
	*folder = bench_make_folder(err);
	return *folder && write_set(*folder, images, err) == 0 ? dataset_open(*folder, err) : NULL;
}
