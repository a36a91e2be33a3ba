#ifndef CLI_EVAL_OPTIONS_H
#define CLI_EVAL_OPTIONS_H

#include <stdio.h>

#include "base/config.h"
#include "eval/protocol.h"

/* The command line of 'reliquary eval'. */
struct eval_request {
	int run_linear, run_knn;
	const char *checkpoint, *init; /* or NULL */
	int random, target;
	int skip_done;       /* leave out what the results hold already */
	int each;            /* every checkpoint of the run, not the newest; skip_done is set */
	const char *test;    /* folder of the test set */
	const char *results; /* file; NULL: the run's, if there is one */
	int size;            /* 0: the configuration's views.large_size */
	struct linear_settings linear;
	struct knn_settings knn;
};

/* Read the whole command line; argv loses nothing.  What it says of the configuration is set in c,
 * which holds the defaults before.  -1: err says which option is wrong. */
int eval_options_parse(
	struct eval_request *r, struct config *c, int argc, char **argv, char err[ERR_MAX]);

/* Set in c what the same command line says of the configuration. */
int eval_options_configure(struct config *c, int argc, char **argv, char err[ERR_MAX]);

void eval_options_help(FILE *out);

#endif
