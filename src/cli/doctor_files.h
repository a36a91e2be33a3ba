#ifndef CLI_DOCTOR_FILES_H
#define CLI_DOCTOR_FILES_H

#include "cli/doctor_host.h"

/* Where data and run lie.  Each rank calls these; which ranks look is in doctor_host.h. */

/* The data set of data.train: its disk; whether it opens and goes with settings and ranks.  Then
 * read from its shards, all hosts at the same time, at most 256 MiB or 2 s a host, past the
 * kernel's cache where it lets go of it.  Collective. */
void doctor_look_at_data(struct doctor_rank *r, struct comm *comm, const struct config *c);

/* The folder of run.dir: its disk, whether it can be written and how fast (64 MiB at most, removed
 * at once), whether a run may begin or go on there. */
void doctor_try_run(struct doctor_rank *r, const struct comm *comm, const struct config *c);

/* Bytes of a checkpoint of the network that the settings describe, less a few for its tables. */
uint64_t doctor_checkpoint_bytes(const struct config *c);

#endif
