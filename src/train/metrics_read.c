/* metrics_read.c - metrics.jsonl from outside the run.
 * Of most lines only step and loss are wanted, so only these are parsed: a million lines take some
 * tenths of a second. */
#include "train/metrics_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- lines ---- */

/* The value of a key, whose text is like "\"loss\":"; NaN when there is none, or null. */
static double value_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);
	char *end;
	double value;

	if (!at)
		return NAN;
	at += strlen(key);
	value = strtod(at, &end);
	return end == at ? NAN : value;
}

static void parse(struct metrics *m, const char *line)
{
	double bad = value_of(line, "\"bad_records\":");

	*m = (struct metrics){
		.step = (int64_t)value_of(line, "\"step\":"),
		.epoch = value_of(line, "\"epoch\":"),
		.loss = value_of(line, "\"loss\":"),
		.contrastive = value_of(line, "\"contrastive\":"),
		.invariance = value_of(line, "\"invariance\":"),
		.lr = value_of(line, "\"lr\":"),
		.ema = value_of(line, "\"ema\":"),
		.gradient_norm = value_of(line, "\"gradient_norm\":"),
		.images_per_s = value_of(line, "\"images_per_s\":"),
		.data_wait = value_of(line, "\"data_wait\":"),
		.seconds = value_of(line, "\"seconds\":"),
		.bad_records = isfinite(bad) ? (long)bad : 0,
	};
	m->steps = m->step;
	if (value_of(line, "\"steps\":") > 0)
		m->steps = (int64_t)value_of(line, "\"steps\":");
}

static void begin(void *arg)
{
	struct metrics_history *h = arg;

	h->count = 0;
}

static void add_line(void *arg, const char *line, size_t n)
{
	static const char first[] = "{\"step\":";
	struct metrics_history *h = arg;
	char *end;
	int64_t step;

	if (n <= sizeof first || n >= METRICS_LINE_MAX || line[n - 1] != '}' ||
		strncmp(line, first, sizeof first - 1) != 0)
		return;
	step = strtoll(line + sizeof first - 1, &end, 10);
	if (*end != ',' || step < 0)
		return;
	if (h->count == h->room) {
		h->room = h->room ? 2 * h->room : 1024;
		h->points = xrealloc(h->points, h->room * sizeof *h->points);
	}
	memcpy(h->text[h->count % METRICS_RECENT], line, n + 1);
	h->points[h->count++] = (struct metrics_point){ step, value_of(end, "\"loss\":") };
}

/* ---- the history ---- */

void metrics_history_init(struct metrics_history *h, const char *run)
{
	*h = (struct metrics_history){ .path = xasprintf("%s/metrics.jsonl", run) };
	h->lines.path = h->path;
	h->text = xcalloc(METRICS_RECENT, sizeof *h->text);
}

void metrics_history_free(struct metrics_history *h)
{
	xfree(h->path);
	xfree(h->points);
	xfree(h->text);
}

int metrics_history_read(struct metrics_history *h, char err[ERR_MAX])
{
	const struct lines_use use = { .begin = begin, .line = add_line, .arg = h };
	int rc = lines_read(&h->lines, &use, err);

	h->recent_count = h->count < METRICS_RECENT ? (int)h->count : METRICS_RECENT;
	for (int i = 0; i < h->recent_count; i++) {
		size_t n = h->count - (size_t)(h->recent_count - i);

		parse(&h->recent[i], h->text[n % METRICS_RECENT]);
	}
	return rc;
}

/* ---- what the recent lines say ---- */

const struct metrics *metrics_newest(const struct metrics_history *h)
{
	return h->recent_count > 0 ? &h->recent[h->recent_count - 1] : NULL;
}

double metrics_rate(const struct metrics_history *h)
{
	const struct metrics *old = h->recent, *new = metrics_newest(h);
	struct metrics start = { 0 };
	double rate;

	if (!new)
		return 0;
	if (h->recent_count == 1) /* the run began at 0 */
		old = &start;
	rate = (double)(new->step - old->step) / (new->seconds - old->seconds);
	return isfinite(rate) && rate > 0 ? rate : 0;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double metrics_interval(const struct metrics_history *h)
{
	double span[METRICS_RECENT];
	int n = 0;

	for (int i = 1; i < h->recent_count; i++) {
		double s = h->recent[i].seconds - h->recent[i - 1].seconds;

		if (isfinite(s) && s > 0)
			span[n++] = s;
	}
	if (n == 0)
		return 0;
	qsort(span, (size_t)n, sizeof *span, ascending);
	return span[n / 2];
}

/* Mean of the field at offset, weighed by the seconds since the line before. */
static double weighed_mean(const struct metrics_history *h, size_t offset)
{
	double sum = 0, seconds = 0;

	for (int i = 0; i < h->recent_count; i++) {
		const struct metrics *m = &h->recent[i];
		double s = i > 0 ? m->seconds - m[-1].seconds : h->recent_count > 1 ? 0 : 1;
		double x = *(const double *)((const char *)m + offset);

		if (!(s > 0) || !isfinite(x))
			continue;
		sum += s * x;
		seconds += s;
	}
	return seconds > 0 ? sum / seconds : NAN;
}

double metrics_recent_images_per_s(const struct metrics_history *h)
{
	return weighed_mean(h, offsetof(struct metrics, images_per_s));
}

double metrics_recent_data_wait(const struct metrics_history *h)
{
	return weighed_mean(h, offsetof(struct metrics, data_wait));
}
