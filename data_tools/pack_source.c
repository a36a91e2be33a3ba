/* pack_source.c - what all kinds of source share: choosing the kind, the label file, the folder of
 * masks. */
#include "pack_source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "pack_kind.h"
#include "pack_labels.h"

struct pack_source {
	struct pack_kind *kind;
	struct pack_classes *classes;
	struct label_file *labels; /* NULL: none */
	char *masks;
	char *about;
};

void item_free(struct pack_item *item)
{
	xfree(item->key);
	xfree(item->path);
	xfree(item->mask_path);
	xfree(item->bytes);
	xfree(item->labels);
	xfree(item->problem);
}

void item_set_class(
	struct pack_item *item, struct pack_classes *classes, const char *name, size_t length)
{
	char *class = xasprintf("%.*s", (int)length, name);

	item->labels = xmalloc(sizeof *item->labels);
	item->labels[0] = classes_add_folder(classes, class);
	item->label_count = 1;
	xfree(class);
}

int ends_in(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	return n > m && strcasecmp(name + n - m, ending) == 0;
}

/* The list of endings ends in a NULL. */
static int ends_in_one(const char *name, const char *const *endings)
{
	while (*endings && !ends_in(name, *endings))
		endings++;
	return *endings != NULL;
}

int is_image_name(const char *name)
{
	static const char *const endings[] = { ".jpg", ".jpeg", ".jpe", ".png", NULL };

	return ends_in_one(name, endings);
}

void kind_pass_over(struct pack_kind *k, const char *name)
{
	if (k->passed_over++ == 0)
		k->passed_example = xstrdup(name);
}

/* ---- opening ---- */

static int is_tar_name(const char *name)
{
	static const char *const endings[] = { ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz",
		".txz", ".tar.zst", NULL };

	return ends_in_one(name, endings);
}

static struct pack_kind *open_kind(
	const struct pack_input *in, struct pack_classes *classes, char err[ERR_MAX])
{
	const char *first = in->sources[0];
	int folders = in->labels == NULL, tars = 0;

	for (int i = 0; i < in->source_count; i++)
		tars += !file_is_folder(in->sources[i]) && is_tar_name(in->sources[i]);
	if (tars == in->source_count)
		return pack_tar_open(
			in->sources, in->source_count, in->strip, classes, folders, err);
	if (in->source_count > 1)
		fail(err, "several sources are taken only when all are tar files");
	else if (file_is_folder(first))
		return pack_tree_open(first, classes, folders, err);
	else if (ends_in(first, ".tsv") || ends_in(first, ".txt"))
		return pack_manifest_open(first, classes, err);
	else
		fail(err,
			"%s: %s; a source is a folder, a manifest (*.tsv, *.txt) or tar files "
			"(*.tar, *.tar.gz ...)",
			first,
			access(first, F_OK) == 0 ? "cannot tell by its name what it is"
						 : "not there");
	return NULL;
}

static int open_parts(struct pack_source *s, const struct pack_input *in, char err[ERR_MAX])
{
	uint32_t crc = 0;

	if (in->masks && !file_is_folder(in->masks))
		return fail(err, "%s: the folder of masks is not there", in->masks);
	if (in->masks)
		s->masks = xstrdup(in->masks);
	if (in->labels && !(s->labels = labels_open(s->classes, &crc, in->labels, err)))
		return -1;
	s->kind = open_kind(in, s->classes, err);
	if (!s->kind)
		return -1;
	s->about = xasprintf("%smasks\t%s\nlabels\t%s, CRC %08x\n", s->kind->about,
		in->masks ? in->masks : "none", in->labels ? in->labels : "none", crc);
	return 0;
}

struct pack_source *source_open(const struct pack_input *in, char err[ERR_MAX])
{
	struct pack_source *s = xcalloc(1, sizeof *s);

	s->classes = classes_open();
	if (open_parts(s, in, err) == 0)
		return s;
	source_close(s);
	return NULL;
}

void source_close(struct pack_source *s)
{
	if (!s)
		return;
	if (s->kind) {
		xfree(s->kind->about);
		xfree(s->kind->passed_example);
		s->kind->close(s->kind);
	}
	labels_close(s->labels);
	classes_close(s->classes);
	xfree(s->masks);
	xfree(s->about);
	xfree(s);
}

/* ---- use ---- */

/* MASKS/a/b.png for the image a/b.jpg. */
static char *mask_path(const char *masks, const char *key)
{
	const char *slash = strrchr(key, '/'), *dot = strrchr(key, '.');
	int length = (int)(dot && (!slash || dot > slash) ? dot - key : (long)strlen(key));

	return xasprintf("%s/%.*s.png", masks, length, key);
}

int source_next(struct pack_source *s, struct pack_item *item, char err[ERR_MAX])
{
	int rc;

	memset(item, 0, sizeof *item);
	rc = s->kind->next(s->kind, item, err);
	if (rc != 1) {
		item_free(item);
		return rc;
	}
	if (s->labels)
		labels_apply(s->labels, item);
	if (s->masks && !item->mask_path)
		item->mask_path = mask_path(s->masks, item->key);
	return 1;
}

void source_skip(struct pack_source *s, uint64_t n)
{
	s->kind->skip = n;
}

int64_t source_count(const struct pack_source *s)
{
	return s->kind->count;
}

double source_share(const struct pack_source *s)
{
	return s->kind->share(s->kind);
}

const char *source_about(const struct pack_source *s)
{
	return s->about;
}

struct pack_classes *source_classes(struct pack_source *s)
{
	return s->classes;
}

void source_unseen_labels(
	const struct pack_source *s, void (*each)(void *arg, const char *name), void *arg)
{
	if (s->labels)
		labels_unseen(s->labels, each, arg);
}

long source_passed_over(const struct pack_source *s, const char **example)
{
	*example = s->kind->passed_example;
	return s->kind->passed_over;
}
