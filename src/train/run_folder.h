#ifndef TRAIN_RUN_FOLDER_H
#define TRAIN_RUN_FOLDER_H

#include "base/config.h"
#include "base/die.h"

/* A run is a folder: config.yaml (resolved), metrics.jsonl, log.txt, results.jsonl, checkpoints/.
 */

/* Whether a run may begin or go on in run.dir; makes nothing.  -1 with err as run_folder_open, but
 * for checkpoints, which are not read. */
int run_folder_check(const struct config *c, char err[ERR_MAX]);

/* Called by one rank.  Makes the folder of a new run, or finds where to go on: *from is the path of
 * the checkpoint to resume (caller frees), NULL for a beginning.  Files that a killed run had not
 * finished are removed.  Returns -1 with err when the folder holds a run and run.resume is not set,
 * or when none of its checkpoints can be read. */
int run_folder_open(const struct config *c, char **from, char err[ERR_MAX]);

/* Write config.yaml, once it is certain that the run goes on with these settings. */
int run_folder_write_config(const struct config *c, char err[ERR_MAX]);

#endif
