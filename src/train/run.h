#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "data/loader.h"
#include "data/order.h"
#include "data/stage.h"
#include "optim/schedule.h"
#include "train/checkpoint.h"
#include "train/data_wait.h"
#include "train/metrics.h"
#include "train/step.h"
#include "train/stop.h"

/* A run that is under way: data, network, state, and on rank 0 the files. */

/* What only rank 0 has. */
struct chief {
	struct metrics_log *metrics;
	struct checkpoint_writer *writer;
	int64_t saved; /* step of the last checkpoint; -1: none */
	int failed;    /* a checkpoint could not be written */
};

struct run {
	const struct config *config;
	struct comm *comm;
	struct dataset *data;
	struct stage *stage; /* copies of shards on this node; NULL: none */
	struct order *order;
	struct loader *loader;
	struct schedule schedule;
	struct step step;
	struct stop *stop; /* the caller's */
	int64_t steps, steps_per_epoch;
	struct chief chief;
	struct data_wait data_wait;
	double began, waited, logged_at;
	double turn, longest;  /* when the loop last came round; its longest turn, seconds */
	double seconds_before; /* of the run's earlier parts */
	int64_t logged_step;
};

/* The first part of run_open, not collective: the data set, its order, the length of the run, and
 * whether settings and ranks go with them.  r holds config and comm.  What is open then (r->data,
 * r->order) the caller closes, also after -1 with err. */
int run_open_data(struct run *r, char err[ERR_MAX]);

/* Open everything, at the beginning or at the last checkpoint; r holds config, comm, stop and
 * step.dev, the rest is zero. Collective; -1 with err on all ranks; run_close must follow in any
 * case. */
int run_open(struct run *r, char err[ERR_MAX]);

/* Wait for the last checkpoint and free everything.  rc is how the run went so far (0 or -1 with
 * err); returns how it went in the end, the same on all ranks. */
int run_close(struct run *r, int rc, char err[ERR_MAX]);

#endif
