#include "pack_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/memory.h"

enum { SPARE_FILES = 64 }; /* left for the rest of the program */

/* Images go round all spools, so which files stay open does not matter: the first kept ones. */
struct spool {
	char *folder;
	int count, kept;
	int *fd; /* [count]; -1: not open */
	uint64_t *length;
	char *touched; /* appended to since the last sync */
};

struct spool *spool_open(const char *folder, int count)
{
	struct spool *s = xcalloc(1, sizeof *s);
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	s->folder = xstrdup(folder);
	s->count = count;
	s->kept = limit.rlim_cur > SPARE_FILES + (rlim_t)count ? count
							       : (int)limit.rlim_cur - SPARE_FILES;
	s->fd = xmalloc((size_t)count * sizeof *s->fd);
	s->length = xcalloc((size_t)count, sizeof *s->length);
	s->touched = xcalloc((size_t)count, 1);
	for (int i = 0; i < count; i++)
		s->fd[i] = -1;
	return s;
}

static void close_one(struct spool *s, int i)
{
	if (s->fd[i] >= 0)
		close(s->fd[i]);
	s->fd[i] = -1;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->count; i++)
		close_one(s, i);
	xfree(s->folder);
	xfree(s->fd);
	xfree(s->length);
	xfree(s->touched);
	xfree(s);
}

static char *name(const struct spool *s, int i)
{
	return xasprintf("%s/spool-%05d", s->folder, i);
}

static int fail_spool(
	char err[ERR_MAX], const struct spool *s, int i, const char *what, const char *why)
{
	return fail(err, "%s/spool-%05d: cannot %s: %s", s->folder, i, what, why);
}

static int open_one(struct spool *s, int i, char err[ERR_MAX])
{
	char *path;

	if (s->fd[i] >= 0)
		return 0;
	path = name(s, i);
	s->fd[i] = open(path, O_RDWR | O_CREAT, 0666);
	xfree(path);
	return s->fd[i] >= 0 ? 0 : fail_spool(err, s, i, "open", strerror(errno));
}

static void release(struct spool *s, int i)
{
	if (i >= s->kept)
		close_one(s, i);
}

void spool_pass(struct spool *s, int i, const struct pack_record *r)
{
	s->length[i] += (uint64_t)r->bytes + r->mask_bytes;
}

void spool_rewind(struct spool *s, int i)
{
	s->length[i] = 0;
}

int spool_read(
	struct spool *s, int i, const struct pack_record *r, uint8_t *buffer, char err[ERR_MAX])
{
	size_t n = (size_t)r->bytes + r->mask_bytes, got = 0;

	if (open_one(s, i, err) != 0)
		return -1;
	while (got < n) {
		ssize_t k = pread(s->fd[i], buffer + got, n - got, (off_t)(s->length[i] + got));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return fail_spool(
				err, s, i, "read", k < 0 ? strerror(errno) : "it is cut off");
		got += (size_t)k;
	}
	release(s, i);
	if (crc32c(0, buffer, r->bytes) != r->crc ||
		crc32c(0, buffer + r->bytes, r->mask_bytes) != r->mask_crc)
		return fail_spool(err, s, i, "use", "a record's checksum does not match");
	spool_pass(s, i, r);
	return 0;
}

int spool_cut(struct spool *s, char err[ERR_MAX])
{
	for (int i = 0; i < s->count; i++) {
		struct stat st;

		if (open_one(s, i, err) != 0)
			return -1;
		if (fstat(s->fd[i], &st) != 0)
			return fail_spool(err, s, i, "stat", strerror(errno));
		if ((uint64_t)st.st_size < s->length[i])
			return fail_spool(err, s, i, "use",
				"it is shorter than the journal tells; remove this folder and all "
				"beside it to begin"
				" anew");
		if (ftruncate(s->fd[i], (off_t)s->length[i]) != 0)
			return fail_spool(err, s, i, "cut", strerror(errno));
		release(s, i);
	}
	return 0;
}

int spool_append(struct spool *s, int i, const struct pack_record *r, const uint8_t *jpeg,
	const uint8_t *mask, char err[ERR_MAX])
{
	struct iovec part[2] = { { (void *)jpeg, r->bytes }, { (void *)mask, r->mask_bytes } };
	uint64_t at = s->length[i];

	if (open_one(s, i, err) != 0)
		return -1;
	while (part[0].iov_len + part[1].iov_len > 0) {
		ssize_t k = pwritev(s->fd[i], part, 2, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail_spool(err, s, i, "write", strerror(errno));
		at += (uint64_t)k;
		for (int p = 0; p < 2; p++) {
			size_t n = (size_t)k < part[p].iov_len ? (size_t)k : part[p].iov_len;

			if (n == 0)
				continue;
			part[p].iov_base = (char *)part[p].iov_base + n;
			part[p].iov_len -= n;
			k -= (ssize_t)n;
		}
	}
	s->touched[i] = 1;
	release(s, i);
	spool_pass(s, i, r);
	return 0;
}

int spool_sync(struct spool *s, char err[ERR_MAX])
{
	for (int i = 0; i < s->count; i++) {
		if (!s->touched[i])
			continue;
		if (open_one(s, i, err) != 0)
			return -1;
		if (fdatasync(s->fd[i]) != 0)
			return fail_spool(err, s, i, "sync", strerror(errno));
		s->touched[i] = 0;
		release(s, i);
	}
	return 0;
}

void spool_remove(struct spool *s, int i)
{
	char *path = name(s, i);

	close_one(s, i);
	unlink(path);
	xfree(path);
}
