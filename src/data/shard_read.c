/* shard_read.c - the records of an open shard, and the checks of its index. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data/shard_index.h"

enum { RECORD_MAX = 1 << 30 };

int shard_damaged(const struct shard *s, char err[ERR_MAX], const char *fmt, ...)
{
	char what[ERR_MAX / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	return fail(
		err, "%s: %s: copy this shard again, or pack the data set again", s->path, what);
}

static int check_offsets(const struct shard *s, const char *name, const uint64_t *offset,
	uint64_t end, char err[ERR_MAX])
{
	if (offset[0] != 0 || offset[s->count] != end)
		return shard_damaged(
			s, err, "%s does not run from 0 to %llu", name, (unsigned long long)end);
	for (uint32_t i = 0; i < s->count; i++)
		if (offset[i + 1] < offset[i] || offset[i + 1] - offset[i] > RECORD_MAX)
			return shard_damaged(s, err, "%s is out of order at record %u", name, i);
	return 0;
}

static int check_sizes(const struct shard *s, char err[ERR_MAX])
{
	for (uint32_t i = 0; i < s->count; i++) {
		uint64_t w = s->size[2 * i], h = s->size[2 * i + 1];

		if (w < 1 || h < 1 || w > UINT16_MAX || h > UINT16_MAX || w * h >= JPEG_MAX_PIXELS)
			return shard_damaged(s, err, "record %u is of %llu x %llu pixels", i,
				(unsigned long long)w, (unsigned long long)h);
	}
	return 0;
}

static int check_labels(const struct shard *s, char err[ERR_MAX])
{
	for (uint64_t i = 0; i < s->label_total; i++)
		if (s->labels[i] < 0 || (uint64_t)s->labels[i] >= s->classes.count)
			return shard_damaged(s, err, "label %d is not one of the %llu classes",
				s->labels[i], (unsigned long long)s->classes.count);
	return 0;
}

static int check_masks(const struct shard *s, char err[ERR_MAX])
{
	for (uint32_t i = 0; i < s->count; i++) {
		uint64_t n = s->masks.offset[i + 1] - s->masks.offset[i];
		uint64_t whole = (s->size[2 * i] + 7) / 8 * (uint64_t)s->size[2 * i + 1];

		if (n != 0 && n != whole)
			return shard_damaged(s, err,
				"the mask of record %u has %llu bytes where %llu are expected", i,
				(unsigned long long)n, (unsigned long long)whole);
		if (!(s->foreground[i] >= 0 && s->foreground[i] <= 1))
			return shard_damaged(s, err, "the foreground share of record %u is %g", i,
				s->foreground[i]);
	}
	return 0;
}

int shard_check(const struct shard *s, char err[ERR_MAX])
{
	if (check_offsets(s, "/images/offset", s->images.offset, s->images.bytes, err) != 0 ||
		check_offsets(s, "/labels/offset", s->label_offset, s->label_total, err) != 0 ||
		check_sizes(s, err) != 0 || check_labels(s, err) != 0)
		return -1;
	if (!s->masked)
		return 0;
	if (check_offsets(s, "/masks/offset", s->masks.offset, s->masks.bytes, err) != 0)
		return -1;
	return check_masks(s, err);
}

void shard_strings_set(struct shard_strings *list, const char *const *strings, uint64_t count)
{
	size_t width = 1;

	for (uint64_t i = 0; i < count; i++)
		if (strlen(strings[i]) >= width)
			width = strlen(strings[i]) + 1;
	*list = (struct shard_strings){ count, width, xcalloc(count, width) };
	for (uint64_t i = 0; i < count; i++)
		strcpy(list->text + i * width, strings[i]);
}

static const char *string_at(const struct shard_strings *list, uint64_t i)
{
	return list->text + i * list->width;
}

void shard_strings_free(struct shard_strings *list)
{
	xfree(list->text);
}

static void blobs_free(struct shard_blobs *b)
{
	xfree(b->offset);
	xfree(b->crc);
}

void shard_release(struct shard *s)
{
	blobs_free(&s->images);
	blobs_free(&s->masks);
	xfree(s->size);
	xfree(s->foreground);
	xfree(s->label_offset);
	xfree(s->labels);
	shard_strings_free(&s->keys);
	shard_strings_free(&s->classes);
	xfree(s->path);
}

void shard_close(struct shard *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	shard_release(s);
	xfree(s);
}

const char *shard_path(const struct shard *s)
{
	return s->path;
}

uint32_t shard_count(const struct shard *s)
{
	return s->count;
}

int shard_class_count(const struct shard *s)
{
	return (int)s->classes.count;
}

const char *shard_class(const struct shard *s, int label)
{
	CHECK(label >= 0 && label < shard_class_count(s), "%s: class %d", s->path, label);
	return string_at(&s->classes, label);
}

static void check_record(const struct shard *s, uint32_t i)
{
	CHECK(i < s->count, "%s: record %u of %u", s->path, i, s->count);
}

const char *shard_key(const struct shard *s, uint32_t i)
{
	check_record(s, i);
	return string_at(&s->keys, i);
}

int shard_has_masks(const struct shard *s)
{
	return s->masked;
}

int shard_labels(const struct shard *s, uint32_t i, const int32_t **labels)
{
	check_record(s, i);
	*labels = s->labels + s->label_offset[i];
	return (int)(s->label_offset[i + 1] - s->label_offset[i]);
}

void shard_size(const struct shard *s, uint32_t i, int *width, int *height)
{
	check_record(s, i);
	*width = (int)s->size[2 * i];
	*height = (int)s->size[2 * i + 1];
}

/* Read n bytes of the file at a place; 0, or an errno, or -1 for a file that ends before. */
static int read_at(int fd, uint8_t *to, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t k = pread(fd, to, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? errno : -1;
		to += k;
		at += (uint64_t)k;
		n -= (size_t)k;
	}
	return 0;
}

/* A quarter more than asked for, so that buffers soon stop growing. */
static void reserve(uint8_t **buffer, size_t *capacity, size_t n)
{
	if (*capacity >= n)
		return;
	xfree(*buffer);
	*capacity = n + n / 4;
	*buffer = xmalloc(*capacity);
}

static long read_blob(const struct shard *s, const struct shard_blobs *b, const char *what,
	uint32_t i, uint8_t **buffer, size_t *capacity, char err[ERR_MAX])
{
	size_t n = (size_t)(b->offset[i + 1] - b->offset[i]);
	int rc;

	reserve(buffer, capacity, n);
	rc = read_at(s->fd, *buffer, n, b->at + b->offset[i]);
	if (rc != 0)
		return shard_damaged(s, err, "cannot read the %s of record %u ('%.200s'): %s", what,
			i, string_at(&s->keys, i), rc < 0 ? "the file was cut" : strerror(rc));
	if (crc32c(0, *buffer, n) != b->crc[i])
		return shard_damaged(s, err,
			"the %s of record %u ('%.200s') does not match its checksum", what, i,
			string_at(&s->keys, i));
	return (long)n;
}

long shard_read(
	const struct shard *s, uint32_t i, uint8_t **buffer, size_t *capacity, char err[ERR_MAX])
{
	check_record(s, i);
	return read_blob(s, &s->images, "image", i, buffer, capacity, err);
}

static void advise(const struct shard *s, const struct shard_blobs *b, uint32_t i)
{
	if (b->offset[i + 1] > b->offset[i])
		posix_fadvise(s->fd, (off_t)(b->at + b->offset[i]),
			(off_t)(b->offset[i + 1] - b->offset[i]), POSIX_FADV_WILLNEED);
}

void shard_advise(const struct shard *s, uint32_t i, int masks)
{
	check_record(s, i);
	advise(s, &s->images, i);
	if (masks && s->masked)
		advise(s, &s->masks, i);
}

long shard_read_mask(const struct shard *s, uint32_t i, uint8_t **buffer, size_t *capacity,
	float *foreground, char err[ERR_MAX])
{
	check_record(s, i);
	*foreground = 0;
	if (!s->masked || s->masks.offset[i + 1] == s->masks.offset[i])
		return 0;
	*foreground = s->foreground[i];
	return read_blob(s, &s->masks, "mask", i, buffer, capacity, err);
}
