#include "data/stage_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"

enum { RECORD_MAX = 128 };

int stage_copy_init(struct stage_copy *c, const char *from, const char *folder, char err[ERR_MAX])
{
	const char *name = strrchr(from, '/');
	struct stat st;

	*c = (struct stage_copy){ .in = -1, .out = -1 };
	c->from = xstrdup(from);
	c->to = xasprintf("%s/%s", folder, name ? name + 1 : from);
	c->record = xasprintf("%s.sum", c->to);
	if (stat(from, &st) != 0)
		return fail(err, "%s: cannot stat: %s", from, strerror(errno));
	c->bytes = (uint64_t)st.st_size;
	c->changed = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return 0;
}

static void close_files(struct stage_copy *c)
{
	if (c->in >= 0)
		close(c->in);
	if (c->out >= 0)
		close(c->out);
	c->in = c->out = -1;
}

void stage_copy_free(struct stage_copy *c)
{
	close_files(c);
	if (c->temporary)
		unlink(c->temporary);
	xfree(c->temporary);
	xfree(c->from);
	xfree(c->to);
	xfree(c->record);
}

/* ---- a copy that is there ---- */

/* The checksum that the record tells of a copy of this very original; 0 when there is none. */
static int read_record(const struct stage_copy *c, uint32_t *crc)
{
	unsigned char *text;
	uint64_t bytes;
	int64_t changed;
	char err[ERR_MAX];
	size_t n;
	int fields;

	if (file_read_all(c->record, RECORD_MAX, &text, &n, err) != 0)
		return 0;
	fields = sscanf(
		(const char *)text, "%" SCNu64 " %" SCNd64 " %" SCNx32, &bytes, &changed, crc);
	xfree(text);
	return fields == 3 && bytes == c->bytes && changed == c->changed;
}

static int write_record(const struct stage_copy *c, char err[ERR_MAX])
{
	char text[RECORD_MAX];
	int n = snprintf(text, sizeof text, "%" PRIu64 " %" PRId64 " %08" PRIx32 "\n", c->bytes,
		c->changed, c->expected);

	return file_write_atomic(c->record, text, (size_t)n, err);
}

int stage_copy_is_there(const struct stage_copy *c)
{
	struct stat st;
	uint32_t crc;

	return stat(c->to, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == c->bytes &&
		read_record(c, &crc);
}

/* ---- the phases ---- */

static int enter(struct stage_copy *c, enum stage_phase phase)
{
	c->phase = phase;
	c->at = 0;
	c->crc = 0;
	return 1;
}

static int start_writing(struct stage_copy *c, char err[ERR_MAX])
{
	close_files(c);
	c->in = open(c->from, O_RDONLY | O_CLOEXEC);
	if (c->in < 0)
		return fail(err, "%s: cannot open: %s", c->from, strerror(errno));
	posix_fadvise(c->in, 0, 0, POSIX_FADV_SEQUENTIAL);
	/* not by the process's number: jobs in containers may have the same */
	c->temporary = xasprintf("%s.tmp-XXXXXX", c->to);
	c->out = mkostemp(c->temporary, O_CLOEXEC);
	if (c->out < 0) {
		fail(err, "%s: cannot create: %s", c->temporary, strerror(errno));
		xfree(c->temporary);
		return -1;
	}
	return enter(c, STAGE_WRITE);
}

static int start(struct stage_copy *c, char err[ERR_MAX])
{
	if (stage_copy_is_there(c) && read_record(c, &c->expected)) {
		c->out = open(c->to, O_RDONLY | O_CLOEXEC);
		if (c->out >= 0)
			return enter(c, STAGE_CHECK);
	}
	return start_writing(c, err);
}

/* The next bytes of fd into block and the checksum; their number, or -1 with err. */
static ssize_t read_block(
	struct stage_copy *c, int fd, const char *path, uint8_t *block, char err[ERR_MAX])
{
	ssize_t n;

	do
		n = pread(fd, block, STAGE_BLOCK, (off_t)c->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(err, "%s: cannot read: %s", path, strerror(errno));
	if (n == 0 && c->at < c->bytes)
		return fail(err,
			"%s: ends after %" PRIu64 " of %" PRIu64
			" bytes: it was changed while it was copied",
			path, c->at, c->bytes);
	c->crc = crc32c(c->crc, block, (size_t)n);
	return n;
}

static int write_block(struct stage_copy *c, const uint8_t *block, size_t n, char err[ERR_MAX])
{
	while (n > 0) {
		ssize_t k = pwrite(c->out, block, n, (off_t)c->at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail(err, "%s: cannot write: %s%s", c->temporary, strerror(errno),
				errno == ENOSPC
					? ": the disk of data.stage_dir is full: free some, or leave data.stage_dir empty"
					: "");
		/* so that little is left to wait for at the end */
		sync_file_range(c->out, (off_t)c->at, k, SYNC_FILE_RANGE_WRITE);
		block += k;
		n -= (size_t)k;
		c->at += (uint64_t)k;
	}
	return 0;
}

/* All is written: to the disk, and out of memory, so that it is the disk that is read back. */
static int written(struct stage_copy *c, char err[ERR_MAX])
{
	if (fdatasync(c->out) != 0)
		return fail(err, "%s: cannot sync: %s", c->temporary, strerror(errno));
	posix_fadvise(c->out, 0, 0, POSIX_FADV_DONTNEED);
	c->expected = c->crc;
	return enter(c, STAGE_READ_BACK);
}

static int write_step(struct stage_copy *c, uint8_t *block, char err[ERR_MAX])
{
	ssize_t n = read_block(c, c->in, c->from, block, err);

	if (n < 0 || write_block(c, block, (size_t)n, err) != 0)
		return -1;
	return c->at < c->bytes ? 1 : written(c, err);
}

static int finish(struct stage_copy *c, char err[ERR_MAX])
{
	int rc = file_finish(0, c->temporary, c->to, err);

	xfree(c->temporary);
	if (rc == 0)
		rc = write_record(c, err);
	return rc;
}

/* Of the copy, new or there before; at its end it is used, or made again. */
static int read_step(struct stage_copy *c, uint8_t *block, char err[ERR_MAX])
{
	int fresh = c->phase == STAGE_READ_BACK;
	ssize_t n = read_block(c, c->out, fresh ? c->temporary : c->to, block, err);

	if (n < 0)
		return fresh ? -1 : start_writing(c, err);
	c->at += (uint64_t)n;
	if (c->at < c->bytes)
		return 1;
	if (c->crc != c->expected)
		return fresh
			? fail(err,
				  "%s: does not read back as it was written: the disk or the memory is at fault; name another data.stage_dir, or leave it empty",
				  c->temporary)
			: start_writing(c, err);
	close_files(c);
	c->reused = !fresh;
	c->phase = STAGE_DONE;
	return fresh ? finish(c, err) : 0;
}

int stage_copy_step(struct stage_copy *c, uint8_t *block, char err[ERR_MAX])
{
	switch (c->phase) {
	case STAGE_NEW:
		return start(c, err);
	case STAGE_WRITE:
		return write_step(c, block, err);
	case STAGE_CHECK:
	case STAGE_READ_BACK:
		return read_step(c, block, err);
	case STAGE_DONE:
		break;
	}
	return 0;
}
