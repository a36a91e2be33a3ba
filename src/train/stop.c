#include "train/stop.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/run_log.h"
#include "train/signals.h"

enum { END_OF_JOB = 1000, STOP_FILE }; /* no signals' numbers */

static const double LOOK_S = 1; /* between looks for the file: metadata of a shared disk */

/* Seconds until the Slurm job's end; infinite when there is none. */
static double job_left(void)
{
	const char *text = getenv("SLURM_JOB_END_TIME");
	char *rest;
	struct timespec now;
	double end;

	if (!text || !*text)
		return INFINITY;
	errno = 0;
	end = strtod(text, &rest);
	if (*rest || errno || !(end > 0)) {
		log_warn(
			"SLURM_JOB_END_TIME=%.100s is no time in seconds: the job's end is not watched",
			text);
		return INFINITY;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	return end - (double)now.tv_sec - 1e-9 * (double)now.tv_nsec;
}

void stop_init(struct stop *s, const char *folder, double margin_s)
{
	double left = job_left();

	*s = (struct stop){ .folder = folder, .end = clock_seconds() + left };
	s->margin = fmin(margin_s, left > 0 ? left / 10 : 0);
	if (isfinite(left))
		log_info(
			"the job ends in %.0f s; the end is made %.0f s before, or earlier where a step takes long",
			left, s->margin);
}

static int stop_file_is_there(struct stop *s)
{
	char *path;
	int there;

	if (!*s->folder || clock_seconds() - s->looked < LOOK_S)
		return 0;
	path = xasprintf("%s/STOP", s->folder);
	there = file_exists(path);
	xfree(path);
	s->looked = clock_seconds();
	return there;
}

/* What this rank knows; signals are any rank's, the rest is rank 0's. */
static int asked_here(struct stop *s, int rank, double needed_s)
{
	if (signals_caught())
		return signals_caught();
	if (rank != 0)
		return 0;
	if (clock_seconds() + needed_s + s->margin >= s->end)
		return END_OF_JOB;
	return stop_file_is_there(s) ? STOP_FILE : 0;
}

int stop_agree(struct stop *s, struct comm *c, double needed_s)
{
	int said[2]; /* the reason, and milliseconds since */

	if (s->reason)
		return 1;
	said[0] = asked_here(s, c->rank, needed_s);
	said[1] = (int)lround(1e3 * signals_age());
	comm_max_int(c, said, 2);
	s->reason = said[0];
	s->asked = clock_seconds() - 1e-3 * said[1];
	return s->reason != 0;
}

const char *stop_reason(const struct stop *s)
{
	static const struct {
		int reason;
		const char *text;
	} reasons[] = { { SIGTERM, "SIGTERM" }, { SIGINT, "SIGINT" }, { SIGUSR1, "SIGUSR1" },
		{ SIGUSR2, "SIGUSR2" }, { END_OF_JOB, "the end of the job" },
		{ STOP_FILE, "the file STOP in the run's folder" } };

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].reason == s->reason)
			return reasons[i].text;
	return "nothing";
}

void stop_report(const struct stop *s)
{
	if (s->reason)
		log_info(RUN_LOG_STOPPED_BY "%s: %.2f s later the program ends", stop_reason(s),
			clock_seconds() - s->asked);
}
