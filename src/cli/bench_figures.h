#ifndef CLI_BENCH_FIGURES_H
#define CLI_BENCH_FIGURES_H

#include "cli/bench.h"

/* The figures that bench gives when it is asked for no profile. */

enum figure {
	FIGURE_VIEWS,
	FIGURE_CROPS,
	FIGURE_READS,
	FIGURE_PACK,
	FIGURE_START,
	FIGURE_SAVE,
	FIGURE_STEP,
	FIGURES
};

struct figures { /* 0: not measured */
	double views, crops, reads;
	struct bench_packing pack;
	double first_batch, save;
	double step, operations, peak;
};

/* words: names with commas between; empty: all.  *wanted has bit (1 << figure) set for each. */
int figures_choose(unsigned *wanted, const char *words, char err[ERR_MAX]);

/* f is zero.  Each rank measures its own core, rank 0 alone what rank 0 does in a run.  Collective.
 */
int figures_measure(struct figures *f, const struct bench *b, unsigned wanted, struct comm *comm,
	struct device *dev, char err[ERR_MAX]);

void figures_print_json(const struct figures *f);
void figures_print(const struct figures *f, const struct bench *b, int ranks);

#endif
