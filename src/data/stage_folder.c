/* stage_folder.c - a folder with users, removed by the last.
 * Users hold a shared lock on the folder itself, which the kernel takes back from whoever dies; who
 * gets it exclusively is alone.  A folder may be removed between being opened and being locked, so
 * after locking one looks whether it is still what stands under its name. */
#include "data/stage_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/filesystem.h"
#include "base/memory.h"

enum { KEY_DIGITS = 8 };

static const double WAIT_S = 60; /* for another process that is removing the folder */

/* Unlink the files in the open folder whose names hold part. */
static void empty(int fd, const char *part)
{
	DIR *list = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;

	if (!list)
		return;
	while ((e = readdir(list)))
		if (strstr(e->d_name, part))
			unlinkat(fd, e->d_name, 0);
	closedir(list);
}

static int is_at(int fd, const char *path)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
		here.st_ino == there.st_ino;
}

/* Others may write into DIR too: what they made in our name is neither read nor removed. */
static int is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0022) == 0;
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void remove_if_unused(int fd, const char *path)
{
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_at(fd, path))
		return;
	empty(fd, "");
	rmdir(path);
}

/* A name as stage_folder_join gives them, and no other that only begins so. */
static int is_name(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && strlen(name) == n + KEY_DIGITS &&
		strspn(name + n, "0123456789abcdef") == KEY_DIGITS;
}

/* Folders of this user in dir that no process uses, but for the one at keep. */
static void sweep(const char *dir, const char *prefix, const char *keep)
{
	DIR *list = opendir(dir);
	struct dirent *e;

	while (list && (e = readdir(list))) {
		char *path;
		int fd;

		if (!is_name(e->d_name, prefix))
			continue;
		path = xasprintf("%s/%s", dir, e->d_name);
		fd = strcmp(path, keep) == 0 ? -1 : open_folder(path);
		if (fd >= 0 && is_ours(fd))
			remove_if_unused(fd, path);
		if (fd >= 0)
			close(fd);
		xfree(path);
	}
	if (list)
		closedir(list);
}

static int check_dir(const char *dir, char err[ERR_MAX])
{
	struct filesystem fs;

	if (!file_is_folder(dir))
		return fail(err, "data.stage_dir: %s: no such folder", dir);
	if (filesystem_of(dir, &fs, err) != 0)
		return -1;
	if (fs.shared)
		return fail(err,
			"data.stage_dir: %s is on %s (%s), over a network: name a folder on a disk of the node, or leave it empty",
			dir, fs.mount, fs.type);
	return 0;
}

static int lock(int fd, int how, const char *path, char err[ERR_MAX])
{
	if (flock(fd, how | LOCK_NB) == 0)
		return 1;
	return errno == EWOULDBLOCK
		? 0
		: fail(err, "%s: cannot be locked: %s: name a data.stage_dir on a local disk", path,
			  strerror(errno));
}

/* Lock the folder open as fd for a user; 1, or 0 when it is being removed. */
static int lock_shared(int fd, const char *path, char err[ERR_MAX])
{
	int rc;

	if (!is_ours(fd))
		return fail(err,
			"%s: is not this user's own, or others may write to it: remove it, or name another data.stage_dir",
			path);
	rc = lock(fd, LOCK_EX, path, err);
	if (rc == 1)
		empty(fd, ".tmp-"); /* nobody is here: these were left by processes that died */
	if (rc >= 0)
		rc = lock(fd, LOCK_SH, path, err);
	return rc == 1 ? is_at(fd, path) : rc;
}

/* 1 joined, 0 to be tried again. */
static int try_join(struct stage_folder *f, char err[ERR_MAX])
{
	int rc;

	if (mkdir(f->path, 0700) != 0 && errno != EEXIST)
		return fail(err, "%s: cannot make the folder: %s: name another data.stage_dir",
			f->path, strerror(errno));
	f->fd = open_folder(f->path);
	if (f->fd < 0)
		return errno == ENOENT
			? 0
			: fail(err,
				  "%s: cannot open: %s: remove it, or name another data.stage_dir",
				  f->path, strerror(errno));
	rc = lock_shared(f->fd, f->path, err);
	if (rc == 1)
		return 1;
	close(f->fd);
	f->fd = -1;
	return rc;
}

int stage_folder_join(struct stage_folder *f, const char *dir, uint32_t key, char err[ERR_MAX])
{
	double start = clock_seconds();
	char prefix[64];
	int rc;

	*f = (struct stage_folder){ .fd = -1 };
	if (check_dir(dir, err) != 0)
		return -1;
	snprintf(prefix, sizeof prefix, "reliquary-%u-", (unsigned)geteuid());
	f->path = xasprintf("%s/%s%0*x", dir, prefix, KEY_DIGITS, key);
	sweep(dir, prefix, f->path);
	while ((rc = try_join(f, err)) == 0 && clock_seconds() - start < WAIT_S)
		usleep(10000);
	if (rc == 1)
		return 0;
	if (rc == 0)
		fail(err,
			"%s: another process has been removing it for %.0f s: name another data.stage_dir",
			f->path, WAIT_S);
	xfree(f->path);
	return -1;
}

void stage_folder_leave(struct stage_folder *f)
{
	if (f->fd < 0)
		return;
	remove_if_unused(f->fd, f->path);
	close(f->fd);
	f->fd = -1;
	xfree(f->path);
}
