/* pack_manifest.c - images listed in a text file: path, labels, mask.  Paths are relative to the
 * file's folder. The list is read line by line, twice: once to check all of it before any work,
 * once for the items. */
#include "pack_kind.h"

#include <libgen.h>
#include <string.h>

#include "base/memory.h"
#include "pack_tsv.h"

struct manifest {
	struct pack_kind kind;
	struct tsv list;
	char *folder;
	int64_t given;
};

static char *resolve(const struct manifest *m, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", m->folder, path);
}

static int next(struct pack_kind *k, struct pack_item *item, char err[ERR_MAX])
{
	struct manifest *m = (struct manifest *)k;
	int rc = tsv_next(&m->list, 3, err);

	if (rc != 1)
		return rc;
	m->given++;
	item->key = xstrdup(m->list.field[0]);
	item->path = resolve(m, m->list.field[0]);
	item->label_count = classes_parse(k->classes, &item->labels, m->list.field[1]);
	if (*m->list.field[2]) {
		item->mask_path = resolve(m, m->list.field[2]);
		item->mask_must_be = 1;
	}
	return 1;
}

static double share(const struct pack_kind *k)
{
	return (double)((const struct manifest *)k)->given / (double)k->count;
}

static void close_manifest(struct pack_kind *k)
{
	struct manifest *m = (struct manifest *)k;

	tsv_close(&m->list);
	xfree(m->folder);
	xfree(m);
}

static char *folder_of(const char *path)
{
	char *copy = xstrdup(path), *folder = xstrdup(dirname(copy));

	xfree(copy);
	return folder;
}

struct pack_kind *pack_manifest_open(
	const char *path, struct pack_classes *classes, char err[ERR_MAX])
{
	struct manifest *m = xcalloc(1, sizeof *m);
	int rc;

	m->kind = (struct pack_kind){
		.next = next, .share = share, .close = close_manifest, .classes = classes
	};
	m->folder = folder_of(path);
	rc = tsv_open(&m->list, path, err);
	while (rc == 0 && (rc = tsv_next(&m->list, 3, err)) == 1) {
		m->kind.count++;
		rc = 0;
	}
	if (rc == 0 && m->kind.count == 0)
		rc = fail(err, "%s: lists no image", path);
	if (rc != 0) {
		close_manifest(&m->kind);
		return NULL;
	}
	m->kind.about =
		xasprintf("manifest\t%s, %ld lines, CRC %08x\n", path, m->list.number, m->list.crc);
	tsv_rewind(&m->list);
	return &m->kind;
}
