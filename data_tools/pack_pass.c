/* pack_pass.c - the first half of packing: every image is checked, converted and put into its
 * spool.
 *
 * One thread (the caller's) takes items from the source and commits results in the same order; the
 * pool's threads read, decode and convert in between. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "convert.h"
#include "pack_state.h"

enum { AHEAD = 8 /* images for each thread */, SYNC_SECONDS = 30 };

/* ---- one image, in a thread of the pool ---- */

struct job {
	struct pack_item item;
	uint32_t key, stamp;
	struct converted out;
	struct pack_record record;
	int accepted;
	char reason[ERR_MAX];
};

struct workshop {
	int max_side;
	struct converter *converters; /* one a thread */
};

static int read_mask(struct job *j, char err[ERR_MAX])
{
	const struct pack_item *item = &j->item;
	char why[ERR_MAX];
	uint8_t *bytes;
	size_t n;
	int rc;

	if (!item->mask_path || (!item->mask_must_be && !file_exists(item->mask_path)))
		return 0;
	if (file_read_all(item->mask_path, PACK_MAX_FILE, &bytes, &n, why) != 0)
		return fail(err, "mask: %.900s", why);
	rc = convert_mask(&j->out, bytes, n, why);
	xfree(bytes);
	return rc == 0 ? 0 : fail(err, "mask %.400s: %.500s", item->mask_path, why);
}

static int process(struct job *j, struct converter *c, int max_side, char err[ERR_MAX])
{
	struct pack_item *item = &j->item;

	if (item->problem)
		return fail(err, "%s", item->problem);
	if (item->path &&
		file_read_all(item->path, PACK_MAX_FILE, &item->bytes, &item->n, err) != 0)
		return -1;
	if (convert_image(&j->out, c, &item->bytes, item->n, max_side, err) != 0)
		return -1;
	return read_mask(j, err);
}

/* A reason goes into files of one line an item. */
static void printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 32 || *text == 127)
			*text = '?';
}

static void work(void *arg, void *job, int thread)
{
	struct workshop *w = arg;
	struct job *j = job;
	const struct converted *c = &j->out;

	j->stamp = pack_stamp(&j->item); /* before it is read: a later change is found then */
	j->accepted = process(j, &w->converters[thread], w->max_side, j->reason) == 0;
	xfree(j->item.bytes);
	if (!j->accepted) {
		printable(j->reason);
		return;
	}
	j->record = (struct pack_record){ .bytes = (uint32_t)c->bytes,
		.crc = crc32c(0, c->jpeg, c->bytes),
		.width = (uint32_t)c->width,
		.height = (uint32_t)c->height,
		.mask_bytes = (uint32_t)c->mask_bytes,
		.mask_crc = crc32c(0, c->mask, c->mask_bytes),
		.foreground = (uint32_t)c->foreground };
}

static void job_free(struct job *j)
{
	item_free(&j->item);
	converted_free(&j->out);
	xfree(j);
}

/* ---- the pass over the source ---- */

/* The next item as a job: 1; the end: 0. */
static int next_job(struct pack *p, struct job **job, char err[ERR_MAX])
{
	struct job *j = xcalloc(1, sizeof *j);
	int rc = 1, added;

	if (p->held.key) {
		j->item = p->held;
		memset(&p->held, 0, sizeof p->held);
	} else {
		rc = source_next(p->source, &j->item, err);
	}
	if (rc == 1 && p->complete)
		rc = fail(err, "%s: the source has more images than when this pack was begun",
			p->work);
	if (rc != 1) {
		job_free(j);
		return rc;
	}
	j->key = names_add(p->index.keys, j->item.key, &added);
	if (!added) {
		xfree(j->item.problem);
		j->item.problem = xstrdup("the source has this key twice; the first one counts");
	}
	*job = j;
	return 1;
}

static int commit(struct pack *p, const struct job *j, char err[ERR_MAX])
{
	int spool = (int)(p->index.count % (uint64_t)p->spools);
	struct journal_entry e = { .kind = j->accepted ? JOURNAL_ACCEPTED : JOURNAL_REJECTED,
		.key_crc = pack_key_crc(j->item.key),
		.stamp = j->stamp,
		.record = j->record };

	snprintf(e.reason, sizeof e.reason, "%s", j->reason);
	if (j->accepted &&
		spool_append(p->spool, spool, &j->record, j->out.jpeg, j->out.mask, err) != 0)
		return -1;
	if (journal_append(p->journal, &e, err) != 0)
		return -1;
	if (j->accepted)
		index_accept(&p->index, &j->record, j->key, j->item.labels, j->item.label_count);
	else
		index_reject(&p->index, j->item.key, j->reason);
	return 0;
}

static void show_progress(const struct pack *p)
{
	double passed = clock_seconds() - p->began, share = source_share(p->source);
	uint64_t items = p->index.count + p->index.rejected_count;
	char total[32] = "", left[64] = "", text[32];

	if (passed < 1)
		return; /* a small set is packed without a word */
	if (source_count(p->source) >= 0)
		snprintf(total, sizeof total, " of %lld", (long long)source_count(p->source));
	if (share > p->began_share)
		snprintf(left, sizeof left, ", %s left",
			pack_time(text, passed * (1 - share) / (share - p->began_share)));
	log_progress(0, "packing: %llu%s images, %.0f images/s, %llu rejected%s",
		(unsigned long long)items, total, (double)(items - p->began_items) / passed,
		(unsigned long long)p->index.rejected_count, left);
}

static int sync_all(struct pack *p, char err[ERR_MAX])
{
	const struct journal_entry synced = { .kind = JOURNAL_SYNCED };

	if (spool_sync(p->spool, err) != 0 || journal_append(p->journal, &synced, err) != 0)
		return -1;
	return journal_sync(p->journal, err);
}

/* Jobs for all threads, as long as the source has any: 1, then 0. */
static int fill(struct pack *p, struct pool *pool, char err[ERR_MAX])
{
	while (!pool_full(pool)) {
		struct job *j = NULL;
		int more = next_job(p, &j, err);

		if (more != 1)
			return more;
		pool_put(pool, j);
	}
	return 1;
}

/* Wait for results, and commit all that are there. */
static int drain(struct pack *p, struct pool *pool, char err[ERR_MAX])
{
	struct job *j = pool_take(pool);
	int rc = 0;

	while (rc == 0 && j) {
		rc = commit(p, j, err);
		job_free(j);
		j = rc == 0 && !pool_empty(pool) ? pool_try(pool) : NULL;
	}
	show_progress(p);
	return rc;
}

static int pass(struct pack *p, struct pool *pool, char err[ERR_MAX])
{
	double synced = clock_seconds();
	int more = 1, rc = 0;

	while (rc == 0 && (more || !pool_empty(pool))) {
		if (more)
			more = fill(p, pool, err);
		if (more < 0)
			return -1;
		if (!pool_empty(pool))
			rc = drain(p, pool, err);
		if (rc == 0 && clock_seconds() - synced > SYNC_SECONDS) {
			rc = sync_all(p, err);
			synced = clock_seconds();
		}
	}
	return rc;
}

int pack_pass(struct pack *p, char err[ERR_MAX])
{
	int threads = p->o->threads, capacity = AHEAD * threads, rc;
	struct workshop w = { .max_side = p->o->max_side,
		.converters = xcalloc((size_t)threads, sizeof *w.converters) };
	struct pool *pool = pool_open(threads, capacity, work, &w);

	p->began = clock_seconds();
	p->began_share = source_share(p->source);
	p->began_items = p->index.count + p->index.rejected_count;
	rc = pass(p, pool, err);
	while (!pool_empty(pool)) /* after an error */
		job_free(pool_take(pool));
	pool_close(pool);
	for (int i = 0; i < threads; i++)
		converter_free(&w.converters[i]);
	xfree(w.converters);
	return rc;
}
