/* metrics.c - the record of a run, a line at a time.
 * Every line is in the file when metrics_write returns, so that a killed run has lost at most a
 * torn last line, which the next metrics_open cuts off. */
#include "train/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

struct metrics_log {
	char *path;
	FILE *file;
	double seconds;
	int warned;
};

enum { LINE_MAX_BYTES = 1024 };
static const size_t file_max = (size_t)4 << 30;

/* ---- opening: which lines of an earlier part of the run stay ---- */

/* Lines are ours: {"step":N, ... ,"seconds":S}.  Returns 0 unless it is a whole one. */
static int parse_line(const char *line, size_t n, int64_t *step, double *seconds)
{
	static const char first[] = "{\"step\":", last[] = "\"seconds\":";
	char copy[LINE_MAX_BYTES], *end, *value;

	if (n < sizeof first || n >= sizeof copy || line[n - 1] != '}')
		return 0;
	memcpy(copy, line, n);
	copy[n] = 0;
	value = strstr(copy, last);
	if (strncmp(copy, first, sizeof first - 1) != 0 || !value)
		return 0;
	*step = strtoll(copy + sizeof first - 1, &end, 10);
	if (*end != ',' || end == copy + sizeof first - 1)
		return 0;
	value += sizeof last - 1;
	*seconds = strtod(value, &end);
	return end != value && end == copy + n - 1;
}

/* Move the lines that stay to the front of text; returns their length. */
static size_t keep_lines(char *text, size_t n, struct metrics_log *log, int64_t step)
{
	size_t kept = 0, broken = 0;

	for (size_t at = 0; at < n;) {
		const char *newline = memchr(text + at, '\n', n - at);
		size_t length = newline ? (size_t)(newline - text) - at : n - at;
		double seconds;
		int64_t of;
		int whole = newline && parse_line(text + at, length, &of, &seconds);

		if (whole && of <= step) {
			memmove(text + kept, text + at, length + 1);
			kept += length + 1;
			log->seconds = seconds;
		}
		broken += !whole;
		at += length + 1;
	}
	if (broken > 0)
		log_warn("%s: %zu broken %s left out", log->path, broken,
			broken == 1 ? "line" : "lines");
	return kept;
}

static int cut_later_lines(struct metrics_log *log, int64_t step, char err[ERR_MAX])
{
	unsigned char *text;
	size_t n, kept;
	int rc = 0;

	if (!file_exists(log->path))
		return 0;
	if (file_read_all(log->path, file_max, &text, &n, err) != 0)
		return -1;
	kept = keep_lines((char *)text, n, log, step);
	if (kept < n)
		rc = file_write_atomic(log->path, text, kept, err);
	xfree(text);
	return rc;
}

static int open_to_append(struct metrics_log *log, char err[ERR_MAX])
{
	log->file = fopen(log->path, "a");
	if (!log->file)
		return fail(err, "%s: cannot open for writing: %s", log->path, strerror(errno));
	setvbuf(log->file, NULL, _IOLBF, LINE_MAX_BYTES);
	return 0;
}

struct metrics_log *metrics_open(const char *run, int64_t step, char err[ERR_MAX])
{
	struct metrics_log *log = xcalloc(1, sizeof *log);

	log->path = xasprintf("%s/metrics.jsonl", run);
	if (cut_later_lines(log, step, err) == 0 && open_to_append(log, err) == 0)
		return log;
	metrics_close(log);
	return NULL;
}

void metrics_close(struct metrics_log *log)
{
	if (!log)
		return;
	if (log->file)
		fclose(log->file);
	xfree(log->path);
	xfree(log);
}

double metrics_seconds(const struct metrics_log *log)
{
	return log->seconds;
}

/* ---- writing ---- */

/* Append ,"name":value to the line; JSON has no NaN and no infinity. */
static int put_number(char *line, int n, const char *name, double value)
{
	size_t room = (size_t)(LINE_MAX_BYTES - n);

	return n +
		(isfinite(value) ? snprintf(line + n, room, ",\"%s\":%.9g", name, value)
				 : snprintf(line + n, room, ",\"%s\":null", name));
}

static int print_line(char line[LINE_MAX_BYTES], const struct metrics *m)
{
	/* seconds is last: parse_line relies on it */
	const struct {
		const char *name;
		double value;
	} numbers[] = {
		{ "epoch", m->epoch },
		{ "loss", m->loss },
		{ "contrastive", m->contrastive },
		{ "invariance", m->invariance },
		{ "lr", m->lr },
		{ "ema", m->ema },
		{ "gradient_norm", m->gradient_norm },
		{ "images_per_s", m->images_per_s },
		{ "data_wait", m->data_wait },
		{ "bad_records", (double)m->bad_records },
		{ "seconds", isfinite(m->seconds) ? m->seconds : 0 },
	};
	int n = snprintf(line, LINE_MAX_BYTES, "{\"step\":%" PRId64 ",\"steps\":%" PRId64, m->step,
		m->steps);

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		n = put_number(line, n, numbers[i].name, numbers[i].value);
	return n + snprintf(line + n, (size_t)(LINE_MAX_BYTES - n), "}\n");
}

void metrics_write(struct metrics_log *log, const struct metrics *m)
{
	char line[LINE_MAX_BYTES];
	int n = print_line(line, m);

	CHECK(n < LINE_MAX_BYTES, "a line of metrics has %d bytes", n);
	if (fwrite(line, 1, (size_t)n, log->file) == (size_t)n && fflush(log->file) == 0)
		return;
	if (!log->warned)
		log_warn("%s: cannot write: %s; the run goes on without", log->path,
			strerror(errno));
	log->warned = 1;
	clearerr(log->file);
}

/* ---- for a person ---- */

static void print_time(char *text, size_t bytes, double seconds)
{
	long s = 0;

	if (!(seconds >= 0 && seconds < 1e9)) {
		snprintf(text, bytes, "--:--");
		return;
	}
	s = lround(seconds);
	if (s >= 86400)
		snprintf(text, bytes, "%ld d %02ld:%02ld:%02ld", s / 86400, s / 3600 % 24,
			s / 60 % 60, s % 60);
	else if (s >= 3600)
		snprintf(text, bytes, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, bytes, "%02ld:%02ld", s / 60, s % 60);
}

void metrics_progress_text(char *text, size_t bytes, const struct metrics *m, double seconds_left)
{
	char left[64], bad[64] = "";
	double epochs = m->step > 0 ? m->epoch * (double)m->steps / (double)m->step : m->epoch;

	print_time(left, sizeof left, seconds_left);
	if (m->bad_records > 0)
		snprintf(bad, sizeof bad, "  %ld bad %s", m->bad_records,
			m->bad_records == 1 ? "record" : "records");
	snprintf(text, bytes,
		"step %" PRId64 "/%" PRId64
		"  epoch %.2f/%.4g  loss %.4g (contrast %.3g, invariance %.3g)"
		"  lr %.3g  %.0f images/s  data wait %.0f %%%s  %s left",
		m->step, m->steps, m->epoch, epochs, m->loss, m->contrastive, m->invariance, m->lr,
		m->images_per_s, 100 * m->data_wait, bad, left);
}

void metrics_progress(const struct metrics *m, double seconds_left, int final)
{
	char text[512];

	metrics_progress_text(text, sizeof text, m, seconds_left);
	log_progress(final, "%s", text);
}
