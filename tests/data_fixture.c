#include "data_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "data/jpeg.h"

struct image fixture_image(uint32_t number, int width, int height)
{
	struct image image = { .width = width, .height = height };
	struct rng r = rng_at(99, RNG_PROBE, number, 0, 0);
	uint32_t tint[3] = { rng_below(&r, 128), rng_below(&r, 128), rng_below(&r, 128) };
	uint8_t *p = image.rgb = xmalloc((size_t)width * (size_t)height * 3);

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			for (int k = 0; k < 3; k++)
				*p++ = (uint8_t)(tint[k] +
					(uint32_t)(x * 40 / width + y * 40 / height) +
					rng_below(&r, 40));
	return image;
}

void fixture_size(const struct fixture *f, uint32_t image, int *width, int *height)
{
	*width = f->big ? 60 + (int)(image * 7 % 31) : 9 + (int)(image * 5 % 16);
	*height = f->big ? 60 + (int)(image * 11 % 31) : 9 + (int)(image * 3 % 16);
}

/* The records of one shard, all in memory. */
struct source {
	struct shard_record *records;
	uint8_t **jpegs, **masks;
	char **keys;
	int32_t *labels;
};

static int next_record(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX])
{
	struct source *s = arg;

	(void)err;
	*r = s->records[i];
	return 0;
}

static void make_record(struct source *s, const struct fixture *f, int i, uint32_t number)
{
	struct shard_record *r = &s->records[i];
	struct image image;
	char err[ERR_MAX];

	fixture_size(f, number, &r->width, &r->height);
	image = fixture_image(number, r->width, r->height);
	CHECK(jpeg_encode(&s->jpegs[i], &r->bytes, &image, 90, err) == 0, "%s", err);
	image_free(&image);
	r->jpeg = s->jpegs[i];
	s->labels[i] = (int32_t)(number % FIXTURE_CLASSES);
	r->labels = &s->labels[i];
	r->label_count = number % 5 != 4; /* some have none */
	r->key = s->keys[i] = xasprintf("class-%u/image-%u.jpg", number % FIXTURE_CLASSES, number);
	if (!f->masks || number % 3 == 2)
		return;
	r->mask_bytes = (size_t)((r->width + 7) / 8 * r->height);
	r->mask = s->masks[i] = xmalloc(r->mask_bytes);
	memset(s->masks[i], (int)(number & 255), r->mask_bytes);
	r->foreground = (float)(number % 11) / 11;
}

void fixture_shard(const char *path, const struct fixture *f, int shard)
{
	static const char *const classes[FIXTURE_CLASSES] = { "ant", "b\"ee\\", "caf\xc3\xa9" };
	const struct shard_meta meta = { "fixture", "train", classes, FIXTURE_CLASSES, shard,
		f->shards, f->masks };
	size_t n = (size_t)f->per_shard;
	struct source s = { xcalloc(n, sizeof *s.records), xcalloc(n, sizeof *s.jpegs),
		xcalloc(n, sizeof *s.masks), xcalloc(n, sizeof *s.keys),
		xcalloc(n, sizeof *s.labels) };
	uint64_t image_bytes = 0, mask_bytes = 0;
	char err[ERR_MAX];

	for (int i = 0; i < f->per_shard; i++) {
		make_record(&s, f, i, (uint32_t)(shard * f->per_shard + i));
		image_bytes += s.records[i].bytes;
		mask_bytes += s.records[i].mask_bytes;
	}
	CHECK(shard_write(
		      path, &meta, (uint32_t)n, image_bytes, mask_bytes, next_record, &s, err) == 0,
		"%s", err);
	for (int i = 0; i < f->per_shard; i++) {
		xfree(s.jpegs[i]);
		xfree(s.masks[i]);
		xfree(s.keys[i]);
	}
	xfree(s.records), xfree(s.jpegs), xfree(s.masks), xfree(s.keys), xfree(s.labels);
}

void fixture_dataset(const char *folder, const struct fixture *f)
{
	static const char *const classes[FIXTURE_CLASSES] = { "ant", "b\"ee\\", "caf\xc3\xa9" };
	char err[ERR_MAX];

	for (int i = 0; i < f->shards; i++) {
		char *path = xasprintf("%s/shard-%05d.h5", folder, i);

		fixture_shard(path, f, i);
		xfree(path);
	}
	CHECK(dataset_write_index(
		      folder, "fixture", "train", classes, FIXTURE_CLASSES, f->shards, err) == 0,
		"%s", err);
}

void fixture_flip(const char *path, long at)
{
	FILE *f = fopen(path, "r+b");
	int c;

	CHECK(f && fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) == 0, "%s", path);
	at = ftell(f);
	c = fgetc(f);
	CHECK(c != EOF && fseek(f, at, SEEK_SET) == 0 && fputc(c ^ 255, f) != EOF, "%s at %ld",
		path, at);
	CHECK(fclose(f) == 0, "%s", path);
}

void fixture_truncate(const char *path, long size)
{
	CHECK(truncate(path, size) == 0, "%s", path);
}

long fixture_bytes(const char *path)
{
	struct stat st;

	CHECK(stat(path, &st) == 0, "%s", path);
	return (long)st.st_size;
}

void fixture_copy(const char *to, const char *from)
{
	unsigned char *bytes;
	char err[ERR_MAX];
	size_t n;

	CHECK(file_read_all(from, 1 << 30, &bytes, &n, err) == 0 &&
			file_write_atomic(to, bytes, n, err) == 0,
		"%s", err);
	xfree(bytes);
}
