#ifndef PACK_LABELS_H
#define PACK_LABELS_H

#include <stdint.h>

#include "base/die.h"
#include "pack_classes.h"
#include "pack_source.h"

/* The label file of --labels: lines of image name, tab, label or labels with commas. */

struct label_file;

/* Read it; its labels are entered in classes; *crc tells its content. A name given twice is an
 * error. */
struct label_file *labels_open(
	struct pack_classes *classes, uint32_t *crc, const char *path, char err[ERR_MAX]);
void labels_close(struct label_file *l); /* NULL is fine */

/* Give the item the labels that are listed for its key, if any. */
void labels_apply(struct label_file *l, struct pack_item *item);

/* Calls each(arg, name) for the names that no item had. */
void labels_unseen(
	const struct label_file *l, void (*each)(void *arg, const char *name), void *arg);

#endif
