#ifndef TRAIN_PRETRAIN_H
#define TRAIN_PRETRAIN_H

#include "base/config.h"
#include "comm/comm.h"
#include "nn/backend.h"
#include "train/stop.h"

enum pretrain_end {
	PRETRAIN_DONE,    /* all steps are done and the last checkpoint is written */
	PRETRAIN_STOPPED, /* on request; the last checkpoint holds everything */
	PRETRAIN_FAILED   /* an input fault; err says which, on every rank */
};

/* The whole run.  c is checked; collective; dev is open.  The log file stays open for what the
 * caller has to say at the end (log_close). */
enum pretrain_end pretrain(const struct config *c, struct comm *comm, struct device *dev,
	struct stop *stop, char err[ERR_MAX]);

#endif
