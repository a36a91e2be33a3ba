/* pack_finish.c - the second half of packing: the spools become shards, then the index is written.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "pack_state.h"

enum { SHOWN = 10 }; /* rejected images told on the terminal */

/* ---- checks on the whole ---- */

static void reject_unseen(void *arg, const char *name)
{
	index_reject(arg, name, "named in the label file, but not in the source");
}

static int check_rejected(const struct pack *p, const char *list, char err[ERR_MAX])
{
	const struct pack_index *x = &p->index;
	double share = (double)x->rejected_count / (double)(x->count + x->rejected_count);

	if (share <= p->o->max_rejected)
		return 0;
	for (uint64_t i = 0; i < x->rejected_count && i < SHOWN; i++)
		log_warn("rejected %s: %s", x->rejected[i].key, x->rejected[i].reason);
	return fail(err,
		"%llu of %llu images were rejected, %.2f %% where %.2f %% are allowed; all are "
		"listed in %s; mend"
		" them or raise --max-rejected, and run the same command again: it goes on from "
		"here",
		(unsigned long long)x->rejected_count,
		(unsigned long long)(x->count + x->rejected_count), 100 * share,
		100 * p->o->max_rejected, list);
}

static int check_counts(const struct pack *p, const char *list, char err[ERR_MAX])
{
	const struct pack_index *x = &p->index;

	if (x->count + x->rejected_count == 0)
		return fail(
			err, "%s: holds no image (*.jpg, *.jpeg, *.png)", p->o->input.sources[0]);
	if (check_rejected(p, list, err) != 0)
		return -1;
	if (x->count == 0)
		return fail(err, "no image could be packed; %s tells why", list);
	if (p->o->shards > 0 && x->count < (uint64_t)p->o->shards)
		return fail(err,
			"%llu images are too few for %d shards; remove %s and give --shards %llu "
			"or fewer",
			(unsigned long long)x->count, p->o->shards, p->o->out,
			(unsigned long long)x->count);
	return 0;
}

static void warn(const struct pack *p, const struct pack_numbering *classes)
{
	const char *example;
	long passed_over = source_passed_over(p->source, &example);

	if (passed_over > 0)
		log_warn("%ld files were passed over, not being named *.jpg, *.jpeg or *.png (one "
			 "is %s)",
			passed_over, example);
	if (p->index.unlabelled > 0 && classes->count > 0)
		log_warn("%llu images have no label", (unsigned long long)p->index.unlabelled);
	if (classes->count == 1 && p->index.count > 1)
		log_warn("all images are of one class, '%s'; if the class folders lie below it, "
			 "give %s",
			classes->names[0],
			source_count(p->source) >= 0 ? "that folder as the source"
						     : "--strip-components 1");
}

/* ---- writing ---- */

struct writer {
	const struct pack *p;
	int shard;
	const struct pack_numbering *classes;
	uint8_t *buffer;
	int32_t *labels;
	uint64_t *bytes_done;
	double began;
};

static const struct pack_entry *entry_of(const struct pack *p, int shard, uint64_t i)
{
	return &p->index.entries[(uint64_t)shard + i * (uint64_t)p->spools];
}

static uint64_t count_of(const struct pack *p, int shard)
{
	return (p->index.count - (uint64_t)shard + (uint64_t)p->spools - 1) / (uint64_t)p->spools;
}

static void show_progress(const struct writer *w)
{
	double passed = clock_seconds() - w->began,
	       share = (double)*w->bytes_done / (double)w->p->index.bytes;
	char text[32];

	if (passed > 1)
		log_progress(0, "writing shard %d, %.1f of %.1f GB, %s left", w->shard,
			(double)*w->bytes_done * 1e-9, (double)w->p->index.bytes * 1e-9,
			pack_time(text, share > 0 ? passed * (1 - share) / share : 0));
}

/* Record i of the shard, out of the spool, which checks it. */
static int next_record(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX])
{
	struct writer *w = arg;
	const struct pack_index *x = &w->p->index;
	const struct pack_entry *e = entry_of(w->p, w->shard, i);
	const struct pack_record *k = &e->record;

	w->buffer = xrealloc(w->buffer, (size_t)k->bytes + k->mask_bytes);
	w->labels = xrealloc(w->labels, (size_t)e->label_count * sizeof *w->labels);
	if (spool_read(w->p->spool, w->shard, k, w->buffer, err) != 0)
		return -1;
	for (int l = 0; l < e->label_count; l++)
		w->labels[l] = w->classes->final[x->labels[e->label_first + (uint64_t)l]];
	*r = (struct shard_record){ .jpeg = w->buffer,
		.bytes = k->bytes,
		.width = (int)k->width,
		.height = (int)k->height,
		.key = names_get(x->keys, e->key),
		.labels = w->labels,
		.label_count = e->label_count,
		.mask = k->mask_bytes ? w->buffer + k->bytes : NULL,
		.mask_bytes = k->mask_bytes,
		.foreground = (float)((double)k->foreground / ((double)k->width * k->height)) };
	*w->bytes_done += (uint64_t)k->bytes + k->mask_bytes;
	show_progress(w);
	return 0;
}

static int write_shard(struct writer *w, int shards, const char *path, char err[ERR_MAX])
{
	const struct pack *p = w->p;
	const struct shard_meta meta = { .name = p->o->name,
		.split = p->o->split,
		.classes = (const char *const *)w->classes->names,
		.class_count = w->classes->count,
		.shard = w->shard,
		.shards = shards,
		.masks = p->index.masks > 0 };
	uint64_t count = count_of(p, w->shard), image_bytes = 0, mask_bytes = 0;

	if (count > UINT32_MAX)
		return fail(err, "%llu images a shard are too many; use more shards",
			(unsigned long long)count);
	for (uint64_t i = 0; i < count; i++) {
		image_bytes += entry_of(p, w->shard, i)->record.bytes;
		mask_bytes += entry_of(p, w->shard, i)->record.mask_bytes;
	}
	spool_rewind(p->spool, w->shard);
	return shard_write(
		path, &meta, (uint32_t)count, image_bytes, mask_bytes, next_record, w, err);
}

/* A shard that is there was written whole before an interruption. */
static int write_shards(
	const struct pack *p, const struct pack_numbering *classes, int shards, char err[ERR_MAX])
{
	uint64_t bytes_done = 0;
	struct writer w = {
		.p = p, .classes = classes, .bytes_done = &bytes_done, .began = clock_seconds()
	};
	int rc = 0;

	for (w.shard = 0; rc == 0 && w.shard < shards; w.shard++) {
		char *path = xasprintf("%s/shard-%05d.h5", p->o->out, w.shard);

		if (!file_exists(path))
			rc = write_shard(&w, shards, path, err);
		if (rc == 0)
			spool_remove(p->spool, w.shard);
		xfree(path);
	}
	xfree(w.buffer);
	xfree(w.labels);
	return rc;
}

static int write_about(const struct pack *p, char err[ERR_MAX])
{
	char *path = xasprintf("%s/pack.txt", p->o->out);
	int rc = file_write_atomic(path, p->about, strlen(p->about), err);

	xfree(path);
	return rc;
}

/* From here on the shards may be written: the journal says so first. */
static int mark_complete(struct pack *p, char err[ERR_MAX])
{
	const struct journal_entry complete = { .kind = JOURNAL_COMPLETE };

	if (p->complete)
		return 0;
	if (spool_sync(p->spool, err) != 0 || journal_append(p->journal, &complete, err) != 0)
		return -1;
	return journal_sync(p->journal, err);
}

static int write_all(struct pack *p, const struct pack_numbering *classes,
	struct pack_outcome *outcome, char err[ERR_MAX])
{
	int shards = (uint64_t)p->spools < p->index.count ? p->spools : (int)p->index.count;

	if (mark_complete(p, err) != 0 || write_shards(p, classes, shards, err) != 0 ||
		write_about(p, err) != 0)
		return -1;
	if (dataset_write_index(p->o->out, p->o->name, p->o->split,
		    (const char *const *)classes->names, classes->count, shards, err) != 0)
		return -1;
	pack_clear(p->work);
	outcome->shards = shards;
	for (int s = 0; s < shards; s++) {
		char *path = xasprintf("%s/shard-%05d.h5", p->o->out, s);
		struct stat st;

		outcome->bytes += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
		xfree(path);
	}
	return 0;
}

int pack_finish(struct pack *p, struct pack_outcome *outcome, char err[ERR_MAX])
{
	char *list = xasprintf("%s/rejected.tsv", p->o->out);
	struct pack_numbering classes;
	int rc;

	file_remove_temporaries(p->o->out, ""); /* the journal's lock keeps other packs out */
	source_unseen_labels(p->source, reject_unseen, &p->index);
	rc = index_write_rejected(&p->index, list, err);
	if (rc == 0)
		rc = check_counts(p, list, err);
	xfree(list);
	if (rc != 0)
		return rc;
	classes = classes_number(source_classes(p->source));
	warn(p, &classes);
	outcome->images = p->index.count;
	outcome->rejected = p->index.rejected_count;
	outcome->masks = p->index.masks;
	outcome->classes = classes.count;
	rc = write_all(p, &classes, outcome, err);
	numbering_free(&classes);
	return rc;
}
