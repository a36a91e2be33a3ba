/* pack_tar.c - images in tar files: ILSVRC2012's tar of tars (the class is the inner tar's name),
 * WebDataset (key.jpg with key.cls beside it), or plain class folders.
 *
 * Files that differ in their ending only belong together, as in WebDataset: an image is given when
 * the first file of the next one is met. */
#include "pack_kind.h"

#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "pack_tar_read.h"

enum { MAX_CLS = 4096 }; /* bytes of a .cls file */

struct sample {
	struct pack_item item;
	char *stem;   /* name without its ending; NULL: nothing is held */
	char *labels; /* what a .cls file held; NULL: there was none */
	char *folder; /* the class by folder or inner tar; NULL: none */
	int has_image;
};

struct tar {
	struct pack_kind kind;
	struct tar_reader *reader;
	int strip;
	uint64_t given;
	struct sample held;
};

static void sample_free(struct sample *s)
{
	item_free(&s->item);
	xfree(s->stem);
	xfree(s->labels);
	xfree(s->folder);
	memset(s, 0, sizeof *s);
}

static int stem_length(const char *name)
{
	const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');

	return (int)(dot ? dot - name : (long)strlen(name));
}

/* Drop leading folders, but never the file's own name. */
static const char *strip(const char *name, int folders)
{
	const char *slash;

	while (folders-- > 0 && (slash = strchr(name, '/')))
		name = slash + 1;
	return name;
}

static char *key_of(const struct tar *t, const struct tar_entry *e)
{
	return e->inner ? xasprintf("%s/%s", e->inner, e->name) : xstrdup(strip(e->name, t->strip));
}

static char *folder_of(const struct tar_entry *e, const char *key)
{
	const char *slash = strchr(key, '/');

	if (e->inner)
		return xstrdup(e->inner);
	return slash ? xasprintf("%.*s", (int)(slash - key), key) : NULL;
}

/* The held sample becomes *item; nothing is held then. */
static void give(struct tar *t, struct pack_item *item)
{
	struct sample *s = &t->held;

	*item = s->item;
	memset(&s->item, 0, sizeof s->item);
	if (!s->has_image) {
		xfree(item->problem);
		item->problem = xstrdup("a label without an image of the same name");
	}
	if (s->has_image && s->labels)
		item->label_count = classes_parse(t->kind.classes, &item->labels, s->labels);
	else if (s->has_image && s->folder && t->kind.folders_are_classes)
		item_set_class(item, t->kind.classes, s->folder, strlen(s->folder));
	sample_free(s);
	t->given++;
}

static int hold_image(struct tar *t, const struct tar_entry *e, char **key, char err[ERR_MAX])
{
	struct sample *s = &t->held;

	xfree(s->item.key); /* that of a .cls file which came first */
	s->has_image = 1;
	s->folder = folder_of(e, *key);
	s->item.key = *key;
	*key = NULL;
	if (e->size > PACK_MAX_FILE) {
		xfree(s->item.problem);
		s->item.problem =
			xasprintf("%zu bytes; at most %d are taken", e->size, PACK_MAX_FILE);
		return 0;
	}
	s->item.n = e->size;
	return t->given < t->kind.skip ? 0
				       : tar_reader_load(t->reader, &s->item.bytes, e->size, err);
}

static int hold_labels(struct tar *t, const struct tar_entry *e, char **key, char err[ERR_MAX])
{
	struct sample *s = &t->held;
	uint8_t *bytes;

	if (!s->item.key) {
		s->item.key = *key;
		*key = NULL;
	}
	if (e->size > MAX_CLS) {
		if (!s->item.problem)
			s->item.problem = xasprintf("its .cls file has %zu bytes", e->size);
		return 0;
	}
	if (tar_reader_load(t->reader, &bytes, e->size, err) != 0)
		return -1;
	xfree(s->labels);
	s->labels = xasprintf("%.*s", (int)e->size, (const char *)bytes);
	xfree(bytes);
	return 0;
}

/* Take in one file; 1 when a sample was complete before it and is now in *item. */
static int take_in(
	struct tar *t, struct pack_item *item, const struct tar_entry *e, char err[ERR_MAX])
{
	const char *slash = strrchr(e->name, '/'), *base = slash ? slash + 1 : e->name;
	int is_image = is_image_name(base), given = 0, rc, n;
	struct sample *s = &t->held;
	char *key;

	if (*base == '.')
		return 0; /* hidden, as in a folder */
	if (!is_image && !ends_in(base, ".cls")) {
		kind_pass_over(&t->kind, e->name);
		return 0;
	}
	key = key_of(t, e);
	n = stem_length(key);
	if (s->stem &&
		((is_image && s->has_image) || strlen(s->stem) != (size_t)n ||
			memcmp(s->stem, key, (size_t)n))) {
		give(t, item);
		given = 1;
	}
	if (!s->stem)
		s->stem = xasprintf("%.*s", n, key);
	rc = is_image ? hold_image(t, e, &key, err) : hold_labels(t, e, &key, err);
	xfree(key);
	if (rc != 0 && given)
		item_free(item);
	return rc != 0 ? -1 : given;
}

static int next(struct pack_kind *k, struct pack_item *item, char err[ERR_MAX])
{
	struct tar *t = (struct tar *)k;
	struct tar_entry e;
	int rc;

	while ((rc = tar_reader_next(t->reader, &e, err)) == 1) {
		rc = take_in(t, item, &e, err);
		if (rc != 0)
			return rc;
	}
	if (rc != 0 || !t->held.stem)
		return rc;
	give(t, item);
	return 1;
}

static double share(const struct pack_kind *k)
{
	return tar_reader_share(((const struct tar *)k)->reader);
}

static void close_tar(struct pack_kind *k)
{
	struct tar *t = (struct tar *)k;

	sample_free(&t->held);
	tar_reader_close(t->reader);
	xfree(t);
}

/* Name, size and time of every file: a changed tar is another source. */
static char *describe(const char *const *paths, int count, int strip_folders, char err[ERR_MAX])
{
	char *text = xasprintf("strip components\t%d\n", strip_folders);

	for (int i = 0; i < count; i++) {
		struct stat st;
		char *more;

		if (stat(paths[i], &st) != 0) {
			fail(err, "%s: not there", paths[i]);
			xfree(text);
			return NULL;
		}
		more = xasprintf("%star\t%s, %lld bytes of %lld\n", text, paths[i],
			(long long)st.st_size, (long long)st.st_mtime);
		xfree(text);
		text = more;
	}
	return text;
}

struct pack_kind *pack_tar_open(const char *const *paths, int count, int strip_folders,
	struct pack_classes *classes, int folders_are_classes, char err[ERR_MAX])
{
	char *about = describe(paths, count, strip_folders, err);
	struct tar *t;

	if (!about)
		return NULL;
	t = xcalloc(1, sizeof *t);
	t->kind = (struct pack_kind){ .next = next,
		.share = share,
		.close = close_tar,
		.classes = classes,
		.folders_are_classes = folders_are_classes,
		.count = -1,
		.about = about };
	t->strip = strip_folders;
	t->reader = tar_reader_open(paths, count);
	return &t->kind;
}
