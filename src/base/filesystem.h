#ifndef BASE_FILESYSTEM_H
#define BASE_FILESYSTEM_H

#include <stdint.h>

#include "base/die.h"

/* Where a path is stored, for messages and for decisions about disks. */

struct filesystem {
	char type[32];       /* as mount(8) names it: "ext4", "tmpfs", "nfs4", "lustre" */
	char mount[512];     /* where it is mounted */
	int shared;          /* 1: other hosts see it too, over a network */
	uint64_t free_bytes; /* what this user may still write */
};

/* The filesystem of path, or of its nearest parent that is there. */
int filesystem_of(const char *path, struct filesystem *fs, char err[ERR_MAX]);

#endif
