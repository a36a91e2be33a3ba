/* pack_tree.c - images in a folder of class folders: the class is the first folder below the
 * source, and may hold folders of its own.  The tree is listed and sorted before the first image is
 * read. */
#include "pack_kind.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

enum { MAX_DEPTH = 64 }; /* deeper means a loop of links */

struct list {
	char **names;
	size_t count, room;
};

struct tree {
	struct pack_kind kind;
	char *root;
	struct list files;   /* relative to root */
	struct list folders; /* the first level */
	size_t given;
};

static void list_add(struct list *l, const char *name)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->names = xrealloc(l->names, l->room * sizeof *l->names);
	}
	l->names[l->count++] = xstrdup(name);
}

static void list_free(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		xfree(l->names[i]);
	xfree(l->names);
}

/* Bytewise, but a folder's end sorts before any letter, so that files come in the order of sorted
 * folders. */
static int compare_paths(const void *x, const void *y)
{
	const unsigned char *a = *(unsigned char *const *)x, *b = *(unsigned char *const *)y;

	while (*a && *a == *b)
		a++, b++;
	return (*a == '/' ? 1 : *a ? *a + 1 : 0) - (*b == '/' ? 1 : *b ? *b + 1 : 0);
}

static int is_folder(const char *path, const struct dirent *e)
{
	if (e->d_type != DT_UNKNOWN && e->d_type != DT_LNK)
		return e->d_type == DT_DIR;
	return file_is_folder(path);
}

/* Not a pipe or a device, which reading might wait for without end. */
static int may_be_file(const struct dirent *e)
{
	return e->d_type == DT_REG || e->d_type == DT_LNK || e->d_type == DT_UNKNOWN;
}

static int walk(struct tree *t, const char *below, int depth, char err[ERR_MAX]);

static int visit(
	struct tree *t, const char *below, const struct dirent *e, int depth, char err[ERR_MAX])
{
	char *name = *below ? xasprintf("%s/%s", below, e->d_name) : xstrdup(e->d_name);
	char *path = xasprintf("%s/%s", t->root, name);
	int rc = 0;

	if (is_folder(path, e)) {
		if (depth == 0)
			list_add(&t->folders, name);
		rc = walk(t, name, depth + 1, err);
	} else if (is_image_name(name) && may_be_file(e)) {
		list_add(&t->files, name);
		if (t->files.count % 1024 == 0)
			log_progress(0, "looking through %s: %zu images", t->root, t->files.count);
	} else {
		kind_pass_over(&t->kind, name);
	}
	xfree(name);
	xfree(path);
	return rc;
}

static int walk(struct tree *t, const char *below, int depth, char err[ERR_MAX])
{
	char *path = *below ? xasprintf("%s/%s", t->root, below) : xstrdup(t->root);
	DIR *d = depth < MAX_DEPTH ? opendir(path) : NULL;
	struct dirent *e;
	int rc = 0;

	if (!d) {
		rc = fail(err, "%s: cannot list the folder: %s", path,
			depth < MAX_DEPTH ? strerror(errno) : "nested too deep (a loop of links?)");
		xfree(path);
		return rc;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)))
		if (e->d_name[0] != '.')
			rc = visit(t, below, e, depth, err);
	if (rc == 0 && errno != 0)
		rc = fail(err, "%s: cannot list the folder to its end: %s", path, strerror(errno));
	closedir(d);
	xfree(path);
	return rc;
}

static int next(struct pack_kind *k, struct pack_item *item, char err[ERR_MAX])
{
	struct tree *t = (struct tree *)k;
	const char *name, *slash;

	(void)err;
	if (t->given == t->files.count)
		return 0;
	name = t->files.names[t->given++];
	slash = strchr(name, '/');
	item->key = xstrdup(name);
	item->path = xasprintf("%s/%s", t->root, name);
	if (slash && k->folders_are_classes)
		item_set_class(item, k->classes, name, (size_t)(slash - name));
	return 1;
}

static double share(const struct pack_kind *k)
{
	const struct tree *t = (const struct tree *)k;

	return (double)t->given / (double)t->files.count;
}

static void close_tree(struct pack_kind *k)
{
	struct tree *t = (struct tree *)k;

	list_free(&t->files);
	list_free(&t->folders);
	xfree(t->root);
	xfree(t);
}

/* Sort, and make every folder a class, also one without images: the splits of a set then agree. */
static void settle(struct tree *t)
{
	uint32_t crc = 0;

	if (t->files.count > 1)
		qsort(t->files.names, t->files.count, sizeof *t->files.names, compare_paths);
	if (t->folders.count > 1)
		qsort(t->folders.names, t->folders.count, sizeof *t->folders.names, compare_paths);
	for (size_t i = 0; t->kind.folders_are_classes && i < t->folders.count; i++)
		classes_add_folder(t->kind.classes, t->folders.names[i]);
	for (size_t i = 0; i < t->files.count; i++)
		crc = crc32c(crc, t->files.names[i], strlen(t->files.names[i]) + 1);
	t->kind.count = (int64_t)t->files.count;
	t->kind.about = xasprintf(
		"folder\t%s, %zu images, CRC of names %08x\n", t->root, t->files.count, crc);
}

struct pack_kind *pack_tree_open(
	const char *path, struct pack_classes *classes, int folders_are_classes, char err[ERR_MAX])
{
	struct tree *t = xcalloc(1, sizeof *t);

	t->kind = (struct pack_kind){ .next = next,
		.share = share,
		.close = close_tree,
		.classes = classes,
		.folders_are_classes = folders_are_classes };
	t->root = xstrdup(path);
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		t->root[n - 1] = 0;
	if (walk(t, "", 0, err) == 0) {
		settle(t);
		if (t->files.count > 0)
			return &t->kind;
		fail(err, "%s: holds no file named *.jpg, *.jpeg or *.png", path);
		xfree(t->kind.about);
	}
	xfree(t->kind.passed_example);
	close_tree(&t->kind);
	return NULL;
}
