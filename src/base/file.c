#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static int fail_errno(char err[ERR_MAX], const char *path, const char *what)
{
	return fail(err, "%s: cannot %s: %s", path, what, strerror(errno));
}

char *file_temporary_name(const char *path)
{
	return xasprintf("%s.tmp-%ld", path, (long)getpid());
}

void file_remove_temporaries(const char *folder, const char *names)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, names, strlen(names)) == 0 &&
			strstr(entry->d_name, ".tmp-"))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static int sync_path(const char *path, char err[ERR_MAX])
{
	int fd = open(path, O_RDONLY), rc;

	if (fd < 0)
		return fail_errno(err, path, "open");
	rc = fsync(fd);
	if (rc != 0)
		rc = fail_errno(err, path, "sync");
	close(fd);
	return rc;
}

static int commit(const char *temporary, const char *path, char err[ERR_MAX])
{
	char *copy;
	int rc;

	if (sync_path(temporary, err) != 0)
		return -1;
	if (rename(temporary, path) != 0)
		return fail_errno(err, path, "rename a finished file to this name");
	copy = xstrdup(path);
	rc = sync_path(dirname(copy), err);
	xfree(copy);
	return rc;
}

int file_finish(int rc, const char *temporary, const char *path, char err[ERR_MAX])
{
	if (rc == 0 && commit(temporary, path, err) == 0)
		return 0;
	unlink(temporary);
	return -1;
}

static int write_all(const char *path, const unsigned char *bytes, size_t n, char err[ERR_MAX])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0)
		return fail_errno(err, path, "create");
	while (n > 0) {
		ssize_t k = write(fd, bytes, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			fail_errno(err, path, "write");
			close(fd);
			return -1;
		}
		bytes += k;
		n -= (size_t)k;
	}
	return close(fd) == 0 ? 0 : fail_errno(err, path, "close");
}

int file_write_atomic(const char *path, const void *bytes, size_t n, char err[ERR_MAX])
{
	char *temporary = file_temporary_name(path);
	int rc = write_all(temporary, bytes, n, err);

	rc = file_finish(rc, temporary, path, err);
	xfree(temporary);
	return rc;
}

static int read_open(
	FILE *f, const char *path, size_t max, unsigned char **bytes, size_t *n, char err[ERR_MAX])
{
	struct stat st;

	if (fstat(fileno(f), &st) != 0)
		return fail_errno(err, path, "stat");
	if (!S_ISREG(st.st_mode))
		return fail(err, "%s: not a regular file", path);
	if ((size_t)st.st_size > max)
		return fail(err, "%s: %lld bytes; at most %zu are read", path,
			(long long)st.st_size, max);
	*n = (size_t)st.st_size;
	*bytes = xmalloc(*n + 1);
	(*bytes)[*n] = 0;
	if (fread(*bytes, 1, *n, f) == *n)
		return 0;
	xfree(*bytes);
	return fail(err, "%s: cannot read all of its %zu bytes", path, *n);
}

int file_read_all(const char *path, size_t max, unsigned char **bytes, size_t *n, char err[ERR_MAX])
{
	FILE *f = fopen(path, "rb");
	int rc;

	if (!f)
		return fail_errno(err, path, "open");
	rc = read_open(f, path, max, bytes, n, err);
	fclose(f);
	return rc;
}

int file_make_folder(const char *path, char err[ERR_MAX])
{
	char *copy = xstrdup(path);
	int rc = 0;

	for (char *p = copy + 1; rc == 0; p++) {
		char c = *p;

		if (c != '/' && c != 0)
			continue;
		*p = 0;
		if (mkdir(copy, 0777) != 0 && errno != EEXIST)
			rc = fail_errno(err, copy, "make the folder");
		*p = c;
		if (c == 0)
			break;
	}
	xfree(copy);
	return rc;
}

int file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int file_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
