/* demo_list.c - lists of photographs, split into what training shows and what it never shows. */
#include "demo_list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"

enum { LIST_MAX = 1 << 20, HOLD_OUT_EVERY = 4 };

#define STAMPS_PACKAGE "tuxpaint-stamps-default"

/* A list as read: one row a line. */
struct row {
	char *first, *second; /* columns, pointing into text; second may be NULL */
	int line;
};

struct rows {
	const char *path;
	char *text;
	struct row *row;
	int count;
};

static int rows_read(struct rows *r, const char *path, uint32_t *crc, char err[ERR_MAX])
{
	unsigned char *bytes;
	size_t n;
	int line = 0;

	memset(r, 0, sizeof *r);
	r->path = path;
	if (file_read_all(path, LIST_MAX, &bytes, &n, err) != 0)
		return -1;
	*crc = crc32c(*crc, bytes, n);
	r->text = (char *)bytes;
	for (char *p = r->text, *next; p; p = next) {
		char *tab;

		next = strchr(p, '\n');
		if (next)
			*next++ = 0;
		p[strcspn(p, "\r")] = 0;
		line++;
		if (*p == 0 || *p == '#')
			continue;
		tab = strchr(p, '\t');
		if (tab)
			*tab++ = 0;
		r->row = xrealloc(r->row, (size_t)(r->count + 1) * sizeof *r->row);
		r->row[r->count++] = (struct row){ p, tab && *tab ? tab : NULL, line };
	}
	return r->count > 0 ? 0 : fail(err, "%s: lists no file", path);
}

static void rows_free(struct rows *r)
{
	xfree(r->text);
	xfree(r->row);
}

static int is_folder_name(const char *s)
{
	if (*s == 0 || *s == '.')
		return 0;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_-.", *s))
			return 0;
	return 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted names without repetition: class numbers are those of a sorted directory. */
static void find_classes(struct demo_lists *l, const struct rows *r)
{
	l->classes = xmalloc((size_t)r->count * sizeof *l->classes);
	for (int i = 0; i < r->count; i++)
		l->classes[i] = r->row[i].first;
	qsort(l->classes, (size_t)r->count, sizeof *l->classes, by_name);
	for (int i = 0; i < r->count; i++)
		if (i == 0 || strcmp(l->classes[i], l->classes[l->class_count - 1]) != 0)
			l->classes[l->class_count++] = l->classes[i];
	for (int i = 0; i < l->class_count; i++)
		l->classes[i] = xstrdup(l->classes[i]);
}

static void add_object(
	struct demo_lists *l, int side, int class, const char *stamps, const char *file)
{
	int n = l->object_count[side]++;

	l->objects[side] = xrealloc(l->objects[side], (size_t)(n + 1) * sizeof **l->objects);
	l->objects[side][n] = (struct demo_object){ xasprintf("%s/%s", stamps, file), class };
}

static int split_objects(
	struct demo_lists *l, const struct rows *r, const char *stamps, char err[ERR_MAX])
{
	for (int class = 0; class < l->class_count; class ++) {
		int seen = 0;

		for (int i = 0; i < r->count; i++)
			if (strcmp(r->row[i].first, l->classes[class]) == 0)
				add_object(l, ++seen % HOLD_OUT_EVERY == 0, class, stamps,
					r->row[i].second);
		if (seen < HOLD_OUT_EVERY)
			return fail(err,
				"%s: class %s has %d objects; it needs at least %d, one of them "
				"held out",
				r->path, l->classes[class], seen, HOLD_OUT_EVERY);
	}
	return 0;
}

static int check_objects(const struct rows *r, char err[ERR_MAX])
{
	for (int i = 0; i < r->count; i++) {
		const struct row *row = &r->row[i];

		if (!row->second)
			return fail(err, "%s, line %d: expected a class, one tab and a file",
				r->path, row->line);
		if (!is_folder_name(row->first))
			return fail(err,
				"%s, line %d: class '%s': use letters, digits, '_', '-' and '.' "
				"only",
				r->path, row->line, row->first);
		for (int j = 0; j < i; j++)
			if (strcmp(r->row[j].second, row->second) == 0)
				return fail(err, "%s, line %d: %s is listed twice (line %d)",
					r->path, row->line, row->second, r->row[j].line);
	}
	return 0;
}

static int read_objects(
	struct demo_lists *l, const char *path, const char *stamps, char err[ERR_MAX])
{
	struct rows r;
	int rc = rows_read(&r, path, &l->crc, err);

	if (rc == 0)
		rc = check_objects(&r, err);
	if (rc == 0) {
		find_classes(l, &r);
		rc = split_objects(l, &r, stamps, err);
	}
	rows_free(&r);
	return rc;
}

/* A path of a list is relative to the list's folder. */
static char *beside(const char *list, const char *file)
{
	const char *slash = strrchr(list, '/');

	if (*file == '/' || !slash)
		return xstrdup(file);
	return xasprintf("%.*s/%s", (int)(slash - list), list, file);
}

static int check_backgrounds(const struct rows *r, char err[ERR_MAX])
{
	for (int i = 0; i < r->count; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(r->row[j].first, r->row[i].first) == 0)
				return fail(err, "%s, line %d: %s is listed twice (line %d)",
					r->path, r->row[i].line, r->row[i].first, r->row[j].line);
	if (r->count < HOLD_OUT_EVERY)
		return fail(err, "%s: %d backgrounds; at least %d are needed, one of them held out",
			r->path, r->count, HOLD_OUT_EVERY);
	return 0;
}

static int read_backgrounds(struct demo_lists *l, const char *path, char err[ERR_MAX])
{
	struct rows r;
	int rc = rows_read(&r, path, &l->crc, err);

	if (rc == 0)
		rc = check_backgrounds(&r, err);
	for (int i = 0; rc == 0 && i < r.count; i++) {
		int side = (i + 1) % HOLD_OUT_EVERY == 0, n = l->background_count[side]++;
		struct demo_background **list = &l->backgrounds[side];

		*list = xrealloc(*list, (size_t)(n + 1) * sizeof **list);
		(*list)[n].file = beside(path, r.row[i].first);
		(*list)[n].package = r.row[i].second ? xstrdup(r.row[i].second) : NULL;
	}
	rows_free(&r);
	return rc;
}

int demo_lists_read(struct demo_lists *l, const char *objects, const char *backgrounds,
	const char *stamps, char err[ERR_MAX])
{
	memset(l, 0, sizeof *l);
	if (read_objects(l, objects, stamps, err) == 0 &&
		read_backgrounds(l, backgrounds, err) == 0)
		return 0;
	demo_lists_free(l);
	return -1;
}

void demo_lists_free(struct demo_lists *l)
{
	for (int side = 0; side < DEMO_SIDES; side++) {
		for (int i = 0; i < l->object_count[side]; i++)
			xfree(l->objects[side][i].file);
		for (int i = 0; i < l->background_count[side]; i++) {
			xfree(l->backgrounds[side][i].file);
			xfree(l->backgrounds[side][i].package);
		}
		xfree(l->objects[side]);
		xfree(l->backgrounds[side]);
	}
	for (int i = 0; i < l->class_count; i++)
		xfree(l->classes[i]);
	xfree(l->classes);
	memset(l, 0, sizeof *l);
}

/* What is missing: the first file, and the packages (or files that none is named for), each once.
 */
struct missing {
	const char *first;
	char packages[ERR_MAX / 2], files[ERR_MAX / 4];
};

static void append_once(char *list, size_t size, const char *word)
{
	size_t n = strlen(list), k = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p += k)
		if ((p == list || p[-1] == ' ') && (p[k] == 0 || p[k] == ' '))
			return;
	if (n + k + 2 < size)
		snprintf(list + n, size - n, "%s%s", n ? " " : "", word);
}

static void look_for(struct missing *m, const char *file, const char *package)
{
	if (file_exists(file))
		return;
	m->first = m->first ? m->first : file;
	if (package)
		append_once(m->packages, sizeof m->packages, package);
	else
		append_once(m->files, sizeof m->files, file);
}

int demo_lists_present(const struct demo_lists *l, char err[ERR_MAX])
{
	struct missing m = { 0 };

	for (int side = 0; side < DEMO_SIDES; side++) {
		for (int i = 0; i < l->object_count[side]; i++)
			look_for(&m, l->objects[side][i].file, STAMPS_PACKAGE);
		for (int i = 0; i < l->background_count[side]; i++)
			look_for(&m, l->backgrounds[side][i].file, l->backgrounds[side][i].package);
	}
	if (m.packages[0])
		return fail(err,
			"the demo data are made of photographs that are not on this machine (the "
			"first: %.300s); "
			"on Debian: apt-get install %s",
			m.first, m.packages);
	if (m.files[0])
		return fail(
			err, "the list of backgrounds names files that are not there: %s", m.files);
	return 0;
}
