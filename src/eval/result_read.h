#ifndef EVAL_RESULT_READ_H
#define EVAL_RESULT_READ_H

#include <stdint.h>

#include "base/die.h"
#include "base/lines.h"
#include "eval/result.h"

/* results.jsonl read by others, also while evaluations append to it. */

/* One line. */
struct result_line {
	char *protocol, *train, *test;
	char *settings; /* the JSON object as it stands there */
	char *checkpoint, *network;
	int64_t step;
	int random;
	double top1, top5; /* shares in 0..1 */
	double lr, k;      /* the chosen one; NaN: not of this protocol */
	char *time;        /* UTC, ISO 8601 */
};

struct result_list {
	char *path;
	struct lines file;
	struct result_line *lines; /* [count], in the order of the file */
	int count;
};

/* Of the file; nothing is read yet. */
void result_list_init(struct result_list *l, const char *path);
void result_list_free(struct result_list *l);

/* Read what is new since the last call.  Lines that are not whole results are passed over; no file
 * is an empty one.  -1 with err: it cannot be read. */
int result_list_read(struct result_list *l, char err[ERR_MAX]);

/* The newest line of this protocol on this subject, or NULL.  In the file of its run a checkpoint
 * counts by its step, and random ones are alike for all; in another file the path counts too. */
const struct result_line *result_list_find(
	const struct result_list *l, const char *protocol, const struct result_subject *s);

#endif
