#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include <stdint.h>
#include <stdio.h>

#include "base/config.h"
#include "base/die.h"
#include "cli/terminal.h"
#include "eval/result_read.h"
#include "train/checkpoint.h"
#include "train/metrics_read.h"
#include "train/run_log.h"

/* How a run stands, from the files of its folder alone: nothing is written or locked, and no
 * checkpoint is opened. So it works from any host that sees the folder. */

enum status_state {
	STATUS_STARTING, /* no line of metrics yet */
	STATUS_RUNNING,
	STATUS_STALLED, /* no sign of life for far longer than usual: killed, or hanging */
	STATUS_STOPPED, /* on request */
	STATUS_FINISHED
};

/* By what the state is told. */
struct status_facts {
	int64_t step, steps; /* of the newest line; step 0: there is none */
	int stopped;         /* says the log */
	double age_s;        /* since the last sign of life */
	double interval_s;   /* between lines, as usual; 0: unknown */
};

struct status {
	const char *run; /* folder, as it was named; not owned */
	struct metrics_history metrics;
	struct run_log log;
	struct result_list results;
	struct checkpoint_file *checkpoints; /* [checkpoint_count], oldest first */
	int checkpoint_count;
	struct config config;
	int configured; /* config.yaml could be read */
	struct status_facts facts;
	enum status_state state;
	int64_t now;             /* seconds since 1970, when it was read */
	double seconds_left;     /* of training; NaN: cannot be told */
	double run_images_per_s; /* mean over the whole run; NaN: cannot be told */
};

/* One evaluation to show: the newest of its kind. */
struct status_evaluation {
	const struct result_line *line; /* in the status */
	int best; /* top-1 of its protocol, data and settings, random ones apart */
};

/* Whether the folder is that of a run: -1 with err: it is not there, or is something else. */
int status_open(struct status *s, const char *run, char err[ERR_MAX]);
void status_close(struct status *s); /* also after status_open failed */

/* Read what is new, and judge it. */
int status_read(struct status *s, char err[ERR_MAX]);

/* A clock that is some minutes off on another host, or a step that takes long, makes no stalled
 * run: the last sign is then older than ten usual intervals and than STATUS_PATIENCE_S. */
enum { STATUS_PATIENCE_S = 300 };
enum status_state status_judge(const struct status_facts *f);
const char *status_word(enum status_state state);
enum terminal_colour status_colour(enum status_state state);

/* Random ones first, then by step; *list is the caller's (xfree) and as valid as the status.
 * Returns how many. */
int status_evaluations(struct status_evaluation **list, const struct status *s);

/* "42 s", "5 min 20 s", "3 h 12 min", "2 d 3 h"; "?" when it is not finite.  Returns text. */
char *status_span(char text[32], double seconds);

/* ---- what is printed ---- */

struct status_form {
	struct terminal terminal;
	int braille;   /* the curve; else ASCII */
	int plot_rows; /* of the curve with its axes */
};

/* A screen on one run. */
void status_print(FILE *f, const struct status *s, const struct status_form *form);

/* A line a run, below a heading. */
void status_print_heading(FILE *f, const struct status_form *form);
void status_print_row(FILE *f, const struct status *s, const struct status_form *form);

/* One JSON object on one line. */
void status_print_json(FILE *f, const struct status *s);

/* The table of evaluations, a part of the screen. */
void status_print_evaluations(FILE *f, const struct status *s, const struct status_form *form);

#endif
