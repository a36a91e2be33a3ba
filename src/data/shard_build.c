/* shard_build.c - the records of a shard being written: their bytes to the file, their index in
 * memory. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/memory.h"
#include "data/shard_index.h"

static void blobs_init(struct shard_blobs *b, uint32_t count)
{
	b->offset = xcalloc((size_t)count + 1, sizeof *b->offset);
	b->crc = xcalloc(count, sizeof *b->crc);
}

void shard_build_init(struct shard_build *b, const char *path, uint32_t count, int masked)
{
	struct shard *s = &b->s;

	*b = (struct shard_build){
		.s = { .path = xstrdup(path), .fd = -1, .count = count, .masked = masked }
	};
	blobs_init(&s->images, count);
	blobs_init(&s->masks, count);
	s->size = xcalloc(count, 2 * sizeof *s->size);
	s->foreground = xcalloc(count, sizeof *s->foreground);
	s->label_offset = xcalloc((size_t)count + 1, sizeof *s->label_offset);
	b->keys = xcalloc(count, sizeof *b->keys);
}

static int write_at(
	const struct shard *s, const uint8_t *bytes, size_t n, uint64_t at, char err[ERR_MAX])
{
	while (n > 0) {
		ssize_t k = pwrite(s->fd, bytes, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return fail(err, "%s: cannot write: %s", s->path,
				strerror(k < 0 ? errno : ENOSPC));
		bytes += k;
		at += (uint64_t)k;
		n -= (size_t)k;
	}
	return 0;
}

int shard_build_zeros(const struct shard_build *b, uint64_t from, uint64_t to, char err[ERR_MAX])
{
	static const uint8_t zeros[65536];

	while (from < to) {
		size_t n = to - from < sizeof zeros ? (size_t)(to - from) : sizeof zeros;

		if (write_at(&b->s, zeros, n, from, err) != 0)
			return -1;
		from += n;
	}
	return 0;
}

static int add_blob(struct shard *s, struct shard_blobs *b, uint32_t i, const uint8_t *bytes,
	size_t n, char err[ERR_MAX])
{
	CHECK(n <= b->bytes - b->offset[i],
		"%s: record %u goes beyond the stated total of %llu bytes", s->path, i,
		(unsigned long long)b->bytes);
	b->offset[i + 1] = b->offset[i] + n;
	b->crc[i] = crc32c(0, bytes, n);
	return write_at(s, bytes, n, b->at + b->offset[i], err);
}

static void add_labels(struct shard_build *b, uint32_t i, const struct shard_record *r)
{
	struct shard *s = &b->s;
	uint64_t total = s->label_total + (uint64_t)r->label_count;

	if (total > b->label_capacity) {
		b->label_capacity = total * 2;
		s->labels = xrealloc(s->labels, b->label_capacity * sizeof *s->labels);
	}
	for (int k = 0; k < r->label_count; k++)
		s->labels[s->label_total + (uint64_t)k] = r->labels[k];
	s->label_offset[i + 1] = s->label_total = total;
}

int shard_build_add(
	struct shard_build *b, uint32_t i, const struct shard_record *r, char err[ERR_MAX])
{
	struct shard *s = &b->s;

	s->size[2 * i] = (uint32_t)r->width;
	s->size[2 * i + 1] = (uint32_t)r->height;
	b->keys[i] = xstrdup(r->key);
	add_labels(b, i, r);
	if (add_blob(s, &s->images, i, r->jpeg, r->bytes, err) != 0)
		return -1;
	if (!s->masked)
		return 0;
	s->foreground[i] = r->mask ? r->foreground : 0;
	return add_blob(s, &s->masks, i, r->mask, r->mask ? r->mask_bytes : 0, err);
}

/* The offsets must end where the bytes end, or the shard would not open. */
void shard_build_check(const struct shard_build *b)
{
	const struct shard *s = &b->s;

	CHECK(s->images.offset[s->count] == s->images.bytes,
		"%s: fewer bytes of images than stated", s->path);
	CHECK(!s->masked || s->masks.offset[s->count] == s->masks.bytes,
		"%s: fewer bytes of masks than stated", s->path);
}

void shard_build_free(struct shard_build *b)
{
	struct shard *s = &b->s;

	for (uint32_t i = 0; i < s->count; i++)
		xfree(b->keys[i]);
	xfree(b->keys);
	shard_release(s);
}
