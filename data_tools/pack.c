/* pack.c - the first half of packing: every image is checked, converted and put into its spool.
 *
 * One thread (the caller's) takes items from the source and commits results in the same order; the
 * pool's threads read, decode and convert in between. */
#include "pack.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "convert.h"
#include "pack_state.h"

enum { AHEAD = 4, SYNC_SECONDS = 30, TEXT_MAX = 1 << 30 };

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

const char *pack_time(char text[32], double seconds)
{
	long s = seconds > 0 ? (long)(seconds + 0.5) : 0;

	snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	return text;
}

static void show_progress(const struct pack *p)
{
	double passed = clock_seconds() - p->began, share = source_share(p->source);
	uint64_t items = p->index.count + p->index.rejected_count;
	char total[32] = "", left[64] = "", text[32];

	if (source_count(p->source) >= 0)
		snprintf(total, sizeof total, " of %lld", (long long)source_count(p->source));
	if (share > p->began_share && passed > 2)
		snprintf(left, sizeof left, ", %s left",
			pack_time(text, passed * (1 - share) / (share - p->began_share)));
	log_progress(0, "packing: %llu%s images, %.0f images/s, %llu rejected%s",
		(unsigned long long)items, total,
		(double)(items - p->began_items) / (passed > 0.1 ? passed : 0.1),
		(unsigned long long)p->index.rejected_count, left);
}

static int sync_all(struct pack *p, char err[ERR_MAX])
{
	const struct journal_entry synced = { .kind = JOURNAL_SYNCED };

	if (spool_sync(p->spool, err) != 0 || journal_append(p->journal, &synced, err) != 0)
		return -1;
	return journal_sync(p->journal, err);
}

static int pass(struct pack *p, struct pool *pool, char err[ERR_MAX])
{
	double synced = clock_seconds();
	int more = 1, rc = 0;

	while (rc == 0 && (more || !pool_empty(pool))) {
		struct job *j = NULL;

		if (more && !pool_full(pool)) {
			more = next_job(p, &j, err);
			if (more < 0)
				return -1;
			if (more)
				pool_put(pool, j);
		}
		if (pool_empty(pool))
			continue;
		j = more && !pool_full(pool) ? pool_try(pool) : pool_take(pool);
		if (!j)
			continue;
		rc = commit(p, j, err);
		job_free(j);
		show_progress(p);
		if (rc == 0 && clock_seconds() - synced > SYNC_SECONDS) {
			rc = sync_all(p, err);
			synced = clock_seconds();
		}
	}
	return rc;
}

static int check_all(struct pack *p, char err[ERR_MAX])
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

/* ---- beginning and end ---- */

/* A folder of other things is not written into; a dot file (the work folder) is none. */
static int check_empty(const char *path, char err[ERR_MAX])
{
	DIR *d = opendir(path);
	const struct dirent *e;
	int rc = 0;

	if (!d)
		return 0; /* not there yet */
	while (rc == 0 && (e = readdir(d)))
		if (e->d_name[0] != '.')
			rc = fail(err, "%s: is not empty (it holds %s); give a new folder", path,
				e->d_name);
	closedir(d);
	return rc;
}

/* OUT below a source folder would become part of the source. */
static int check_apart(const struct pack_options *o, char err[ERR_MAX])
{
	char *out = realpath(o->out, NULL), *source = realpath(o->input.sources[0], NULL);
	size_t n = source ? strlen(source) : 0;
	int inside =
		out && source && strncmp(out, source, n) == 0 && (out[n] == '/' || out[n] == 0);

	free(out);
	free(source);
	return inside ? fail(err, "%s: lies inside the source %s; give a folder elsewhere", o->out,
				o->input.sources[0])
		      : 0;
}

static char *describe(const struct pack_options *o, const struct pack_source *s)
{
	char shards[32] = "default";

	if (o->shards > 0)
		snprintf(shards, sizeof shards, "%d", o->shards);
	return xasprintf("pack\tversion 1\nname\t%s\nsplit\t%s\nshards\t%s\nmax side\t%d\n%s",
		o->name, o->split, shards, o->max_side, source_about(s));
}

/* A finished set: fine when it was made by the same call. */
static int compare_finished(struct pack *p, struct pack_outcome *outcome, char err[ERR_MAX])
{
	char *path = xasprintf("%s/pack.txt", p->o->out), why[ERR_MAX];
	unsigned char *text = NULL;
	size_t n;

	outcome->was_there = file_read_all(path, TEXT_MAX, &text, &n, why) == 0 &&
			     strcmp((char *)text, p->about) == 0;
	xfree(path);
	xfree(text);
	if (!outcome->was_there)
		return fail(err,
			"%s: a finished data set is there, from other options or another source "
			"(see its pack.txt);"
			" give a new folder, or remove it",
			p->o->out);
	pack_clear(p->work);
	return 0;
}

static int spool_count(const struct pack *p)
{
	int64_t count = source_count(p->source);

	if (p->o->shards > 0)
		return p->o->shards;
	return count >= 0 && count < PACK_SHARDS ? (int)count : PACK_SHARDS;
}

static int open_work(struct pack *p, char err[ERR_MAX])
{
	char *path = xasprintf("%s/journal", p->work);
	int begun, rc = 0;

	if (!file_exists(path) && (rc = check_empty(p->o->out, err)) == 0)
		rc = file_make_folder(p->work, err);
	if (rc == 0) {
		p->journal = journal_open(path, p->about, &begun, err);
		rc = p->journal ? 0 : -1;
	}
	xfree(path);
	if (rc != 0)
		return rc;
	p->spools = spool_count(p);
	p->spool = spool_open(p->work, p->spools);
	return begun ? 0 : pack_resume(p, err);
}

static int run(struct pack *p, struct pack_outcome *outcome, char err[ERR_MAX])
{
	char *finished = xasprintf("%s/index.json", p->o->out);
	int is_finished = file_exists(finished);

	xfree(finished);
	if (is_finished)
		return compare_finished(p, outcome, err);
	if (open_work(p, err) != 0 || check_all(p, err) != 0)
		return -1;
	return pack_finish(p, outcome, err);
}

int pack_run(const struct pack_options *o, struct pack_outcome *outcome, char err[ERR_MAX])
{
	struct pack p = { .o = o, .work = xasprintf("%s/.pack", o->out) };
	int rc = check_apart(o, err);

	memset(outcome, 0, sizeof *outcome);
	index_init(&p.index);
	if (rc == 0) {
		p.source = source_open(&o->input, err);
		rc = p.source ? 0 : -1;
	}
	if (rc == 0) {
		p.about = describe(o, p.source);
		rc = run(&p, outcome, err);
	}
	item_free(&p.held);
	index_free(&p.index);
	spool_close(p.spool);
	journal_close(p.journal);
	source_close(p.source);
	xfree(p.about);
	xfree(p.work);
	return rc;
}
