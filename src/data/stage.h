#ifndef DATA_STAGE_H
#define DATA_STAGE_H

#include <stdint.h>

#include "base/die.h"

/* Copies of files of a data set on a disk of this host.  Each process asks for what it reads;
 * processes with the same data set and the same folder find each other's copies, and the last to
 * leave removes them. */

struct stage;

struct stage_totals {
	uint64_t bytes;    /* of all files asked for */
	uint64_t missing;  /* of those without a copy when they were asked for: the room needed */
	uint64_t done;     /* of those that are there, and of what is done of the present one */
	int files, reused; /* how many were asked for, and how many of them were there before */
};

/* A place for copies of the data set in the folder `source` (its index.json tells sets apart),
 * somewhere in the folder dir.  NULL with err: see stage_folder_join. */
struct stage *stage_open(const char *dir, const char *source, char err[ERR_MAX]);

/* Ask for a copy of a file; its number is the count of those asked for before. */
int stage_add(struct stage *s, const char *file, char err[ERR_MAX]);

/* Copy for about so many seconds: 0 all is there, 1 there is more to do, -1 with err: a disk is
 * full or at fault. */
int stage_work(struct stage *s, double seconds, char err[ERR_MAX]);

/* Where the copy of file i is; NULL: not there (yet). */
const char *stage_path(const struct stage *s, int i);

struct stage_totals stage_totals(const struct stage *s);

/* The folder with the copies, and a number that is the same for processes, on whatever host, that
 * share it. */
const char *stage_folder_path(const struct stage *s);
int64_t stage_folder_number(const struct stage *s);

/* The copies must be closed.  NULL is fine. */
void stage_close(struct stage *s);

#endif
