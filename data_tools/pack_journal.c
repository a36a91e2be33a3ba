#include "pack_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"

/* The about lines, then this line, then the entries. */
static const char head_end[] = "----\n";

struct journal {
	char *path;
	FILE *in; /* reads; what it holds in its buffer is never written */
	int fd;   /* appends */
	char *line;
	size_t room;
	off_t entries; /* place of the first entry */
	off_t place;
	off_t end; /* reading ends here: the stream may still hold what was cut off */
};

static int fail_errno(char err[ERR_MAX], const char *path, const char *what)
{
	return fail(err, "%s: cannot %s: %s", path, what, strerror(errno));
}

/* The first line of now that differs from the line of then at the same place. */
static int refuse(char err[ERR_MAX], const char *path, const char *now, const char *then)
{
	size_t n = 0, m;

	for (size_t i = 0; now[i] && now[i] == then[i]; i++)
		if (now[i] == '\n')
			n = i + 1;
	m = strcspn(then + n, "\n");
	return fail(err,
		"%s: an unfinished pack was begun with '%.*s', this one has '%.*s'; give the same "
		"options and"
		" source to go on with it, or remove this folder and all beside it to begin anew",
		path, (int)m, then + n, (int)strcspn(now + n, "\n"), now + n);
}

/* Compare the head with about, and find the first entry. */
static int check_head(struct journal *j, const char *about, char err[ERR_MAX])
{
	char *head = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&head, &n);
	ssize_t k;
	int rc;

	CHECK(f != NULL, "no memory for a journal's head");
	while ((k = getline(&j->line, &j->room, j->in)) > 0) {
		j->entries += k;
		if (strcmp(j->line, head_end) == 0)
			break;
		fputs(j->line, f);
	}
	fclose(f);
	rc = k > 0 ? 0 : fail(err, "%s: not a journal of pack; remove it to begin anew", j->path);
	if (rc == 0 && strcmp(head, about) != 0)
		rc = refuse(err, j->path, about, head);
	free(head);
	return rc;
}

static int begin(const char *path, const char *about, char err[ERR_MAX])
{
	char *head = xasprintf("%s%s", about, head_end);
	int rc = file_write_atomic(path, head, strlen(head), err);

	xfree(head);
	return rc;
}

static int open_files(struct journal *j, char err[ERR_MAX])
{
	j->fd = open(j->path, O_WRONLY | O_APPEND);
	if (j->fd < 0)
		return fail_errno(err, j->path, "open");
	if (flock(j->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return fail(err, "%s: another pack is working here", j->path);
	j->in = fopen(j->path, "r");
	return j->in ? 0 : fail_errno(err, j->path, "open");
}

struct journal *journal_open(const char *path, const char *about, int *begun, char err[ERR_MAX])
{
	struct journal *j;

	*begun = !file_exists(path);
	if (*begun && begin(path, about, err) != 0)
		return NULL;
	j = xcalloc(1, sizeof *j);
	j->path = xstrdup(path);
	if (open_files(j, err) != 0 || check_head(j, about, err) != 0) {
		journal_close(j);
		return NULL;
	}
	j->place = j->entries;
	j->end = INT64_MAX;
	return j;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	if (j->in)
		fclose(j->in);
	xfree(j->path);
	xfree(j->line);
	xfree(j);
}

void journal_rewind(struct journal *j)
{
	CHECK(fseeko(j->in, j->entries, SEEK_SET) == 0, "%s: cannot seek", j->path);
	j->place = j->entries;
}

/* Take an entry's text apart; 0 when it is one. */
static int parse(struct journal_entry *e, const char *text)
{
	struct pack_record *r = &e->record;
	int used = 0;

	memset(e, 0, sizeof *e);
	e->kind = (enum journal_kind)text[0];
	switch (e->kind) {
	case JOURNAL_SYNCED:
	case JOURNAL_COMPLETE:
		return 0;
	case JOURNAL_ACCEPTED:
		return sscanf(text,
			       "+ %" SCNx32 " %" SCNx32 " %" SCNu32 " %" SCNx32 " %" SCNu32
			       " %" SCNu32 " %" SCNu32 " %" SCNx32 " %" SCNu32,
			       &e->key_crc, &e->stamp, &r->bytes, &r->crc, &r->width, &r->height,
			       &r->mask_bytes, &r->mask_crc, &r->foreground) == 9
			? 0
			: -1;
	case JOURNAL_REJECTED:
		if (sscanf(text, "- %" SCNx32 " %" SCNx32 " %n", &e->key_crc, &e->stamp, &used) !=
				2 ||
			used == 0)
			return -1;
		snprintf(e->reason, sizeof e->reason, "%s", text + used);
		return 0;
	}
	return -1;
}

/* The text of e, without newline, in place of line; its length. */
static int print(char line[ERR_MAX + 64], const struct journal_entry *e)
{
	const struct pack_record *r = &e->record;

	switch (e->kind) {
	case JOURNAL_ACCEPTED:
		return snprintf(line, ERR_MAX + 64, "+ %x %x %u %x %u %u %u %x %u", e->key_crc,
			e->stamp, r->bytes, r->crc, r->width, r->height, r->mask_bytes, r->mask_crc,
			r->foreground);
	case JOURNAL_REJECTED:
		return snprintf(line, ERR_MAX + 64, "- %x %x %s", e->key_crc, e->stamp, e->reason);
	default:
		return snprintf(line, ERR_MAX + 64, "%c", e->kind);
	}
}

int journal_next(struct journal *j, struct journal_entry *e)
{
	ssize_t n = j->place < j->end ? getline(&j->line, &j->room, j->in) : -1;
	uint32_t crc;

	/* text, blank, 8 hexadecimal digits, newline */
	if (n < 11 || j->line[n - 1] != '\n' || j->line[n - 10] != ' ')
		return 0;
	crc = (uint32_t)strtoul(j->line + n - 9, NULL, 16);
	j->line[n - 10] = 0;
	if (crc != crc32c(0, j->line, (size_t)n - 10) || parse(e, j->line) != 0)
		return 0;
	j->place += n;
	return 1;
}

off_t journal_place(const struct journal *j)
{
	return j->place;
}

int journal_cut(struct journal *j, off_t place, char err[ERR_MAX])
{
	if (ftruncate(j->fd, place) != 0)
		return fail_errno(err, j->path, "cut off its damaged end");
	j->end = place;
	return 0;
}

int journal_append(struct journal *j, const struct journal_entry *e, char err[ERR_MAX])
{
	char line[ERR_MAX + 96];
	int n = print(line, e);
	ssize_t k;

	CHECK(!memchr(line, '\n', (size_t)n), "a reason of more than one line: %s", line);
	n += snprintf(line + n, sizeof line - (size_t)n, " %08x\n", crc32c(0, line, (size_t)n));
	k = write(j->fd, line, (size_t)n);
	if (k < 0)
		return fail_errno(err, j->path, "write");
	return k == n ? 0 : fail(err, "%s: cannot write: the disk is full", j->path);
}

int journal_sync(struct journal *j, char err[ERR_MAX])
{
	return fsync(j->fd) == 0 ? 0 : fail_errno(err, j->path, "sync");
}
