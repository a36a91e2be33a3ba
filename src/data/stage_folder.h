#ifndef DATA_STAGE_FOLDER_H
#define DATA_STAGE_FOLDER_H

#include <stdint.h>

#include "base/die.h"

/* A folder on a disk of this host that processes share: those of a job, and those of other jobs of
 * the same user.  It stays while one of them uses it; the last removes it. */

struct stage_folder {
	char *path;
	int fd; /* locked while this process uses the folder */
};

/* Join the folder DIR/reliquary-UID-KEY, which is made where it is not there.  What processes that
 * were killed have left is removed: their unfinished files in it, and other such folders of this
 * user in DIR.  -1 with err: DIR is no folder, not writable or on a network, or the folder is not
 * this user's own. */
int stage_folder_join(struct stage_folder *f, const char *dir, uint32_t key, char err[ERR_MAX]);

/* Use it no more; the last removes it with all that is in it. */
void stage_folder_leave(struct stage_folder *f);

#endif
