#ifndef PACK_JOURNAL_H
#define PACK_JOURNAL_H

#include <stdint.h>
#include <sys/types.h>

#include "base/die.h"
#include "pack_index.h"

/* The journal of a pack: what became of each item, in order, one line of text an item with a
 * checksum at its end, appended after the item's bytes were appended to its spool.  What it says
 * when it was begun (options, source) must be the same when it is opened again. */

enum journal_kind {
	JOURNAL_ACCEPTED = '+',
	JOURNAL_REJECTED = '-',
	JOURNAL_SYNCED = 's',  /* all before it is safe on the disk, here and in the spools */
	JOURNAL_COMPLETE = 'c' /* the source is at its end; the shards are being written */
};

struct journal_entry {
	enum journal_kind kind;
	uint32_t key_crc;
	uint32_t stamp;            /* tells the item's files from changed ones */
	struct pack_record record; /* accepted */
	char reason[ERR_MAX];      /* rejected */
};

struct journal;

/* Open the journal at path, or begin it; *begun tells which. A journal that another process works
 * on, or that was begun with another about (lines of key, tab, value), is refused with the first
 * difference and the way out. */
struct journal *journal_open(const char *path, const char *about, int *begun, char err[ERR_MAX]);
void journal_close(struct journal *j); /* NULL is fine */

/* Read from the first entry on: 1; 0 at the end or at a damaged line; entry i starts at
 * journal_place before it is read. */
void journal_rewind(struct journal *j);
int journal_next(struct journal *j, struct journal_entry *e);
off_t journal_place(const struct journal *j);

/* Cut the journal at a place; appending goes on there. */
int journal_cut(struct journal *j, off_t place, char err[ERR_MAX]);

/* Append an entry; journal_sync then puts all that was appended on the disk.  -1 with the reason in
 * err. */
int journal_append(struct journal *j, const struct journal_entry *e, char err[ERR_MAX]);
int journal_sync(struct journal *j, char err[ERR_MAX]);

#endif
