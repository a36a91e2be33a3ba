#include "pack_labels.h"

#include <string.h>

#include "base/memory.h"
#include "pack_names.h"
#include "pack_tsv.h"

/* The labels of image number i of names are values[offset[i] .. offset[i+1]). */
struct label_file {
	struct pack_names *names;
	int32_t *values;
	uint64_t *offset;
	char *seen;
	size_t values_room, names_room;
};

static int add_labels(
	struct label_file *l, struct pack_classes *classes, const struct tsv *t, char err[ERR_MAX])
{
	int32_t *labels;
	int added, count;
	uint32_t i = names_add(l->names, t->field[0], &added);
	uint64_t used = i > 0 ? l->offset[i] : 0;

	if (!added)
		return fail(err, "%s, line %ld: '%s' is named a second time", t->path, t->number,
			t->field[0]);
	count = classes_parse(classes, &labels, t->field[1]);
	if (i + 2 > l->names_room) {
		l->names_room = 2 * (i + 2);
		l->offset = xrealloc(l->offset, l->names_room * sizeof *l->offset);
	}
	if (used + (uint64_t)count > l->values_room) {
		l->values_room = 2 * (used + (uint64_t)count);
		l->values = xrealloc(l->values, l->values_room * sizeof *l->values);
	}
	if (count > 0)
		memcpy(l->values + used, labels, (size_t)count * sizeof *labels);
	l->offset[i] = used;
	l->offset[i + 1] = used + (uint64_t)count;
	xfree(labels);
	return 0;
}

static int read_all(
	struct label_file *l, struct pack_classes *classes, struct tsv *t, char err[ERR_MAX])
{
	int rc;

	while ((rc = tsv_next(t, 2, err)) == 1)
		if (add_labels(l, classes, t, err) != 0)
			return -1;
	if (rc == 0 && names_count(l->names) == 0)
		return fail(err, "%s: names no image", t->path);
	return rc;
}

struct label_file *labels_open(
	struct pack_classes *classes, uint32_t *crc, const char *path, char err[ERR_MAX])
{
	struct label_file *l;
	struct tsv t;
	int rc;

	if (tsv_open(&t, path, err) != 0)
		return NULL;
	l = xcalloc(1, sizeof *l);
	l->names = names_open();
	rc = read_all(l, classes, &t, err);
	l->seen = xcalloc(names_count(l->names), 1);
	*crc = t.crc;
	tsv_close(&t);
	if (rc == 0)
		return l;
	labels_close(l);
	return NULL;
}

void labels_close(struct label_file *l)
{
	if (!l)
		return;
	names_close(l->names);
	xfree(l->values);
	xfree(l->offset);
	xfree(l->seen);
	xfree(l);
}

void labels_apply(struct label_file *l, struct pack_item *item)
{
	int64_t i = names_find(l->names, item->key);

	if (i < 0)
		return;
	l->seen[i] = 1;
	xfree(item->labels);
	item->label_count = (int)(l->offset[i + 1] - l->offset[i]);
	if (item->label_count == 0)
		return;
	item->labels = xmalloc((size_t)item->label_count * sizeof *item->labels);
	memcpy(item->labels, l->values + l->offset[i],
		(size_t)item->label_count * sizeof *item->labels);
}

void labels_unseen(const struct label_file *l, void (*each)(void *arg, const char *name), void *arg)
{
	for (uint32_t i = 0; i < names_count(l->names); i++)
		if (!l->seen[i])
			each(arg, names_get(l->names, i));
}
