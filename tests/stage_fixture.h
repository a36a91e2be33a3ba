#ifndef STAGE_FIXTURE_H
#define STAGE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "data/stage.h"

/* A data set of files of some blocks, and processes that stage it.  Failures fail the test. */

enum { STAGED_FILES = 4 };
extern const size_t staged_sizes[STAGED_FILES];

/* Write shard-0000I.h5 of random bytes, and an index.json, into folder; all their bytes; the path
 * of shard I in a folder (test_path's). */
void staged_source(const char *source);
uint64_t staged_bytes(void);
const char *staged_original(const char *folder, int i);

/* Open a stage below dir and ask for all files of source. */
struct stage *staged_open(const char *dir, const char *source);

/* Stage to the end; all copies are the originals. */
void staged_finish(struct stage *s, const char *source);

/* A process that stages so many blocks (-1: all) and is killed; where it did, into folder. */
void staged_killed(const char *dir, const char *source, int blocks, char folder[512]);

/* Files in folder whose names hold part; -1: no folder. */
int staged_count(const char *folder, const char *part);

/* 1 if both files hold the same. */
int staged_same(const char *a, const char *b);

#endif
