/* dataset_write.c - the index of a packed data set, whose presence says that the set is whole. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "data/dataset.h"

static int put_shard(FILE *f, const char *path, int i, uint64_t *images, char err[ERR_MAX])
{
	char *file = xasprintf("%s/shard-%05d.h5", path, i);
	struct shard *s = shard_open(file, err);
	struct stat st;
	int rc = -1;

	if (s && stat(file, &st) != 0) {
		fail(err, "%s: cannot stat", file);
	} else if (s) {
		*images += shard_count(s);
		fprintf(f, "%s\n    {\"file\": \"shard-%05d.h5\", \"images\": %u, \"bytes\": %lld}",
			i ? "," : "", i, shard_count(s), (long long)st.st_size);
		rc = 0;
	}
	shard_close(s);
	xfree(file);
	return rc;
}

static void put_classes(FILE *f, const char *const *classes, int count)
{
	fputs("  \"classes\": [", f);
	for (int i = 0; i < count; i++) {
		fputs(i ? ",\n    " : "\n    ", f);
		json_put_string(f, classes[i]);
	}
	fputs("\n  ],\n", f);
}

int dataset_write_index(const char *path, const char *name, const char *split,
	const char *const *classes, int class_count, int shard_count, char err[ERR_MAX])
{
	char *index = xasprintf("%s/index.json", path), *text = NULL;
	uint64_t images = 0;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int rc = 0;

	CHECK(f, "no memory for the index of %s", path);
	fputs("{\n  \"format_version\": 1,\n  \"name\": ", f);
	json_put_string(f, name);
	fputs(",\n  \"split\": ", f);
	json_put_string(f, split);
	fputs(",\n", f);
	put_classes(f, classes, class_count);
	fputs("  \"shards\": [", f);
	for (int i = 0; rc == 0 && i < shard_count; i++)
		rc = put_shard(f, path, i, &images, err);
	fprintf(f, "\n  ],\n  \"images\": %llu\n}\n", (unsigned long long)images);
	CHECK(fclose(f) == 0, "no memory for the index of %s", path);
	if (rc == 0)
		rc = file_write_atomic(index, text, n, err);
	free(text);
	xfree(index);
	return rc;
}
