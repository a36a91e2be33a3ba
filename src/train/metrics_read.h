#ifndef TRAIN_METRICS_READ_H
#define TRAIN_METRICS_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "base/lines.h"
#include "train/metrics.h"

/* metrics.jsonl read by others, also while the run goes on: the loss of every line, and all of the
 * last ones. */

enum { METRICS_RECENT = 64, METRICS_LINE_MAX = 1024 };

struct metrics_point {
	int64_t step;
	double loss; /* NaN: it was not finite */
};

struct metrics_history {
	char *path;
	struct lines lines;
	struct metrics_point *points; /* [count], a line each, in the order of the file */
	size_t count, room;
	struct metrics recent[METRICS_RECENT]; /* [recent_count], the newest last; NaN for null */
	int recent_count;
	char (*text)[METRICS_LINE_MAX]; /* [METRICS_RECENT]: line number n is in n % METRICS_RECENT
					 */
};

/* Of the folder of a run; nothing is read yet. */
void metrics_history_init(struct metrics_history *h, const char *run);
void metrics_history_free(struct metrics_history *h);

/* Read what is new since the last call.  Lines that are not whole are passed over; no file is an
 * empty one.  -1 with err: it cannot be read. */
int metrics_history_read(struct metrics_history *h, char err[ERR_MAX]);

/* The newest line, or NULL. */
const struct metrics *metrics_newest(const struct metrics_history *h);

/* Steps a second over the recent lines; 0: it cannot be told from them. */
double metrics_rate(const struct metrics_history *h);

/* Seconds between two lines, as it is usual among the recent ones (their median); 0: unknown. */
double metrics_interval(const struct metrics_history *h);

/* The same of images/s and data wait: means over the recent lines by the time that each stands for;
 * NaN: unknown. */
double metrics_recent_images_per_s(const struct metrics_history *h);
double metrics_recent_data_wait(const struct metrics_history *h);

#endif
