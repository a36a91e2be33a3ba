/* status.c - how a run stands: reading its folder, and judging what is there. */
#include "cli/status.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"

/* ---- reading ---- */

static int holds(const char *run, const char *name)
{
	char *path = xasprintf("%s/%s", run, name);
	int there = file_exists(path);

	xfree(path);
	return there;
}

static int check_folder(const char *run, char err[ERR_MAX])
{
	if (!file_exists(run))
		return fail(err, "%s: there is no such folder", run);
	if (!file_is_folder(run))
		return fail(err, "%s: is not the folder of a run, but a file", run);
	if (!holds(run, "config.yaml") && !holds(run, "metrics.jsonl") &&
		!holds(run, "checkpoints"))
		return fail(err,
			"%s: is not the folder of a run: neither config.yaml, metrics.jsonl nor checkpoints is in it",
			run);
	return 0;
}

int status_open(struct status *s, const char *run, char err[ERR_MAX])
{
	char *results;

	*s = (struct status){ .run = run };
	config_default(&s->config);
	metrics_history_init(&s->metrics, run);
	run_log_init(&s->log, run);
	results = xasprintf("%s/results.jsonl", run);
	result_list_init(&s->results, results);
	xfree(results);
	return check_folder(run, err);
}

void status_close(struct status *s)
{
	metrics_history_free(&s->metrics);
	run_log_free(&s->log);
	result_list_free(&s->results);
	xfree(s->checkpoints);
	config_free(&s->config);
}

/* A file of another version of the program may have settings that are unknown here: then the run is
 * shown without its settings. */
static void read_config(struct status *s)
{
	char *path = xasprintf("%s/config.yaml", s->run), ignored[ERR_MAX];

	config_free(&s->config);
	config_default(&s->config);
	s->configured = file_exists(path) && config_load(&s->config, path, ignored) == 0;
	xfree(path);
}

/* Seconds since the file was written, or `most` without one.  The clock of another host may be
 * ahead. */
static double age_of(const char *path, int64_t now, double most)
{
	struct stat file;
	double age;

	if (stat(path, &file) != 0)
		return most;
	age = (double)(now - (int64_t)file.st_mtime);
	return fmin(most, fmax(age, 0));
}

static void gather_facts(struct status *s)
{
	const struct metrics *m = metrics_newest(&s->metrics);

	s->facts = (struct status_facts){
		.stopped = s->log.stopped,
		.age_s = age_of(s->log.path, s->now, age_of(s->metrics.path, s->now, INFINITY)),
		.interval_s = metrics_interval(&s->metrics),
	};
	if (m) {
		s->facts.step = m->step;
		/* a run that goes on for longer says so in its settings first */
		s->facts.steps = s->configured && s->config.train.steps > m->steps
			? s->config.train.steps
			: m->steps;
	}
}

static void forecast_end(struct status *s)
{
	const struct status_facts *f = &s->facts;
	const struct metrics *m = metrics_newest(&s->metrics);
	double rate = metrics_rate(&s->metrics);

	s->seconds_left = s->run_images_per_s = NAN;
	if (s->state == STATUS_FINISHED)
		s->seconds_left = 0;
	else if (rate > 0)
		s->seconds_left = (double)(f->steps - f->step) / rate;
	if (s->state == STATUS_RUNNING) /* the time since the newest line was used as well */
		s->seconds_left = fmax(s->seconds_left - f->age_s, 0);
	if (m && s->configured && m->seconds > 0)
		s->run_images_per_s = (double)m->step * s->config.train.batch / m->seconds;
}

int status_read(struct status *s, char err[ERR_MAX])
{
	if (check_folder(s->run, err) != 0 || metrics_history_read(&s->metrics, err) != 0 ||
		run_log_read(&s->log, err) != 0 || result_list_read(&s->results, err) != 0)
		return -1;
	s->now = (int64_t)time(NULL);
	read_config(s);
	xfree(s->checkpoints);
	s->checkpoint_count = checkpoint_list(&s->checkpoints, s->run);
	gather_facts(s);
	s->state = status_judge(&s->facts);
	forecast_end(s);
	return 0;
}

/* ---- judging ---- */

enum status_state status_judge(const struct status_facts *f)
{
	if (f->step > 0 && f->step >= f->steps)
		return STATUS_FINISHED;
	if (f->stopped)
		return STATUS_STOPPED;
	if (f->step == 0)
		return STATUS_STARTING;
	return f->age_s > fmax(10 * f->interval_s, STATUS_PATIENCE_S) ? STATUS_STALLED
								      : STATUS_RUNNING;
}

static const struct {
	const char *word;
	enum terminal_colour colour;
} states[] = {
	[STATUS_STARTING] = { "starting", CYAN },
	[STATUS_RUNNING] = { "running", GREEN },
	[STATUS_STALLED] = { "stalled", RED },
	[STATUS_STOPPED] = { "stopped", YELLOW },
	[STATUS_FINISHED] = { "finished", GREEN },
};

const char *status_word(enum status_state state)
{
	return states[state].word;
}

enum terminal_colour status_colour(enum status_state state)
{
	return states[state].colour;
}

char *status_span(char text[32], double seconds)
{
	long s;

	if (!isfinite(seconds) || fabs(seconds) > 1e12) {
		strcpy(text, "?");
		return text;
	}
	s = lround(seconds);
	if (s >= 86400)
		snprintf(text, 32, "%ld d %ld h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(text, 32, "%ld h %ld min", s / 3600, s / 60 % 60);
	else if (s >= 600 || (s >= 60 && s % 60 == 0))
		snprintf(text, 32, "%ld min", s / 60);
	else if (s >= 60)
		snprintf(text, 32, "%ld min %ld s", s / 60, s % 60);
	else
		snprintf(text, 32, "%ld s", s);
	return text;
}

/* ---- evaluations ---- */

/* Comparable: they differ in the encoder alone. */
static int comparable(const struct result_line *a, const struct result_line *b)
{
	return strcmp(a->protocol, b->protocol) == 0 && strcmp(a->train, b->train) == 0 &&
		strcmp(a->test, b->test) == 0 && strcmp(a->settings, b->settings) == 0;
}

static int same_kind(const struct result_line *a, const struct result_line *b)
{
	return comparable(a, b) && a->step == b->step && a->random == b->random &&
		strcmp(a->network, b->network) == 0;
}

static int in_order(const void *left, const void *right)
{
	const struct result_line *a = ((const struct status_evaluation *)left)->line;
	const struct result_line *b = ((const struct status_evaluation *)right)->line;
	int order = b->random - a->random;

	if (order == 0)
		order = (a->step > b->step) - (a->step < b->step);
	if (order == 0)
		order = strcmp(b->protocol, a->protocol); /* linear before knn */
	if (order == 0)
		order = strcmp(a->test, b->test);
	return order ? order : (a > b) - (a < b);
}

static void mark_best(struct status_evaluation *list, int count)
{
	for (int i = 0; i < count; i++) {
		const struct result_line *a = list[i].line;

		list[i].best = !a->random;
		for (int j = 0; j < count && list[i].best; j++) {
			const struct result_line *b = list[j].line;

			if (!b->random && comparable(a, b) && b->top1 > a->top1)
				list[i].best = 0;
		}
	}
}

int status_evaluations(struct status_evaluation **list, const struct status *s)
{
	const struct result_list *r = &s->results;
	int count = 0;

	*list = xcalloc((size_t)r->count + 1, sizeof **list);
	for (int i = 0; i < r->count; i++) {
		int at = 0;

		while (at < count && !same_kind((*list)[at].line, &r->lines[i]))
			at++;
		(*list)[at].line = &r->lines[i];
		count += at == count;
	}
	qsort(*list, (size_t)count, sizeof **list, in_order);
	mark_best(*list, count);
	return count;
}
