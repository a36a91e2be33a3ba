#ifndef TRAIN_STAGING_H
#define TRAIN_STAGING_H

#include "train/run.h"

/* Copy the shards whose records this rank reads to data.stage_dir, if it is set, and read them from
 * there; r->data, order and stop are open, and nobody reads from r->data.  When the job is asked to
 * end meanwhile, so does copying: what is not there is read from where it was. Collective; -1 with
 * err (host, file, what to do) on all ranks.  r->stage is run_close's to close in any case. */
int staging_run(struct run *r, char err[ERR_MAX]);

#endif
