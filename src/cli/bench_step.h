#ifndef CLI_BENCH_STEP_H
#define CLI_BENCH_STEP_H

#include "cli/bench.h"
#include "train/step.h"

/* Training steps on one batch that is in memory, as pretrain does them. */

struct bench_run {
	struct step s;
	struct batch batch;
	struct image_memory *memory;
	int64_t k;     /* the next step, which is fed */
	double feed_s; /* that feeding took so far */
};

/* All collective.  The first step fills caches. */
void bench_run_open(
	struct bench_run *r, const struct bench *b, struct comm *comm, struct device *dev);
/* Seconds that the step took. */
double bench_run_step(struct bench_run *r);
void bench_run_close(struct bench_run *r);

#endif
