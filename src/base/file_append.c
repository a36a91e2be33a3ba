/* file_append.c - lines of several jobs in one file.
 * A write with O_APPEND is whole between processes of one host, but not between clients of NFS:
 * each believes its own idea of the file's length. A lock of fcntl makes them take turns and look
 * again. Lustre may refuse locks, but there O_APPEND holds between hosts; so without a lock the
 * line is written all the same. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

/* 1 when the file is ours alone.  Not F_SETLKW: a lock server that does not answer must not hold up
 * a job for ever. */
static int lock(int fd, const char *path)
{
	enum { PATIENCE_S = 30, PAUSE_MS = 20 };
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	double until = clock_seconds() + PATIENCE_S;

	while (fcntl(fd, F_SETLK, &all) != 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return 0; /* no locks on this filesystem */
		if (clock_seconds() > until) {
			log_warn(
				"%s: another program has held its lock for %d s; appending without",
				path, PATIENCE_S);
			return 0;
		}
		usleep(1000 * PAUSE_MS);
	}
	return 1;
}

/* 1 if the file ends within a line: a program was killed, or the disk was full. */
static int ends_torn(int fd, off_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int append(int fd, const char *path, const char *line, size_t n, char err[ERR_MAX])
{
	int alone = lock(fd, path);
	struct stat s;
	ssize_t put;

	if (fstat(fd, &s) != 0)
		return fail(err, "%s: cannot append: %s", path, strerror(errno));
	if (S_ISREG(s.st_mode) && ends_torn(fd, s.st_size) && write(fd, "\n", 1) == 1)
		s.st_size++;
	errno = ENOSPC; /* what a write means that is too short */
	put = write(fd, line, n);
	if (put == (ssize_t)n)
		return 0;
	fail(err, "%s: cannot append: %s", path, strerror(errno));
	if (put > 0 && alone && ftruncate(fd, s.st_size) != 0)
		log_warn("%s: half a line stays at its end: %s", path, strerror(errno));
	return -1;
}

int file_append_line(const char *path, const char *line, size_t n, char err[ERR_MAX])
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666), rc;

	if (fd < 0)
		return fail(err, "%s: cannot append: %s", path, strerror(errno));
	rc = append(fd, path, line, n, err);
	if (close(fd) != 0 && rc == 0) /* NFS tells of a full disk here */
		rc = fail(err, "%s: cannot append: %s", path, strerror(errno));
	return rc;
}
