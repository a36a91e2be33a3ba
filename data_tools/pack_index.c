#include "pack_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

void index_init(struct pack_index *x)
{
	memset(x, 0, sizeof *x);
	x->keys = names_open();
}

void index_free(struct pack_index *x)
{
	names_close(x->keys);
	xfree(x->entries);
	xfree(x->labels);
	for (uint64_t i = 0; i < x->rejected_count; i++) {
		xfree(x->rejected[i].key);
		xfree(x->rejected[i].reason);
	}
	xfree(x->rejected);
}

/* Make room for count elements of the given size. */
static void *grow(void *p, uint64_t *room, uint64_t count, size_t size)
{
	if (count <= *room)
		return p;
	*room = count + count / 2 + 16;
	return xrealloc(p, *room * size);
}

void index_accept(struct pack_index *x, const struct pack_record *r, uint32_t key,
	const int32_t *labels, int label_count)
{
	uint64_t after = x->label_count + (uint64_t)label_count;

	x->entries = grow(x->entries, &x->room, x->count + 1, sizeof *x->entries);
	x->labels = grow(x->labels, &x->label_room, after, sizeof *x->labels);
	if (label_count > 0)
		memcpy(x->labels + x->label_count, labels, (size_t)label_count * sizeof *labels);
	x->entries[x->count++] = (struct pack_entry){ *r, key, label_count, x->label_count };
	x->label_count = after;
	x->bytes += r->bytes + r->mask_bytes;
	x->masks += r->mask_bytes > 0;
	x->unlabelled += label_count == 0;
}

static char *printable(const char *text)
{
	char *copy = xstrdup(text);

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 32 || *p == 127)
			*p = '?';
	return copy;
}

void index_reject(struct pack_index *x, const char *key, const char *reason)
{
	x->rejected =
		grow(x->rejected, &x->rejected_room, x->rejected_count + 1, sizeof *x->rejected);
	x->rejected[x->rejected_count++] =
		(struct pack_rejected){ printable(key), printable(reason) };
}

int index_write_rejected(const struct pack_index *x, const char *path, char err[ERR_MAX])
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int rc;

	CHECK(f != NULL, "no memory for the list of rejected images");
	for (uint64_t i = 0; i < x->rejected_count; i++)
		fprintf(f, "%s\t%s\n", x->rejected[i].key, x->rejected[i].reason);
	CHECK(fclose(f) == 0, "no memory for the list of rejected images");
	rc = file_write_atomic(path, text, n, err);
	free(text);
	return rc;
}
