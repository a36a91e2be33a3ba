#ifndef PACK_INDEX_H
#define PACK_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "pack_names.h"

/* What was packed so far, in memory: about 60 bytes an image, and its key. */

/* One accepted image as the spool holds it: its JPEG, then its mask. */
struct pack_record {
	uint32_t bytes, crc;
	uint32_t width, height;
	uint32_t mask_bytes, mask_crc; /* 0 bytes: no mask */
	uint32_t foreground;           /* pixels under the mask */
};

struct pack_index {
	struct pack_names *keys; /* of all items, rejected ones too */
	struct pack_entry {
		struct pack_record record;
		uint32_t key;
		int label_count;
		uint64_t label_first; /* its labels are labels[label_first ...] */
	} * entries;
	uint64_t count, room;
	int32_t *labels; /* in the numbering of first appearance */
	uint64_t label_count, label_room;
	struct pack_rejected {
		char *key, *reason;
	} * rejected;
	uint64_t rejected_count, rejected_room;
	uint64_t bytes, masks, unlabelled;
};

/* An empty index; the caller frees it. */
void index_init(struct pack_index *x);
void index_free(struct pack_index *x);

/* Note image number x->count, or one that was rejected; record, labels and texts are copied. */
void index_accept(struct pack_index *x, const struct pack_record *r, uint32_t key,
	const int32_t *labels, int label_count);
void index_reject(struct pack_index *x, const char *key, const char *reason);

/* Write the rejected ones as lines of key, tab, reason; control characters of a key appear as '?'.
 */
int index_write_rejected(const struct pack_index *x, const char *path, char err[ERR_MAX]);

#endif
