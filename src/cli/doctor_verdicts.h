#ifndef CLI_DOCTOR_VERDICTS_H
#define CLI_DOCTOR_VERDICTS_H

#include <stdio.h>

#include "cli/doctor_host.h"
#include "cli/doctor_launch.h"

/* What is wrong, and the way out of it. */

struct host_verdict;

struct verdicts {
	FILE *out; /* where a verdict is written as it is found */
	int errors, warnings;
	struct host_verdict *waiting; /* those on hosts, until verdicts_tell */
	int waiting_count;
};

/* One line: with what a run would fail, or what it would suffer from. */
void verdict_error(struct verdicts *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void verdict_warning(struct verdicts *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same of a host, whose name (which must last until then) verdicts_tell puts before the text.
 * Say nothing that only this host can have, such as a rank's number in the job: then hosts with the
 * same trouble share one line, which counts once. */
void host_error(struct verdicts *v, const char *host, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void host_warning(struct verdicts *v, const char *host, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Write what waits, in the order of each text's first host.  Every function below ends with it. */
void verdicts_tell(struct verdicts *v);

/* All ranks of the job, in order. */
struct doctor_ranks {
	const struct doctor_rank *all;
	int count;
};

/* Ranks against what the launcher has announced; MPI's only. */
void verdicts_launch(struct verdicts *v, const struct doctor_ranks *r,
	const struct doctor_launch *l, const struct config *c);
/* Ranks of one host on the same cores; more threads than cores. */
void verdicts_binding(struct verdicts *v, const struct doctor_ranks *r);
/* Open files, locked memory, and hosts that differ. */
void verdicts_limits(struct verdicts *v, const struct doctor_ranks *r);
/* Devices that do not open, and ranks of a host with one card between them. */
void verdicts_devices(struct verdicts *v, const struct doctor_ranks *r);
/* Data set and folder of the run, as the hosts see them; the room for checkpoints. */
void verdicts_files(struct verdicts *v, const struct doctor_ranks *r, const struct config *c);
/* need: bytes that a rank takes.  Against the memory of its host. */
void verdicts_memory(struct verdicts *v, const struct doctor_ranks *r, uint64_t need);

/* The last line. */
void verdicts_end(const struct verdicts *v);

#endif
