/* safetensors.c - the file around the header (safetensors_header.c). */
#include "train/safetensors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "train/safetensors_header.h"

_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie in memory");

static const struct {
	const char *name;
	size_t bytes;
} types[SAFETENSORS_TYPES] = {
	[SAFETENSORS_F64] = { "F64", 8 },
	[SAFETENSORS_I64] = { "I64", 8 },
	[SAFETENSORS_U64] = { "U64", 8 },
	[SAFETENSORS_F32] = { "F32", 4 },
	[SAFETENSORS_I32] = { "I32", 4 },
	[SAFETENSORS_U32] = { "U32", 4 },
	[SAFETENSORS_F16] = { "F16", 2 },
	[SAFETENSORS_BF16] = { "BF16", 2 },
	[SAFETENSORS_I16] = { "I16", 2 },
	[SAFETENSORS_U16] = { "U16", 2 },
	[SAFETENSORS_I8] = { "I8", 1 },
	[SAFETENSORS_U8] = { "U8", 1 },
	[SAFETENSORS_F8_E4M3] = { "F8_E4M3", 1 },
	[SAFETENSORS_F8_E5M2] = { "F8_E5M2", 1 },
	[SAFETENSORS_BOOL] = { "BOOL", 1 },
};

enum { LENGTH_BYTES = 8, HEADER_MAX = 100000000 /* the limit of the format's own library */ };
static const size_t file_max = (size_t)64 << 30;

const char *safetensors_type_name(enum safetensors_type type)
{
	return types[type].name;
}

size_t safetensors_type_bytes(enum safetensors_type type)
{
	return types[type].bytes;
}

void *safetensors_add(struct safetensors *f, const char *name, enum safetensors_type type, int dims,
	const int64_t *shape)
{
	struct safetensor *t;

	CHECK(dims >= 0 && dims <= SAFETENSORS_DIMS_MAX && !f->file, "%s: %d dimensions", name,
		dims);
	f->list = xrealloc(f->list, (size_t)(f->count + 1) * sizeof *f->list);
	t = &f->list[f->count++];
	*t = (struct safetensor){ .name = xstrdup(name), .type = type, .dims = dims };
	t->bytes = types[type].bytes;
	for (int i = 0; i < dims; i++) {
		t->shape[i] = shape[i];
		t->bytes *= (size_t)shape[i];
	}
	t->data = xcalloc(t->bytes, 1);
	return t->data;
}

void safetensors_add_metadata(struct safetensors *f, const char *key, const char *value)
{
	f->metadata = xrealloc(f->metadata, (size_t)(f->metadata_count + 1) * sizeof *f->metadata);
	f->metadata[f->metadata_count++] =
		(struct safetensors_text){ xstrdup(key), xstrdup(value) };
}

void safetensors_free(struct safetensors *f)
{
	for (int i = 0; i < f->count; i++) {
		xfree(f->list[i].name);
		if (!f->file)
			xfree(f->list[i].data);
	}
	for (int i = 0; i < f->metadata_count; i++) {
		xfree(f->metadata[i].key);
		xfree(f->metadata[i].value);
	}
	xfree(f->list);
	xfree(f->metadata);
	xfree(f->file);
	*f = (struct safetensors){ 0 };
}

const struct safetensor *safetensors_find(const struct safetensors *f, const char *name)
{
	for (int i = 0; i < f->count; i++)
		if (strcmp(f->list[i].name, name) == 0)
			return &f->list[i];
	return NULL;
}

const char *safetensors_metadata(const struct safetensors *f, const char *key)
{
	for (int i = 0; i < f->metadata_count; i++)
		if (strcmp(f->metadata[i].key, key) == 0)
			return f->metadata[i].value;
	return NULL;
}

/* ---- writing ---- */

/* Order of the data: by size of element, falling; the caller frees. */
static int *data_order(const struct safetensors *f)
{
	int *order = xcalloc((size_t)f->count, sizeof *order), n = 0;

	for (size_t bytes = 8; bytes > 0; bytes /= 2)
		for (int i = 0; i < f->count; i++)
			if (types[f->list[i].type].bytes == bytes)
				order[n++] = i;
	return order;
}

static int put_all(FILE *out, const struct safetensors *f)
{
	int *order = data_order(f), ok;
	size_t n;
	char *header = safetensors_print_header(f, order, &n);
	uint64_t length = n;

	ok = fwrite(&length, LENGTH_BYTES, 1, out) == 1 && fwrite(header, 1, n, out) == n;
	for (int i = 0; ok && i < f->count; i++) {
		const struct safetensor *t = &f->list[order[i]];

		ok = fwrite(t->data, 1, t->bytes, out) == t->bytes;
	}
	xfree(header);
	xfree(order);
	return ok ? 0 : -1;
}

static int write_file(const char *path, const struct safetensors *f, char err[ERR_MAX])
{
	FILE *out = fopen(path, "wb");
	int rc;

	if (!out)
		return fail(err, "%s: cannot create: %s", path, strerror(errno));
	rc = put_all(out, f);
	if (rc != 0)
		fail(err, "%s: cannot write: %s", path, strerror(errno));
	if (fclose(out) != 0 && rc == 0)
		rc = fail(err, "%s: cannot write: %s", path, strerror(errno));
	return rc;
}

int safetensors_write(const char *path, const struct safetensors *f, char err[ERR_MAX])
{
	char *temporary = file_temporary_name(path);
	int rc = write_file(temporary, f, err);

	rc = file_finish(rc, temporary, path, err);
	xfree(temporary);
	return rc;
}

/* ---- reading ---- */

static int parse_file(const char *path, struct safetensors *f, size_t n, char err[ERR_MAX])
{
	uint64_t length;

	if (n < LENGTH_BYTES)
		return fail(err, "%s: not a safetensors file: %zu bytes are too few", path, n);
	memcpy(&length, f->file, LENGTH_BYTES);
	if (length > HEADER_MAX)
		return fail(err,
			"%s: not a safetensors file: a header of %llu bytes is announced; at most "
			"%d are read",
			path, (unsigned long long)length, HEADER_MAX);
	if (length > n - LENGTH_BYTES)
		return fail(err,
			"%s: cut short: a header of %llu bytes is announced, %zu bytes are there",
			path, (unsigned long long)length, n - LENGTH_BYTES);
	return safetensors_parse_header(f, path, (char *)f->file + LENGTH_BYTES, length,
		f->file + LENGTH_BYTES + length, n - LENGTH_BYTES - length, err);
}

int safetensors_read(const char *path, struct safetensors *f, char err[ERR_MAX])
{
	size_t n;
	int rc;

	*f = (struct safetensors){ 0 };
	if (file_read_all(path, file_max, &f->file, &n, err) != 0)
		return -1;
	rc = parse_file(path, f, n, err);
	if (rc != 0)
		safetensors_free(f);
	return rc;
}
