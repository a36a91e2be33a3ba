/* config_option.c - one setting: find, read and write it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_table.h"
#include "base/memory.h"

_Static_assert(sizeof(enum solarise) == sizeof(int), "an enum of struct config is kept as an int");

enum { NAME_LIMIT = 96 }; /* longer names than any known one are cut for the comparison */

const struct option *option_find(const char *name)
{
	for (int i = 0; i < config_option_count; i++)
		if (strcmp(config_options[i].name, name) == 0)
			return &config_options[i];
	return NULL;
}

int option_is_section(const char *section)
{
	size_t n = strlen(section);

	for (int i = 0; i < config_option_count; i++)
		if (strncmp(config_options[i].name, section, n) == 0 &&
			config_options[i].name[n] == '.')
			return 1;
	return 0;
}

static int smallest(int a, int b, int c)
{
	int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance: insertions, deletions and replacements from a to b. */
static int edit_distance(const char *a, const char *b)
{
	int row[NAME_LIMIT + 1], n = (int)strnlen(b, NAME_LIMIT);

	for (int j = 0; j <= n; j++)
		row[j] = j;
	for (int i = 0; a[i] && i < NAME_LIMIT; i++) {
		int diagonal = row[0];

		row[0] = i + 1;
		for (int j = 0; j < n; j++) {
			int replace = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = smallest(replace, row[j] + 1, row[j + 1] + 1);
		}
	}
	return row[n];
}

const char *option_nearest(const char *name)
{
	const char *nearest = NULL;
	int best = 0;

	for (int i = 0; i < config_option_count; i++) {
		const char *known = config_options[i].name, *key = strchr(known, '.');
		int whole = edit_distance(name, known);
		int part = key && !strchr(name, '.') ? edit_distance(name, key + 1) : whole;
		int distance = part < whole ? part : whole;

		if (!nearest || distance < best) {
			nearest = known;
			best = distance;
		}
	}
	return nearest;
}

char *option_domain(const struct option *o)
{
	if (o->words)
		return xstrdup(o->words);
	switch (o->type) {
	case OPTION_INT:
		return xasprintf("integer, %.0f..%.0f", o->min, o->max);
	case OPTION_LONG:
		return xasprintf("integer, from %.0f", o->min);
	case OPTION_REAL:
		return xasprintf("number, %g..%g", o->min, o->max);
	default:
		return xstrdup("text");
	}
}

/* Word number k of "a|b|c", or NULL; the caller's to free. */
static char *word_at(const char *words, int k)
{
	for (; k > 0; k--) {
		words = strchr(words, '|');
		if (!words)
			return NULL;
		words++;
	}
	return xasprintf("%.*s", (int)strcspn(words, "|"), words);
}

/* Number of the word, or -1. */
static int word_find(const char *words, const char *word)
{
	char *known;
	int k = 0, found = 0;

	for (; !found && (known = word_at(words, k)) != NULL; k++) {
		found = strcmp(known, word) == 0;
		xfree(known);
	}
	return found ? k - 1 : -1;
}

/* The shortest of 15 to 17 digits that reads back to the same number. */
static char *real_text(double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return xstrdup(text);
}

char *option_read(const struct option *o, const struct config *c)
{
	const char *p = (const char *)c + o->offset;

	switch (o->type) {
	case OPTION_INT:
		return xasprintf("%d", *(const int *)p);
	case OPTION_LONG:
		return xasprintf("%lld", (long long)*(const int64_t *)p);
	case OPTION_REAL:
		return real_text(*(const double *)p);
	case OPTION_BOOL:
		return xstrdup(*(const int *)p ? "true" : "false");
	case OPTION_WORD:
		return word_at(o->words, *(const int *)p);
	case OPTION_TEXT:
		break;
	}
	return xstrdup(*(char *const *)p);
}

static int refuse(const struct option *o, const char *value, char err[ERR_MAX])
{
	char *domain = option_domain(o);
	int rc = fail(err, "%s: '%.200s' is not allowed here (%s)", o->name, value, domain);

	xfree(domain);
	return rc;
}

static int write_integer(const struct option *o, void *p, const char *value, char err[ERR_MAX])
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(value, &end, 10);
	if (end == value || *end || errno || (double)v < o->min || (double)v > o->max)
		return refuse(o, value, err);
	if (o->type == OPTION_LONG)
		*(int64_t *)p = v;
	else
		*(int *)p = (int)v;
	return 0;
}

static int write_real(const struct option *o, double *p, const char *value, char err[ERR_MAX])
{
	char *end;
	double v = strtod(value, &end);

	if (end == value || *end || !(v >= o->min && v <= o->max))
		return refuse(o, value, err);
	*p = v;
	return 0;
}

static int write_bool(const struct option *o, int *p, const char *value, char err[ERR_MAX])
{
	int yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

	if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
		return refuse(o, value, err);
	*p = yes;
	return 0;
}

static int write_word(const struct option *o, int *p, const char *value, char err[ERR_MAX])
{
	int k = word_find(o->words, value);

	if (k < 0)
		return refuse(o, value, err);
	*p = k;
	return 0;
}

static int write_text(const struct option *o, char **p, const char *value, char err[ERR_MAX])
{
	char *copy;

	if (o->words && word_find(o->words, value) < 0)
		return refuse(o, value, err);
	if (!yaml_holds(value))
		return fail(err, "%s: the text holds control characters or is not UTF-8", o->name);
	copy = xstrdup(value); /* first: value may be the text to replace */
	xfree(*p);
	*p = copy;
	return 0;
}

int option_write(const struct option *o, struct config *c, const char *value, char err[ERR_MAX])
{
	void *p = (char *)c + o->offset;

	switch (o->type) {
	case OPTION_INT:
	case OPTION_LONG:
		return write_integer(o, p, value, err);
	case OPTION_REAL:
		return write_real(o, p, value, err);
	case OPTION_BOOL:
		return write_bool(o, p, value, err);
	case OPTION_WORD:
		return write_word(o, p, value, err);
	case OPTION_TEXT:
		break;
	}
	return write_text(o, p, value, err);
}
