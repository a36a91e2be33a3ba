#include "pack_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/jpeg.h"
#include "data_fixture.h"
#include "test.h"

struct pack_place fixture_place(const char *name)
{
	struct pack_place p;

	snprintf(p.source, sizeof p.source, "%s/%s-in", test_folder(), name);
	snprintf(p.out, sizeof p.out, "%s/%s-out", test_folder(), name);
	snprintf(p.masks, sizeof p.masks, "%s/%s-masks", test_folder(), name);
	return p;
}

char *fixture_parents(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name), *slash, err[ERR_MAX];

	for (slash = path + strlen(folder); (slash = strchr(slash + 1, '/'));) {
		*slash = 0;
		assert_int_equal(file_make_folder(path, err), 0);
		*slash = '/';
	}
	assert_int_equal(file_make_folder(folder, err), 0);
	return path;
}

void fixture_put(const char *folder, const char *name, const void *bytes, size_t n)
{
	char *path = fixture_parents(folder, name), err[ERR_MAX];

	assert_int_equal(file_write_atomic(path, bytes, n, err), 0);
	xfree(path);
}

void fixture_put_image(const char *folder, const char *name, int number)
{
	struct image m = fixture_image((uint32_t)number, 20 + number % 5, 16);
	uint8_t *bytes;
	char err[ERR_MAX];
	size_t n;

	assert_int_equal(jpeg_encode(&bytes, &n, &m, 90, err), 0);
	fixture_put(folder, name, bytes, n);
	xfree(bytes);
	image_free(&m);
}

struct pack_options fixture_options(const char *const *source, const struct pack_place *p)
{
	return (struct pack_options){ .input = { .sources = source, .source_count = 1 },
		.out = p->out,
		.name = "unit",
		.split = "train",
		.shards = 2,
		.threads = 2,
		.max_rejected = 0.5 };
}

struct dataset *fixture_pack(const struct pack_options *o)
{
	struct pack_outcome outcome;
	char err[ERR_MAX] = "";
	struct dataset *d;

	if (pack_run(o, &outcome, err) != 0)
		print_error("%s\n", err);
	d = dataset_open(o->out, err);
	assert_non_null(d);
	assert_int_equal(outcome.images, d->images);
	return d;
}

void fixture_pack_fails(const struct pack_options *o, const char *word)
{
	struct pack_outcome outcome;
	char err[ERR_MAX] = "", index[300];

	assert_int_equal(pack_run(o, &outcome, err), -1);
	assert_says(err, word);
	snprintf(index, sizeof index, "%s/index.json", o->out);
	assert_false(file_exists(index));
}

int64_t fixture_find(const struct dataset *d, const char *key)
{
	for (uint64_t i = 0; i < d->images; i++) {
		uint32_t r;
		const struct shard *s = dataset_find(d, i, &r);

		if (strcmp(shard_key(s, r), key) == 0)
			return (int64_t)i;
	}
	return -1;
}

const char *fixture_labels(const struct dataset *d, const char *key)
{
	static char text[64];
	uint32_t r;
	int64_t i = fixture_find(d, key);
	const struct shard *s;
	const int32_t *labels;
	int n;

	assert_true(i >= 0);
	text[0] = 0;
	s = dataset_find(d, (uint64_t)i, &r);
	n = shard_labels(s, r, &labels);
	for (int k = 0; k < n; k++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", k ? "," : "",
			labels[k]);
	return text;
}
