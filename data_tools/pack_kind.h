#ifndef PACK_KIND_H
#define PACK_KIND_H

#include "pack_source.h"

/* What the kinds of source have in common, for pack_source.c and the kinds only. */
struct pack_kind {
	int (*next)(struct pack_kind *k, struct pack_item *item, char err[ERR_MAX]);
	double (*share)(const struct pack_kind *k);
	void (*close)(struct pack_kind *k);
	struct pack_classes *classes; /* borrowed */
	int folders_are_classes;      /* 0: a label file tells the classes */
	int64_t count;                /* of items; -1: not known */
	uint64_t skip;                /* items that need no bytes */
	char *about;
	long passed_over;
	char *passed_example;
};

/* Open a folder, a manifest, tar files; ended by its own close.  folders_are_classes 0: a label
 * file tells the classes.  NULL with the reason in err. */
struct pack_kind *pack_tree_open(
	const char *path, struct pack_classes *classes, int folders_are_classes, char err[ERR_MAX]);
struct pack_kind *pack_manifest_open(
	const char *path, struct pack_classes *classes, char err[ERR_MAX]);
struct pack_kind *pack_tar_open(const char *const *paths, int count, int strip,
	struct pack_classes *classes, int folders_are_classes, char err[ERR_MAX]);

/* 1 when name ends as a JPEG's or PNG's does, in any case. */
int is_image_name(const char *name);

/* 1 when name ends in ending, in any case. */
int ends_in(const char *name, const char *ending);

/* Count a file that is not an image by its name. */
void kind_pass_over(struct pack_kind *k, const char *name);

/* Make the class named by the first length bytes of name the item's only label. */
void item_set_class(
	struct pack_item *item, struct pack_classes *classes, const char *name, size_t length);

#endif
