/* pack_resume.c - an interrupted pack goes on where it stopped. */
#include <string.h>
#include <sys/stat.h>

#include "base/crc.h"
#include "base/log.h"
#include "base/memory.h"
#include "pack_state.h"

static uint32_t stamp_file(uint32_t crc, const char *path)
{
	struct stat st;
	int64_t v[3] = { -1, -1, -1 };

	if (path && stat(path, &st) == 0) {
		v[0] = st.st_size;
		v[1] = st.st_mtim.tv_sec;
		v[2] = st.st_mtim.tv_nsec;
	}
	return crc32c(crc, v, sizeof v);
}

uint32_t pack_stamp(const struct pack_item *item)
{
	return stamp_file(stamp_file(0, item->path), item->mask_path);
}

uint32_t pack_key_crc(const char *key)
{
	return crc32c(0, key, strlen(key));
}

static int is_item(const struct journal_entry *e)
{
	return e->kind == JOURNAL_ACCEPTED || e->kind == JOURNAL_REJECTED;
}

/* How many items were surely on the disk; sets p->complete. */
static uint64_t count_synced(struct pack *p)
{
	struct journal_entry e;
	uint64_t items = 0, synced = 0;

	journal_rewind(p->journal);
	while (journal_next(p->journal, &e)) {
		items += is_item(&e);
		p->complete |= e.kind == JOURNAL_COMPLETE;
		if (!is_item(&e))
			synced = items;
	}
	return synced;
}

/* Check what was written after the last sync: a machine that went down may have kept the journal
 * and lost a spool's end. The journal is cut after the last whole record.  Returns the number of
 * items kept. */
static int64_t check_spools(struct pack *p, uint64_t synced, char err[ERR_MAX])
{
	uint64_t items = 0, accepted = 0;
	struct journal_entry e;
	uint8_t *buffer = NULL;
	off_t good;

	journal_rewind(p->journal);
	good = journal_place(p->journal);
	while (journal_next(p->journal, &e)) {
		int spool = (int)(accepted % (uint64_t)p->spools);
		const struct pack_record *r = &e.record;

		if (e.kind == JOURNAL_ACCEPTED && items < synced) {
			spool_pass(p->spool, spool, r);
		} else if (e.kind == JOURNAL_ACCEPTED) {
			buffer = xrealloc(buffer, (size_t)r->bytes + r->mask_bytes);
			if (spool_read(p->spool, spool, r, buffer, err) != 0)
				break;
		}
		items += is_item(&e);
		accepted += e.kind == JOURNAL_ACCEPTED;
		if (items % 1024 == 1023)
			log_progress(0, "checking what was packed before: %llu images",
				(unsigned long long)items);
		good = journal_place(p->journal);
	}
	xfree(buffer);
	for (int i = 0; i < p->spools; i++)
		spool_rewind(p->spool, i);
	return journal_cut(p->journal, good, err) == 0 ? (int64_t)items : -1;
}

enum { FOLLOWED, CHANGED };

/* Take the item of entry e from the source again. CHANGED: its files are not those that were
 * packed; it is held. */
static int follow(struct pack *p, const struct journal_entry *e, char err[ERR_MAX])
{
	struct pack_item item;
	int rc = source_next(p->source, &item, err);
	uint32_t key;

	if (rc < 0)
		return -1;
	if (rc == 0 || pack_key_crc(item.key) != e->key_crc) {
		if (rc == 1)
			item_free(&item);
		return fail(err,
			"%s: the source is not the one that this unfinished pack was begun with; "
			"remove"
			" this folder and all beside it to begin anew",
			p->work);
	}
	if (pack_stamp(&item) != e->stamp) {
		p->held = item;
		return CHANGED;
	}
	key = names_add(p->index.keys, item.key, NULL);
	if (e->kind == JOURNAL_REJECTED) {
		index_reject(&p->index, item.key, e->reason);
	} else {
		spool_pass(p->spool, (int)(p->index.count % (uint64_t)p->spools), &e->record);
		index_accept(&p->index, &e->record, key, item.labels, item.label_count);
	}
	item_free(&item);
	return FOLLOWED;
}

static int follow_all(struct pack *p, char err[ERR_MAX])
{
	struct journal_entry e;
	off_t place;

	journal_rewind(p->journal);
	for (place = journal_place(p->journal); journal_next(p->journal, &e);
		place = journal_place(p->journal)) {
		int rc = is_item(&e) ? follow(p, &e, err) : FOLLOWED;

		if (rc < 0)
			return -1;
		if (rc == CHANGED && p->complete)
			return fail(err,
				"%s: has changed since it was packed, and the shards are being "
				"written already; remove"
				" %s to begin anew",
				p->held.path, p->o->out);
		if (rc == CHANGED)
			return journal_cut(p->journal, place, err);
		if (p->index.count % 1024 == 1023)
			log_progress(0, "going on: %llu images are there",
				(unsigned long long)p->index.count);
	}
	return 0;
}

int pack_resume(struct pack *p, char err[ERR_MAX])
{
	uint64_t synced = count_synced(p);
	int64_t items = check_spools(p, synced, err);

	if (items < 0)
		return -1;
	source_skip(p->source, (uint64_t)items);
	if (follow_all(p, err) != 0)
		return -1;
	log_info("going on with an unfinished pack: %llu images are there, %llu were rejected",
		(unsigned long long)p->index.count, (unsigned long long)p->index.rejected_count);
	return p->complete ? 0 : spool_cut(p->spool, err);
}
