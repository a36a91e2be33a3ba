/* lines.c - reading a file that grows.
 * It is read in large pieces, and only from where the last look ended: a run's metrics may be some
 * hundred megabytes on a shared filesystem. */
#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { PIECE = 1 << 20 };

/* Begin anew when this is not the file of last time, or less than what was read of it. */
static int check_file(struct lines *l, int fd, const struct lines_use *use, char err[ERR_MAX])
{
	struct stat s;

	if (fstat(fd, &s) != 0)
		return fail(err, "%s: %s", l->path, strerror(errno));
	if (!S_ISREG(s.st_mode))
		return fail(err, "%s: not a file", l->path);
	if (l->inode == (uint64_t)s.st_ino && l->device == (uint64_t)s.st_dev && l->at <= s.st_size)
		return 0;
	l->inode = (uint64_t)s.st_ino;
	l->device = (uint64_t)s.st_dev;
	l->at = 0;
	use->begin(use->arg);
	return 0;
}

/* The whole lines among the n bytes of text; returns their length. */
static size_t hand_on(char *text, size_t n, const struct lines_use *use)
{
	size_t done = 0;
	char *newline;

	while ((newline = memchr(text + done, '\n', n - done))) {
		*newline = 0;
		use->line(use->arg, text + done, (size_t)(newline - text) - done);
		done = (size_t)(newline - text) + 1;
	}
	return done;
}

static int read_on(struct lines *l, int fd, const struct lines_use *use, char err[ERR_MAX])
{
	size_t room = PIECE, held = 0;
	char *text = xmalloc(room);
	ssize_t got;

	while ((got = pread(fd, text + held, room - held, l->at + (off_t)held)) > 0) {
		size_t done = hand_on(text, held + (size_t)got, use);

		held += (size_t)got - done;
		memmove(text, text + done, held);
		l->at += (int64_t)done;
		if (held == room)
			text = xrealloc(text, room *= 2);
	}
	xfree(text);
	return got == 0 ? 0 : fail(err, "%s: cannot be read: %s", l->path, strerror(errno));
}

int lines_read(struct lines *l, const struct lines_use *use, char err[ERR_MAX])
{
	int fd = open(l->path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0 && errno != ENOENT)
		return fail(err, "%s: cannot be opened: %s", l->path, strerror(errno));
	if (fd < 0) {
		*l = (struct lines){ .path = l->path };
		use->begin(use->arg);
		return 0;
	}
	rc = check_file(l, fd, use, err);
	if (rc == 0)
		rc = read_on(l, fd, use, err);
	close(fd);
	return rc;
}
