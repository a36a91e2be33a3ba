#ifndef TRAIN_STOP_H
#define TRAIN_STOP_H

#include "comm/comm.h"

/* Whether the job has been asked to end early, and by what: a signal to any rank, the end of the
 * Slurm job, or a file STOP in the folder of the run. */

struct stop {
	const char *folder; /* of the run; "": no file is looked for */
	double end;         /* of the job, by clock_seconds; infinite: unknown */
	double margin;      /* seconds to keep free before it */
	double looked;      /* for the file, by clock_seconds */
	int reason;         /* agreed: 0 not asked, a signal's number, or one of stop.c's */
	double asked;       /* when, by clock_seconds */
};

/* The folder must outlive s; "": no file is looked for.  The end is taken from SLURM_JOB_END_TIME
 * (seconds since 1970), which Slurm sets; of margin_s (run.stop_before_s) no more counts than a
 * tenth of what the job has left now. */
void stop_init(struct stop *s, const char *folder, double margin_s);

/* 1 when any rank has been asked, or when the job ends within the margin and needed_s: the seconds
 * that pass until ranks agree again, and what must be written at the end (rank 0's counts).
 * Collective, with the same result on all ranks; 1 for good. */
int stop_agree(struct stop *s, struct comm *c, double needed_s);

/* What has asked: "SIGUSR1", "the end of the job". */
const char *stop_reason(const struct stop *s);

/* The program's last words when it was stopped: by what, and the seconds since (of signals: since
 * the first came).  Nothing when it was not. */
void stop_report(const struct stop *s);

#endif
