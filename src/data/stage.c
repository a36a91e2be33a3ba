#include "data/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/stage_copy.h"
#include "data/stage_folder.h"

enum { INDEX_BYTES_MAX = 1 << 28 };

struct stage {
	struct stage_folder folder;
	struct stage_copy *files;
	int count, capacity;
	int present; /* the file that is worked at */
	struct stage_totals totals;
	uint8_t *block;
};

/* What tells data sets apart: where they are and what is in them. */
static int make_key(const char *source, uint32_t *key, char err[ERR_MAX])
{
	char *path = realpath(source, NULL), *index;
	unsigned char *text;
	size_t n;
	int rc;

	if (!path)
		return fail(err, "%s: cannot be resolved: %s", source, strerror(errno));
	index = xasprintf("%s/index.json", path);
	rc = file_read_all(index, INDEX_BYTES_MAX, &text, &n, err);
	if (rc == 0) {
		*key = crc32c(crc32c(0, path, strlen(path)), text, n);
		xfree(text);
	}
	xfree(index);
	free(path);
	return rc;
}

struct stage *stage_open(const char *dir, const char *source, char err[ERR_MAX])
{
	struct stage *s = xcalloc(1, sizeof *s);
	uint32_t key = 0;

	s->folder.fd = -1;
	if (make_key(source, &key, err) != 0 || stage_folder_join(&s->folder, dir, key, err) != 0) {
		xfree(s);
		return NULL;
	}
	s->block = xaligned(STAGE_BLOCK);
	return s;
}

int stage_add(struct stage *s, const char *file, char err[ERR_MAX])
{
	struct stage_copy *c;

	if (s->count == s->capacity) {
		s->capacity = 2 * s->capacity + 16;
		s->files = xrealloc(s->files, (size_t)s->capacity * sizeof *s->files);
	}
	c = &s->files[s->count++];
	if (stage_copy_init(c, file, s->folder.path, err) != 0)
		return -1;
	s->totals.files++;
	s->totals.bytes += c->bytes;
	s->totals.missing += stage_copy_is_there(c) ? 0 : c->bytes;
	return 0;
}

int stage_work(struct stage *s, double seconds, char err[ERR_MAX])
{
	double end = clock_seconds() + seconds;

	while (s->present < s->count) {
		struct stage_copy *c = &s->files[s->present];
		int rc = stage_copy_step(c, s->block, err);

		if (rc < 0)
			return -1;
		if (rc == 0) {
			s->totals.done += c->bytes;
			s->totals.reused += c->reused;
			s->present++;
		}
		if (clock_seconds() >= end)
			break;
	}
	return s->present < s->count;
}

const char *stage_path(const struct stage *s, int i)
{
	CHECK(i >= 0 && i < s->count, "file %d of %d", i, s->count);
	return i < s->present ? s->files[i].to : NULL;
}

struct stage_totals stage_totals(const struct stage *s)
{
	struct stage_totals t = s->totals;

	if (s->present < s->count && s->files[s->present].phase == STAGE_WRITE)
		t.done += s->files[s->present].at;
	return t;
}

const char *stage_folder_path(const struct stage *s)
{
	return s->folder.path;
}

int64_t stage_folder_number(const struct stage *s)
{
	char host[256] = "";
	uint64_t place[2];
	struct stat st;

	gethostname(host, sizeof host - 1);
	CHECK(fstat(s->folder.fd, &st) == 0, "%s: cannot stat", s->folder.path);
	place[0] = (uint64_t)st.st_dev;
	place[1] = (uint64_t)st.st_ino;
	return (int64_t)((uint64_t)crc32c(0, host, strlen(host)) << 32 |
		crc32c(0, place, sizeof place));
}

void stage_close(struct stage *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->count; i++)
		stage_copy_free(&s->files[i]);
	xfree(s->files);
	stage_folder_leave(&s->folder);
	xfree(s->block);
	xfree(s);
}
