#ifndef PACK_SOURCE_H
#define PACK_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "pack_classes.h"

/* Where images come from: a folder of class folders, a manifest, or tar files.  A source gives its
 * items in an order that depends on the source alone. */

enum { PACK_MAX_FILE = 256 << 20 }; /* bytes of one image file */

struct pack_item {
	char *key;        /* the image's name in the source */
	char *path;       /* the file to read it from; NULL: bytes hold it already */
	char *mask_path;  /* PNG; NULL: none */
	int mask_must_be; /* a mask that is named in a manifest has to be there */
	uint8_t *bytes;
	size_t n;
	int32_t *labels; /* in the numbering of first appearance */
	int label_count;
	char *problem; /* why this item cannot be packed, known already; NULL */
};
void item_free(struct pack_item *item);

struct pack_input {
	const char *const *sources; /* one folder, one manifest (*.tsv, *.txt), or tar files */
	int source_count;
	const char *masks;  /* folder of masks, NULL: none */
	const char *labels; /* label file, NULL: none */
	int strip;          /* leading folders of a tar's names to drop */
};

struct pack_source;

/* Looks through a folder or manifest, or opens the first tar; NULL with the reason in err. */
struct pack_source *source_open(const struct pack_input *input, char err[ERR_MAX]);
void source_close(struct pack_source *s); /* NULL is fine */

/* Items 0..n-1 will be asked for without their bytes (they are packed already). Before the first
 * source_next. */
void source_skip(struct pack_source *s, uint64_t n);

/* The next item, to be freed by item_free: 1; the end: 0; the source cannot be read on: -1. */
int source_next(struct pack_source *s, struct pack_item *item, char err[ERR_MAX]);

/* Number of items where that is known from the start, else -1; and the share of the source that was
 * given so far, 0..1. */
int64_t source_count(const struct pack_source *s);
double source_share(const struct pack_source *s);

/* Lines that tell this source from any other, and from itself after a change. */
const char *source_about(const struct pack_source *s);

/* The classes met so far; the source's own. */
struct pack_classes *source_classes(struct pack_source *s);

/* After the end: calls each(arg, name) for the names of the label file that no image had. */
void source_unseen_labels(
	const struct pack_source *s, void (*each)(void *arg, const char *name), void *arg);

/* After the end: files passed over because they are not named as JPEG or PNG; *example is one of
 * them. */
long source_passed_over(const struct pack_source *s, const char **example);

#endif
