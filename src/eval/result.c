/* result.c - results, for a person and for results.jsonl.
 * A line begins with what makes results comparable (protocol, data, settings), always written
 * alike: so a comparable line is found by its text alone. */
#include "eval/result.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

static const size_t file_max = (size_t)1 << 30;

/* ---- where ---- */

/* The folder that path lies in. */
static char *parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xasprintf("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

char *result_path(const char *run_or_file)
{
	char *folder, *name, *path;

	if (file_is_folder(run_or_file))
		return xasprintf("%s/results.jsonl", run_or_file);
	folder = parent(run_or_file);
	name = strrchr(folder, '/');
	if (strcmp(name ? name + 1 : folder, "checkpoints") == 0) {
		char *run = parent(folder);

		xfree(folder);
		folder = run;
	}
	path = xasprintf("%s/results.jsonl", folder);
	xfree(folder);
	return path;
}

/* ---- the line of a file ---- */

/* The beginning of a line, up to the value of top1. */
static void put_subject(FILE *f, const struct result *r, const struct result_subject *s, int random)
{
	fprintf(f, "{\"protocol\":\"%s\",\"random\":%s,\"train\":", r->protocol,
		random ? "true" : "false");
	json_put_string(f, s->train);
	fputs(",\"test\":", f);
	json_put_string(f, s->test);
	fprintf(f, ",\"settings\":%s,\"top1\":", s->settings);
}

static void put_row(FILE *f, const struct result *r, const struct result_row *row)
{
	fprintf(f, "{\"%s\":%.9g,\"top1\":%.6f,\"top5\":%.6f", r->setting, row->setting,
		tally_top1(&row->test), tally_top5(&row->test));
	if (row->held.images > 0)
		fprintf(f, ",\"holdout_top1\":%.6f", tally_top1(&row->held));
	if (strcmp(r->setting, "lr") == 0 && isfinite(row->loss)) /* a rate may be too high */
		fprintf(f, ",\"loss\":%.6g", row->loss);
	fputc('}', f);
}

static void put_rows(FILE *f, const struct result *r)
{
	fprintf(f, ",\"per_%s\":[", r->setting);
	for (int i = 0; i < r->count; i++) {
		if (i > 0)
			fputc(',', f);
		put_row(f, r, &r->rows[i]);
	}
	fputc(']', f);
}

static void put_line(FILE *f, const struct result *r, const struct result_subject *s)
{
	const struct result_row *row = &r->rows[r->chosen];
	time_t now = time(NULL);
	struct tm utc;
	char text[32];

	gmtime_r(&now, &utc);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	put_subject(f, r, s, s->random);
	fprintf(f, "%.6f,\"top5\":%.6f,\"%s\":%.9g,\"chosen_on\":\"%s\"", tally_top1(&row->test),
		tally_top5(&row->test), r->setting, row->setting, r->chosen_on);
	put_rows(f, r);
	fputs(",\"checkpoint\":", f);
	json_put_string(f, s->encoder);
	fprintf(f,
		",\"step\":%" PRId64 ",\"network\":\"%s\",\"train_images\":%" PRId64
		",\"test_images\":%" PRId64 ",\"unreadable\":%" PRId64
		",\"seconds\":%.1f,\"time\":\"%s\"}\n",
		s->step, s->network, r->train_images, r->test_images, r->unreadable, r->seconds,
		text);
}

int result_append(
	const char *path, const struct result *r, const struct result_subject *s, char err[ERR_MAX])
{
	char *line = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&line, &n);
	int rc;

	CHECK(f, "out of memory");
	put_line(f, r, s);
	CHECK(fclose(f) == 0, "out of memory");
	rc = file_append_line(path, line, n, err);
	xfree(line);
	return rc;
}

/* ---- comparison ---- */

int result_find(double *top1, const char *path, const struct result *r,
	const struct result_subject *s, int random)
{
	unsigned char *text;
	char err[ERR_MAX], *begin = NULL;
	size_t n;
	FILE *f;
	int found = 0;

	if (!file_exists(path) || file_read_all(path, file_max, &text, &n, err) != 0)
		return 0;
	f = open_memstream(&begin, &n);
	CHECK(f, "out of memory");
	put_subject(f, r, s, random);
	CHECK(fclose(f) == 0, "out of memory");
	for (const char *at = (const char *)text; (at = strstr(at, begin)); found = 1)
		*top1 = strtod(at += n, NULL);
	xfree(begin);
	xfree(text);
	return found;
}

/* ---- for a person ---- */

static void print_choice(FILE *f, const struct result *r)
{
	fprintf(f, "%s %.4g", r->setting, r->rows[r->chosen].setting);
	if (strcmp(r->chosen_on, "given") != 0)
		fprintf(f, ", best of %d on %s", r->count,
			strcmp(r->chosen_on, "test") == 0 ? "test" : "held-out training images");
	for (int i = 0; i < r->count; i++)
		if (i != r->chosen)
			fprintf(f, "; %.4g: %.1f %%", r->rows[i].setting,
				100 * tally_top1(&r->rows[i].test));
}

char *result_print(const struct result *r, const struct result_subject *s, const char *file)
{
	const struct result_row *row = &r->rows[r->chosen];
	char *line = NULL;
	size_t n;
	FILE *f = open_memstream(&line, &n);
	double other;

	CHECK(f, "out of memory");
	fprintf(f, "%-6s  top-1 %.1f %%  top-5 %.1f %%%s  (", r->protocol,
		100 * tally_top1(&row->test), 100 * tally_top5(&row->test),
		s->random ? " at random initialisation" : "");
	print_choice(f, r);
	fputc(')', f);
	if (file && result_find(&other, file, r, s, !s->random))
		fprintf(f, "; %.1f %% %s", 100 * other,
			s->random ? "pre-trained" : "at random initialisation");
	CHECK(fclose(f) == 0, "out of memory");
	return line;
}
