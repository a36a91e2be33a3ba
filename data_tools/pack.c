/* pack.c - from the call to the finished set: what is there already, the work folder, the two
 * halves of the work. */
#include "pack.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "pack_state.h"

enum { TEXT_MAX = 1 << 30 };

const char *pack_time(char text[32], double seconds)
{
	long s = seconds > 0 ? (long)(seconds + 0.5) : 0;

	snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	return text;
}

void pack_clear(const char *work)
{
	DIR *d = opendir(work);
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		char *path = xasprintf("%s/%s", work, e->d_name);

		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlink(path);
		xfree(path);
	}
	closedir(d);
	rmdir(work);
}

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

static int check_shards(const struct pack *p, char err[ERR_MAX])
{
	int64_t count = source_count(p->source);

	if (count < 0 || count >= p->o->shards)
		return 0;
	return fail(err, "%lld images are too few for %d shards; give --shards %lld or fewer",
		(long long)count, p->o->shards, (long long)count);
}

static int open_work(struct pack *p, char err[ERR_MAX])
{
	char *path = xasprintf("%s/journal", p->work);
	int begun, rc = check_shards(p, err);

	if (rc == 0 && !file_exists(path) && (rc = check_empty(p->o->out, err)) == 0)
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
	if (open_work(p, err) != 0 || pack_pass(p, err) != 0)
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
