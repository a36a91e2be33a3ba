#ifndef EVAL_RESULT_H
#define EVAL_RESULT_H

#include <stdint.h>

#include "base/die.h"
#include "eval/tally.h"

/* What an evaluation found: a line for a person, and a JSON object a line in results.jsonl. */

enum { RESULT_ROWS_MAX = 16 };

/* One learning rate, or one number of neighbours. */
struct result_row {
	double setting;
	struct tally test, held; /* held: images held out of training; none unless the choice was
				    made on them */
	double loss;             /* of training at its end, linear only */
};

struct result {
	const char *protocol;  /* "linear", "knn" */
	const char *setting;   /* what a row's setting is: "lr", "k" */
	const char *chosen_on; /* "test", "holdout", or "given": the first row, without looking */
	struct result_row rows[RESULT_ROWS_MAX];
	int count, chosen;
	int64_t train_images, test_images; /* used */
	int64_t unreadable;                /* of either; left out */
	double seconds;
};

/* Of what the results are. */
struct result_subject {
	const char *encoder; /* path of the checkpoint or file, or "" */
	int64_t step;
	const char *network;      /* "online", "target" */
	int random;               /* at random initialisation */
	const char *train, *test; /* data sets */
	const char *settings; /* JSON object of what the user could set: results of equal settings
				 are comparable */
};

/* Where the results of a run are kept: RUN/results.jsonl for a run, or for one of the files in its
 * checkpoints; beside any other file. Caller frees. */
char *result_path(const char *run_or_file);

/* Append one line to the file, in one piece: runs that write at the same time do not mix. */
int result_append(const char *path, const struct result *r, const struct result_subject *s,
	char err[ERR_MAX]);

/* The newest top-1 in the file of the same protocol, data and settings, at random initialisation or
 * not, as asked; 0 when there is none (or no such file). */
int result_find(double *top1, const char *path, const struct result *r,
	const struct result_subject *s, int random);

/* One line: the chosen row, how it was chosen, the other rows; and, when file (may be NULL) has it,
 * the same at random initialisation (or, of a random one, the same trained).  Caller frees. */
char *result_print(const struct result *r, const struct result_subject *s, const char *file);

#endif
