#ifndef CLI_EVAL_WORK_H
#define CLI_EVAL_WORK_H

#include "base/config.h"
#include "cli/eval_options.h"
#include "comm/comm.h"
#include "data/dataset.h"
#include "eval/encoder.h"
#include "eval/subset.h"
#include "train/stop.h"

/* The evaluation of one encoder by the protocols of a request. */
struct eval_work {
	const struct eval_request *request; /* not owned, as comm and stop */
	struct comm *comm;
	struct stop *stop;
	struct device *dev; /* NULL: is opened when there is something to evaluate; the caller's */
	struct config config;
	char *checkpoint; /* file; NULL: none */
	char *results;    /* file; NULL: none */
	int64_t step;     /* of the checkpoint */
	int run_linear, run_knn;
	struct dataset *train_data, *test_data;
	struct subset train, test;
	struct encoder encoder;
	char *lines[2]; /* of the table at the end */
	int line_count;
};

/* The checkpoint's file, or NULL, becomes w's. */
void eval_work_init(struct eval_work *w, const struct eval_request *q, struct comm *comm,
	struct stop *stop, char *checkpoint);

/* Evaluate, and append to the results; what they hold already is left out, if the request says so.
 * Collective, with the same result on all ranks; argv is the whole command line. */
int eval_work_run(struct eval_work *w, int argc, char **argv, char err[ERR_MAX]);

/* The lines for a person, on rank 0, which alone has some. */
void eval_work_print(const struct eval_work *w);

void eval_work_free(struct eval_work *w);

#endif
