#ifndef TRAIN_RUN_LOG_H
#define TRAIN_RUN_LOG_H

#include "base/die.h"
#include "base/lines.h"

/* What RUN/log.txt tells of a run's history.  These lines begin with the words by which they are
 * found again. */
#define RUN_LOG_BEGINS "training begins"
#define RUN_LOG_STOPPED "stopped after step "
#define RUN_LOG_STOPPED_BY "stopped by "

struct run_log {
	char *path;
	struct lines lines;
	int starts;      /* times that training began */
	int stopped;     /* 1: it was stopped on request and has not begun again */
	char reason[64]; /* by what; "": that is not said */
};

/* Of the folder of a run; nothing is read yet. */
void run_log_init(struct run_log *l, const char *run);
void run_log_free(struct run_log *l);

/* Read what is new since the last call; no file is an empty one.  -1 with err: it cannot be read.
 */
int run_log_read(struct run_log *l, char err[ERR_MAX]);

#endif
