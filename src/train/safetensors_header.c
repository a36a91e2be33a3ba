/* safetensors_header.c - the JSON header of a safetensors file.
 * The reader takes the members that the format knows and no others, and checks every number before
 * it is used: the file may come from anywhere. */
#include "train/safetensors_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

struct entry {
	struct safetensor tensor;
	int64_t offsets[2];
	int has_type, has_shape, has_offsets;
};

static int parse_type(struct json *p, enum safetensors_type *type)
{
	char *name = json_string(p);
	int i = 0;

	if (!name)
		return -1;
	while (i < SAFETENSORS_TYPES &&
		strcmp(name, safetensors_type_name((enum safetensors_type)i)) != 0)
		i++;
	xfree(name);
	*type = (enum safetensors_type)i;
	return i < SAFETENSORS_TYPES ? 0 : json_fail(p, "unknown dtype");
}

static int parse_offsets(struct json *p, int64_t offsets[2])
{
	int count;

	if (json_numbers(p, offsets, 2, &count) != 0)
		return -1;
	return count == 2 ? 0 : json_fail(p, "data_offsets are two numbers");
}

static int parse_field(struct json *p, const char *key, void *arg)
{
	struct entry *e = arg;

	if (strcmp(key, "dtype") == 0 && !e->has_type++)
		return parse_type(p, &e->tensor.type);
	if (strcmp(key, "shape") == 0 && !e->has_shape++)
		return json_numbers(p, e->tensor.shape, SAFETENSORS_DIMS_MAX, &e->tensor.dims);
	if (strcmp(key, "data_offsets") == 0 && !e->has_offsets++)
		return parse_offsets(p, e->offsets);
	return json_fail(
		p, "a tensor has dtype, shape and data_offsets, each once, and nothing else");
}

/* What the tensor's bytes must be by its shape, or -1 when that overflows. */
static int64_t shape_bytes(const struct safetensor *t)
{
	int64_t bytes = (int64_t)safetensors_type_bytes(t->type);

	for (int i = 0; i < t->dims; i++)
		if (__builtin_mul_overflow(bytes, t->shape[i], &bytes))
			return -1;
	return bytes;
}

struct header {
	struct safetensors *f;
	unsigned char *data;
	size_t data_bytes;
	int has_metadata;
};

static int parse_text(struct json *p, const char *key, void *arg)
{
	char *value = json_string(p);

	if (!value)
		return -1;
	safetensors_add_metadata(arg, key, value);
	xfree(value);
	return 0;
}

static int parse_tensor(struct json *p, const char *key, struct header *h)
{
	struct entry e = { 0 };
	int64_t bytes;

	if (json_object(p, parse_field, &e) != 0)
		return -1;
	if (!e.has_type || !e.has_shape || !e.has_offsets)
		return json_fail(p, "a tensor needs dtype, shape and data_offsets");
	bytes = shape_bytes(&e.tensor);
	if (e.offsets[0] > e.offsets[1] || e.offsets[1] > (int64_t)h->data_bytes)
		return json_fail(p,
			"the tensor's data_offsets lie outside of the file: it is cut "
			"short or damaged");
	if (bytes != e.offsets[1] - e.offsets[0])
		return json_fail(p, "the tensor's data_offsets do not fit its dtype and shape");
	e.tensor.name = xstrdup(key);
	e.tensor.bytes = (size_t)bytes;
	e.tensor.data = h->data + e.offsets[0];
	h->f->list = xrealloc(h->f->list, (size_t)(h->f->count + 1) * sizeof *h->f->list);
	h->f->list[h->f->count++] = e.tensor;
	return 0;
}

static int parse_member(struct json *p, const char *key, void *arg)
{
	struct header *h = arg;

	if (strcmp(key, "__metadata__") != 0)
		return parse_tensor(p, key, h);
	if (h->has_metadata++)
		return json_fail(p, "__metadata__ is there twice");
	return json_object(p, parse_text, h->f);
}

/* ---- all tensors together ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct safetensor *)a)->name, ((const struct safetensor *)b)->name);
}

static int by_place(const void *a, const void *b)
{
	const struct safetensor *x = a, *y = b;

	if (x->data != y->data)
		return (const unsigned char *)x->data < (const unsigned char *)y->data ? -1 : 1;
	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static void sort(struct safetensors *f, int (*order)(const void *a, const void *b))
{
	if (f->count > 0)
		qsort(f->list, (size_t)f->count, sizeof *f->list, order);
}

static int check_names(struct safetensors *f, const char *path, char err[ERR_MAX])
{
	sort(f, by_name);
	for (int i = 1; i < f->count; i++)
		if (strcmp(f->list[i - 1].name, f->list[i].name) == 0)
			return fail(err,
				"%s: not a valid safetensors file: tensor %.200s is there twice",
				path, f->list[i].name);
	return 0;
}

/* The list ends up in the order of the data. */
static int check_tiling(const struct header *h, const char *path, char err[ERR_MAX])
{
	const unsigned char *end = h->data;

	sort(h->f, by_place);
	for (int i = 0; i < h->f->count; i++) {
		const struct safetensor *t = &h->f->list[i];

		if (t->data != end)
			return fail(err,
				"%s: not a valid safetensors file: there is a hole or an overlap "
				"before the "
				"data of tensor %.200s",
				path, t->name);
		end += t->bytes;
	}
	if (end != h->data + h->data_bytes)
		return fail(err,
			"%s: not a valid safetensors file: %zu bytes at its end belong to no "
			"tensor",
			path, (size_t)(h->data + h->data_bytes - end));
	return 0;
}

int safetensors_parse_header(struct safetensors *f, const char *path, const char *text, size_t n,
	unsigned char *data, size_t data_bytes, char err[ERR_MAX])
{
	struct json p = { path, text, n, 0, err };
	struct header h = { f, data, data_bytes, 0 };

	if (n == 0 || text[0] != '{')
		return json_fail(&p, "'{' expected");
	if (json_object(&p, parse_member, &h) != 0)
		return -1;
	json_space(&p);
	if (p.at != n)
		return json_fail(&p, "nothing but spaces may follow the closing '}'");
	if (check_names(f, path, err) != 0)
		return -1;
	return check_tiling(&h, path, err);
}

/* ---- writing ---- */

static void put_metadata(FILE *out, const struct safetensors *f)
{
	fputs("\"__metadata__\":{", out);
	for (int i = 0; i < f->metadata_count; i++) {
		fputs(i ? "," : "", out);
		json_put_string(out, f->metadata[i].key);
		fputc(':', out);
		json_put_string(out, f->metadata[i].value);
	}
	fputc('}', out);
}

static void put_tensor(FILE *out, const struct safetensor *t, size_t offset)
{
	json_put_string(out, t->name);
	fprintf(out, ":{\"dtype\":\"%s\",\"shape\":[", safetensors_type_name(t->type));
	for (int i = 0; i < t->dims; i++)
		fprintf(out, "%s%" PRId64, i ? "," : "", t->shape[i]);
	fprintf(out, "],\"data_offsets\":[%zu,%zu]}", offset, offset + t->bytes);
}

char *safetensors_print_header(const struct safetensors *f, const int *order, size_t *n)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, n);
	size_t offset = 0;
	int failed;

	CHECK(out, "out of memory");
	fputc('{', out);
	put_metadata(out, f);
	for (int i = 0; i < f->count; i++) {
		fputc(',', out);
		put_tensor(out, &f->list[order[i]], offset);
		offset += f->list[order[i]].bytes;
	}
	fputc('}', out);
	while (ftell(out) % 8 != 0)
		fputc(' ', out);
	failed = ferror(out);
	CHECK(fclose(out) == 0 && !failed, "out of memory");
	return text;
}
