/* dataset.c - a folder of shards and its index.
 * The index is JSON, which is a subset of what libyaml reads. */
#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <yaml.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

enum { INDEX_VERSION = 1, INDEX_BYTES_MAX = 1 << 28, SHARD_NAME_MAX = 256 };

struct index_reader {
	yaml_document_t document;
	const char *path; /* of index.json */
	char *err;
};

static int damaged(struct index_reader *r, const char *what)
{
	return fail(r->err, "%s: %s: pack the data set again", r->path, what);
}

static const yaml_node_t *node_at(struct index_reader *r, int id)
{
	return yaml_document_get_node(&r->document, id);
}

static const char *scalar(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
						      : NULL;
}

static const yaml_node_t *value_of(struct index_reader *r, const yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
		p++) {
		const char *name = scalar(node_at(r, p->key));

		if (name && strcmp(name, key) == 0)
			return node_at(r, p->value);
	}
	return NULL;
}

static int number_of(
	struct index_reader *r, const yaml_node_t *map, const char *key, uint64_t *value)
{
	const char *text = scalar(value_of(r, map, key));
	char what[64];
	char *end;

	if (text && *text >= '0' && *text <= '9') {
		*value = strtoull(text, &end, 10);
		if (*end == 0)
			return 0;
	}
	snprintf(what, sizeof what, "no number \"%s\"", key);
	return damaged(r, what);
}

/* The items of the sequence under key. */
static const yaml_node_t *list_of(
	struct index_reader *r, const yaml_node_t *map, const char *key, int *count)
{
	const yaml_node_t *list = value_of(r, map, key);
	char what[64];

	if (list && list->type == YAML_SEQUENCE_NODE) {
		*count = (int)(list->data.sequence.items.top - list->data.sequence.items.start);
		return list;
	}
	snprintf(what, sizeof what, "no list \"%s\"", key);
	damaged(r, what);
	return NULL;
}

static const yaml_node_t *item(struct index_reader *r, const yaml_node_t *list, int i)
{
	return node_at(r, list->data.sequence.items.start[i]);
}

/* Set to what the index says, in the terms of a person with a damaged data set. */
static int check_against_index(struct index_reader *r, const yaml_node_t *entry, const char *path)
{
	uint64_t bytes;
	struct stat st;

	if (number_of(r, entry, "bytes", &bytes) != 0)
		return -1;
	if (stat(path, &st) != 0)
		return fail(r->err,
			"%s: this shard is missing, though index.json lists it: copy it again, or "
			"pack the data set again",
			path);
	if ((uint64_t)st.st_size != bytes)
		return fail(r->err,
			"%s: %lld bytes, but %llu in index.json: copy this shard again, or pack "
			"the data set again",
			path, (long long)st.st_size, (unsigned long long)bytes);
	return 0;
}

static struct shard *open_entry(
	struct index_reader *r, const struct dataset *d, const yaml_node_t *entry)
{
	const char *name = scalar(value_of(r, entry, "file"));
	struct shard *s = NULL;
	uint64_t images;
	char *path;

	if (!name || strchr(name, '/') || strlen(name) > SHARD_NAME_MAX) {
		damaged(r, "a shard without a proper \"file\"");
		return NULL;
	}
	path = xasprintf("%s/%s", d->path, name);
	if (check_against_index(r, entry, path) == 0 && number_of(r, entry, "images", &images) == 0)
		s = shard_open(path, r->err);
	if (s && shard_count(s) != images) {
		fail(r->err, "%s: %u images, but %llu in index.json: pack the data set again", path,
			shard_count(s), (unsigned long long)images);
		shard_close(s);
		s = NULL;
	}
	xfree(path);
	return s;
}

/* All shards of a set were packed with the classes that the index lists. */
static int check_classes(
	struct index_reader *r, const yaml_node_t *classes, int count, const struct shard *s)
{
	int same = shard_class_count(s) == count;

	for (int i = 0; same && i < count; i++) {
		const char *name = scalar(item(r, classes, i));

		same = name && strcmp(name, shard_class(s, i)) == 0;
	}
	return same ? 0
		    : fail(r->err,
			      "%s: its classes are not those of index.json: the shard is of "
			      "another data set",
			      shard_path(s));
}

static int open_shards(struct index_reader *r, struct dataset *d, const yaml_node_t *shards,
	const yaml_node_t *classes)
{
	double start = clock_seconds();
	int slow = 0;

	for (int i = 0; i < d->shard_count; i++) {
		struct shard *s = d->shards[i] = open_entry(r, d, item(r, shards, i));

		if (!s || check_classes(r, classes, d->class_count, s) != 0)
			return -1;
		d->first[i + 1] = d->first[i] + shard_count(s);
		slow = slow || clock_seconds() - start > 2;
		if (slow)
			log_progress(i + 1 == d->shard_count, "%s: %d of %d shards opened", d->path,
				i + 1, d->shard_count);
	}
	d->images = d->first[d->shard_count];
	return 0;
}

static int open_listed(struct index_reader *r, struct dataset *d)
{
	const yaml_node_t *root = yaml_document_get_root_node(&r->document), *shards, *classes;
	uint64_t version, images;

	if (number_of(r, root, "format_version", &version) != 0)
		return -1;
	if (version != INDEX_VERSION)
		return fail(r->err,
			"%s: format version %llu, but this program reads version %d: pack the data "
			"set again",
			r->path, (unsigned long long)version, INDEX_VERSION);
	if (number_of(r, root, "images", &images) != 0 ||
		!(classes = list_of(r, root, "classes", &d->class_count)) ||
		!(shards = list_of(r, root, "shards", &d->shard_count)))
		return -1;
	d->shards = xcalloc((size_t)d->shard_count, sizeof(struct shard *));
	d->first = xcalloc((size_t)d->shard_count + 1, sizeof *d->first);
	if (open_shards(r, d, shards, classes) != 0)
		return -1;
	if (d->images != images || images == 0)
		return damaged(r, "its number of images is not the sum over its shards, or 0");
	return 0;
}

static int read_index(struct index_reader *r, const unsigned char *text, size_t n)
{
	yaml_parser_t parser;
	int ok;

	CHECK(yaml_parser_initialize(&parser), "cannot start libyaml");
	yaml_parser_set_input_string(&parser, text, n);
	ok = yaml_parser_load(&parser, &r->document);
	if (!ok)
		fail(r->err, "%s: line %zu: %s: pack the data set again", r->path,
			parser.problem_mark.line + 1, parser.problem ? parser.problem : "not JSON");
	yaml_parser_delete(&parser);
	return ok ? 0 : -1;
}

static int open_all(struct dataset *d, const char *index, char err[ERR_MAX])
{
	struct index_reader r = { .path = index, .err = err };
	unsigned char *text;
	size_t n;
	int rc;

	if (!file_exists(d->path))
		return fail(
			err, "%s: no such folder; make a data set with reliquary pack", d->path);
	if (!file_exists(index))
		return fail(err,
			"%s: no index.json in it: it is not a packed data set, or the pack was "
			"interrupted: run reliquary pack again",
			d->path);
	if (file_read_all(index, INDEX_BYTES_MAX, &text, &n, err) != 0)
		return -1;
	rc = read_index(&r, text, n);
	xfree(text);
	if (rc != 0)
		return -1;
	rc = open_listed(&r, d);
	yaml_document_delete(&r.document);
	return rc;
}

struct dataset *dataset_open(const char *path, char err[ERR_MAX])
{
	struct dataset *d = xcalloc(1, sizeof *d);
	char *index = xasprintf("%s/index.json", path);
	int rc;

	d->path = xstrdup(path);
	rc = open_all(d, index, err);
	xfree(index);
	if (rc == 0)
		return d;
	dataset_close(d);
	return NULL;
}

void dataset_close(struct dataset *d)
{
	if (!d)
		return;
	for (int i = 0; d->shards && i < d->shard_count; i++)
		shard_close(d->shards[i]);
	xfree(d->shards);
	xfree(d->first);
	xfree(d->path);
	xfree(d);
}

const struct shard *dataset_find(const struct dataset *d, uint64_t image, uint32_t *record)
{
	int low = 0, high = d->shard_count;

	CHECK(image < d->images, "%s: image %llu of %llu", d->path, (unsigned long long)image,
		(unsigned long long)d->images);
	while (high - low > 1) {
		int middle = low + (high - low) / 2;

		if (image < d->first[middle])
			high = middle;
		else
			low = middle;
	}
	*record = (uint32_t)(image - d->first[low]);
	return d->shards[low];
}

int dataset_label(const struct dataset *d, uint64_t image)
{
	const int32_t *labels;
	uint32_t record;
	const struct shard *s = dataset_find(d, image, &record);

	return shard_labels(s, record, &labels) > 0 ? labels[0] : -1;
}
