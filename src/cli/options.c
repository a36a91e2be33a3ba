#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int set_long(const struct option_entry *e, const char *text, char err[ERR_MAX])
{
	char *end;
	long x;

	errno = 0;
	x = strtol(text, &end, 10);
	if (*text == 0 || *end != 0 || errno != 0 || !((double)x >= e->min && (double)x <= e->max))
		return fail(err, "--%s: '%s' is not a whole number from %.0f to %.0f", e->name,
			text, e->min, e->max);
	*(long *)e->value = x;
	return 0;
}

static int set_real(const struct option_entry *e, const char *text, char err[ERR_MAX])
{
	char *end;
	double x = strtod(text, &end);

	if (*text == 0 || *end != 0 || !(x >= e->min && x <= e->max))
		return fail(err, "--%s: '%s' is not a number from %g to %g", e->name, text, e->min,
			e->max);
	*(double *)e->value = x;
	return 0;
}

static int set(const struct option_entry *e, const char *text, char err[ERR_MAX])
{
	if (e->kind == OPTION_LONG)
		return set_long(e, text, err);
	if (e->kind == OPTION_REAL)
		return set_real(e, text, err);
	if (*text == 0)
		return fail(err, "--%s: the value is empty", e->name);
	*(const char **)e->value = text;
	return 0;
}

static const struct option_entry *find(
	const struct option_entry *table, int entries, const char *name, size_t n)
{
	for (int i = 0; i < entries; i++)
		if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
			return &table[i];
	return NULL;
}

int options_take(
	const struct option_entry *table, int entries, int *argc, char **argv, char err[ERR_MAX])
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		const char *name = argv[i] + 2;
		size_t n = strncmp(argv[i], "--", 2) == 0 ? strcspn(name, "=") : 0;
		const struct option_entry *e = n ? find(table, entries, name, n) : NULL;
		const char *value;

		if (!e) {
			argv[kept++] = argv[i];
			continue;
		}
		value = name[n] == '=' ? name + n + 1 : i + 1 < *argc ? argv[++i] : NULL;
		if (!value)
			return fail(err, "--%s: a value is missing (%s)", e->name, e->argument);
		if (set(e, value, err) != 0)
			return -1;
	}
	*argc = kept;
	return 0;
}

int options_take_flag(const char *name, int *argc, char **argv)
{
	int kept = 1, found = 0;

	for (int i = 1; i < *argc; i++)
		if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
			found = 1;
		else
			argv[kept++] = argv[i];
	*argc = kept;
	return found;
}

int options_end(int argc, char **argv, int operands, char err[ERR_MAX])
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '-')
			return fail(err,
				"there is no option '%s'; 'reliquary %s --help' tells those there "
				"are",
				argv[i], argv[0]);
	if (argc - 1 > operands)
		return fail(err,
			"'%s' is one argument too many; 'reliquary %s --help' tells which there "
			"are",
			argv[operands + 1], argv[0]);
	if (argc - 1 < operands)
		return fail(err,
			"an argument is missing; 'reliquary %s --help' tells which there are",
			argv[0]);
	return 0;
}

int options_want_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return 1;
	return 0;
}

void options_help(FILE *out, const struct option_entry *table, int entries)
{
	for (int i = 0; i < entries; i++) {
		const struct option_entry *e = &table[i];
		int width = fprintf(out, "  --%s %s", e->name, e->argument);

		fprintf(out, "%*s%s", width < 22 ? 22 - width : 1, "", e->help);
		if (e->kind == OPTION_LONG)
			fprintf(out, " (%ld)", *(long *)e->value);
		else if (e->kind == OPTION_REAL)
			fprintf(out, " (%g)", *(double *)e->value);
		else if (*(const char **)e->value)
			fprintf(out, " (%s)", *(const char **)e->value);
		fputc('\n', out);
	}
}
