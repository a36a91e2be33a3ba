#ifndef PACK_STATE_H
#define PACK_STATE_H

#include "pack.h"
#include "pack_index.h"
#include "pack_journal.h"
#include "pack_pool.h"
#include "pack_source.h"
#include "pack_spool.h"

/* One pack at work, shared by pack.c, pack_resume.c, pack_pass.c and pack_finish.c. */
struct pack {
	const struct pack_options *o;
	char *about; /* options and source, as lines */
	char *work;  /* OUT/.pack */
	struct pack_source *source;
	struct journal *journal;
	struct spool *spool;
	struct pack_index index;
	int spools;
	int complete; /* the journal has the whole source, and shards may be there */
	struct pack_item
		held; /* an item taken from the source that is yet to be packed; key NULL: none */
	double began, began_share; /* of the clock and the source, for the time left */
	uint64_t began_items;
};

/* Journaled items back into the index (pack_resume.c): checks the spools, follows the source, cuts
 * off what was not written whole.  p->held may be set. */
int pack_resume(struct pack *p, char err[ERR_MAX]);

/* Tells a changed file from the one that was packed: of size and time of the item's files. */
uint32_t pack_stamp(const struct pack_item *item);
uint32_t pack_key_crc(const char *key);

/* Check and convert every image of the source into the spools (pack_pass.c). */
int pack_pass(struct pack *p, char err[ERR_MAX]);

/* From the spools to the finished set (pack_finish.c). */
int pack_finish(struct pack *p, struct pack_outcome *outcome, char err[ERR_MAX]);

/* Remove the work folder (pack.c). */
void pack_clear(const char *work);

/* "1:02:03" of seconds, in a buffer of the caller. */
const char *pack_time(char text[32], double seconds);

#endif
