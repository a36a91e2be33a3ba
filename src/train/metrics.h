#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"

/* metrics.jsonl: one JSON object a line, appended by rank 0; and the line that a person sees while
 * it works. */

struct metrics {
	int64_t step, steps; /* done, in all */
	double epoch;        /* done, with fraction */
	double loss, contrastive, invariance;
	double lr, ema, gradient_norm;
	double images_per_s; /* of all ranks */
	double data_wait;    /* share of the time, 0..1 */
	double seconds;      /* since the run began, over all its parts */
	long bad_records;
};

/* Open RUN/metrics.jsonl for a run that goes on after `step` steps: later lines (of steps whose
 * state was lost) and lines that are not whole are cut off, so that the file reads as if nothing
 * had happened.  NULL with err if it cannot be read or written. */
struct metrics_log;
struct metrics_log *metrics_open(const char *run, int64_t step, char err[ERR_MAX]);

/* Append one line; numbers that are not finite become null.  A full disk is warned about once, not
 * an error. */
void metrics_write(struct metrics_log *log, const struct metrics *m);
void metrics_close(struct metrics_log *log);

/* Seconds recorded in the last line kept; 0 for a new run. */
double metrics_seconds(const struct metrics_log *log);

/* The progress line: step, epoch, loss and its terms, learning rate, images/s, data wait, time
 * left. */
void metrics_progress(const struct metrics *m, double seconds_left, int final);

/* The same as text, for metrics_progress and its test. */
void metrics_progress_text(char *text, size_t bytes, const struct metrics *m, double seconds_left);

#endif
