/* pack_verify.c - every byte of a packed set against its checksums. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "convert.h"
#include "data/dataset.h"
#include "data/jpeg.h"
#include "pack.h"
#include "pack_pool.h"
#include "pack_state.h"

enum { AHEAD = 64 };

struct check {
	uint64_t image;
	long bytes, mask_bytes;
	int bad;
	char err[ERR_MAX];
};

struct checker {
	const struct dataset *d;
	int decode;
	struct reader { /* one a thread */
		uint8_t *buffer;
		size_t capacity;
		struct converter converter;
	} * readers;
};

static int decode_record(struct converter *c, const struct shard *s, uint32_t i,
	const uint8_t *jpeg, long bytes, char err[ERR_MAX])
{
	char why[ERR_MAX];
	int width, height;

	if (jpeg_decode(&c->image, &c->capacity, jpeg, (size_t)bytes, why) != 0)
		return fail(err, "%s: record %u ('%s'): %.500s", shard_path(s), i, shard_key(s, i),
			why);
	shard_size(s, i, &width, &height);
	if (c->image.width == width && c->image.height == height)
		return 0;
	return fail(err, "%s: record %u ('%s'): is of %d x %d pixels, %d x %d by the shard's index",
		shard_path(s), i, shard_key(s, i), c->image.width, c->image.height, width, height);
}

static int check_mask(struct check *k, const struct shard *s, uint32_t i, struct reader *r)
{
	int width, height;
	float foreground;

	k->mask_bytes = shard_read_mask(s, i, &r->buffer, &r->capacity, &foreground, k->err);
	if (k->mask_bytes <= 0)
		return k->mask_bytes < 0 ? -1 : 0;
	shard_size(s, i, &width, &height);
	if (k->mask_bytes == (long)(width + 7) / 8 * height && foreground >= 0 && foreground <= 1)
		return 0;
	return fail(k->err,
		"%s: record %u ('%s'): its mask has %ld bytes for %d x %d pixels, foreground %g",
		shard_path(s), i, shard_key(s, i), k->mask_bytes, width, height,
		(double)foreground);
}

static void check_image(void *arg, void *job, int thread)
{
	const struct checker *c = arg;
	struct check *k = job;
	struct reader *r = &c->readers[thread];
	uint32_t i;
	const struct shard *s = dataset_find(c->d, k->image, &i);

	k->bytes = shard_read(s, i, &r->buffer, &r->capacity, k->err);
	k->bad = k->bytes < 0 ||
		(c->decode &&
			decode_record(&r->converter, s, i, r->buffer, k->bytes, k->err) != 0) ||
		(shard_has_masks(s) && check_mask(k, s, i, r) != 0);
}

static void note(struct pack_checked *checked, const struct check *k)
{
	checked->images++;
	checked->masks += k->mask_bytes > 0;
	checked->bytes += (uint64_t)(k->bytes > 0 ? k->bytes : 0) +
		(uint64_t)(k->mask_bytes > 0 ? k->mask_bytes : 0);
	if (!k->bad)
		return;
	checked->bad++;
	log_warn("%s", k->err);
}

static void check_images(struct checker *c, int threads, struct pack_checked *checked)
{
	struct pool *pool = pool_open(threads, AHEAD * threads, check_image, c);
	double began = clock_seconds();
	uint64_t next = 0;

	while (next < c->d->images || !pool_empty(pool)) {
		double passed = clock_seconds() - began;
		struct check *k;
		char text[32];

		while (next < c->d->images && !pool_full(pool)) {
			k = xcalloc(1, sizeof *k);
			k->image = next++;
			pool_put(pool, k);
		}
		k = pool_take(pool);
		note(checked, k);
		xfree(k);
		if (passed > 1)
			log_progress(0, "verifying: %llu of %llu images, %llu bad, %s left",
				(unsigned long long)checked->images,
				(unsigned long long)c->d->images, (unsigned long long)checked->bad,
				pack_time(text,
					passed * (double)(c->d->images - checked->images) /
						(double)checked->images));
	}
	pool_close(pool);
}

int pack_verify(
	const char *path, int threads, int decode, struct pack_checked *checked, char err[ERR_MAX])
{
	struct dataset *d = dataset_open(path, err);
	struct checker c = { .d = d, .decode = decode };

	memset(checked, 0, sizeof *checked);
	if (!d)
		return -1;
	checked->shards = d->shard_count;
	c.readers = xcalloc((size_t)threads, sizeof *c.readers);
	check_images(&c, threads, checked);
	for (int i = 0; i < threads; i++) {
		xfree(c.readers[i].buffer);
		converter_free(&c.readers[i].converter);
	}
	xfree(c.readers);
	dataset_close(d);
	return 0;
}
