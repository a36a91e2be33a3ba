#include "base/filesystem.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/memory.h"

/* Types, or beginnings of them, that mean a network. */
static const char *const networks[] = { "nfs", "lustre", "gpfs", "beegfs", "ceph", "panfs", "cifs",
	"smb", "wekafs", "orangefs", "pvfs2", "afs", "glusterfs", "fuse.glusterfs", "fuse.ceph",
	"fuse.sshfs", "fuse.juicefs", "fuse.dfuse", "dvs", "9p", "virtiofs" };

enum { NETWORKS = sizeof networks / sizeof *networks };

static int is_network(const char *type)
{
	for (int i = 0; i < NETWORKS; i++)
		if (strncmp(type, networks[i], strlen(networks[i])) == 0)
			return 1;
	return 0;
}

/* The absolute path of path or of its nearest parent that is there; the caller frees (free).  NULL
 * with errno: not even the working folder is there any more, or one may not look. */
static char *existing(const char *path)
{
	char *copy = xstrdup(*path ? path : "."), *found = realpath(copy, NULL);

	while (!found && (errno == ENOENT || errno == ENOTDIR) && strcmp(copy, ".") != 0) {
		char *parent = xstrdup(dirname(copy));

		xfree(copy);
		copy = parent;
		found = realpath(copy, NULL);
	}
	xfree(copy);
	return found;
}

static int is_under(const char *path, const char *mount)
{
	size_t n = strlen(mount);

	return strncmp(path, mount, n) == 0 &&
		(path[n] == 0 || path[n] == '/' || mount[n - 1] == '/');
}

/* The longest mount point above path; of several at one place the last hides the others. */
static int find_mount(const char *path, struct filesystem *fs, char err[ERR_MAX])
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent entry, *m;
	char line[4 * PATH_MAX];
	size_t best = 0;

	if (!mounts)
		return fail(err, "/proc/self/mounts: cannot open: %s", strerror(errno));
	while ((m = getmntent_r(mounts, &entry, line, sizeof line))) {
		if (!is_under(path, m->mnt_dir) || strlen(m->mnt_dir) < best)
			continue;
		best = strlen(m->mnt_dir);
		snprintf(fs->type, sizeof fs->type, "%s", m->mnt_type);
		snprintf(fs->mount, sizeof fs->mount, "%s", m->mnt_dir);
	}
	endmntent(mounts);
	return best > 0 ? 0 : fail(err, "%s: no filesystem is mounted there", path);
}

int filesystem_of(const char *path, struct filesystem *fs, char err[ERR_MAX])
{
	char *there = existing(path);
	struct statvfs room;
	int rc;

	memset(fs, 0, sizeof *fs);
	if (!there)
		return fail(err, "%s: cannot be resolved: %s", path, strerror(errno));
	rc = find_mount(there, fs, err);
	if (rc == 0 && statvfs(there, &room) != 0)
		rc = fail(err, "%s: cannot ask for the free space: %s", there, strerror(errno));
	if (rc == 0) {
		fs->shared = is_network(fs->type);
		fs->free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
	}
	free(there);
	return rc;
}
