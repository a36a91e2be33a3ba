/* config.c - the configuration as a whole, and the command line. */
#include <stdlib.h>
#include <string.h>

#include "base/config_table.h"
#include "base/memory.h"

void config_default(struct config *c)
{
	char err[ERR_MAX];

	memset(c, 0, sizeof *c);
	for (int i = 0; i < config_option_count; i++) {
		const struct option *o = &config_options[i];

		CHECK(option_write(o, c, o->value, err) == 0, "bad default: %s", err);
	}
}

static char **text_at(const struct option *o, struct config *c)
{
	return (char **)((char *)c + o->offset);
}

void config_free(struct config *c)
{
	for (int i = 0; i < config_option_count; i++)
		if (config_options[i].type == OPTION_TEXT)
			xfree(*text_at(&config_options[i], c));
}

void config_copy(struct config *to, const struct config *from)
{
	*to = *from;
	for (int i = 0; i < config_option_count; i++)
		if (config_options[i].type == OPTION_TEXT) {
			char **text = text_at(&config_options[i], to);

			*text = xstrdup(*text);
		}
}

int config_set(struct config *c, const char *name, const char *value, char err[ERR_MAX])
{
	const struct option *o = option_find(name);

	if (o)
		return option_write(o, c, value, err);
	if (option_is_section(name))
		return fail(err, "%s: is a section; its settings are %s.NAME", name, name);
	return fail(err, "%.200s: there is no such setting; the nearest is %s", name,
		option_nearest(name));
}

/* ---- command line ---- */

/* The arguments that are still to be looked at, and those that stay. */
struct arguments {
	int count, at, kept;
	char **v;
};

/* Does "--name" or "--name=value" name a setting?  With a dot it is meant to, known or not. */
static int names_setting(const char *name)
{
	return strchr(name, '.') || option_find(name) || option_is_section(name);
}

/* The value that follows the option at a->at, or NULL.  A true-or-false setting may stand alone. */
static const char *following_value(struct arguments *a, const char *name)
{
	const struct option *o = option_find(name);
	const char *next = a->at + 1 < a->count ? a->v[a->at + 1] : NULL;
	int is_word = next &&
		(!strcmp(next, "true") || !strcmp(next, "false") || !strcmp(next, "1") ||
			!strcmp(next, "0"));

	if (o && o->type == OPTION_BOOL && !is_word)
		return "true";
	if (!next || strncmp(next, "--", 2) == 0)
		return NULL;
	a->at++;
	return next;
}

/* The argument at a->at, which begins with "--" and is the option called name (up to '=', if any).
 */
static int take_option(struct config *c, struct arguments *a, const char *name, const char *equals,
	char err[ERR_MAX])
{
	int is_file = strcmp(name, "config") == 0;
	const char *value;

	if (!is_file && !names_setting(name)) {
		a->v[a->kept++] = a->v[a->at];
		return 0;
	}
	if (!is_file && !option_find(name))
		return config_set(c, name, "", err); /* for its message */
	value = equals ? equals + 1 : following_value(a, name);
	if (!value)
		return fail(err, "--%s: a value must follow", name);
	return is_file ? config_load(c, value, err) : config_set(c, name, value, err);
}

int config_arguments(struct config *c, int *argc, char **argv, char err[ERR_MAX])
{
	struct arguments a = { .count = *argc, .v = argv };
	int rc = 0;

	for (; rc == 0 && a.at < a.count; a.at++) {
		char *text = argv[a.at], *equals, *name;

		if (strcmp(text, "--") == 0)
			break;
		if (strncmp(text, "--", 2) != 0) {
			argv[a.kept++] = text;
			continue;
		}
		equals = strchr(text, '=');
		name = xasprintf("%.*s", (int)strcspn(text + 2, "="), text + 2);
		rc = take_option(c, &a, name, equals, err);
		xfree(name);
	}
	while (rc == 0 && a.at < a.count)
		argv[a.kept++] = argv[a.at++];
	if (rc == 0)
		*argc = a.kept;
	return rc;
}

/* ---- help ---- */

void config_help(FILE *out, const char *section)
{
	size_t n = section ? strlen(section) : 0;

	for (int i = 0; i < config_option_count; i++) {
		const struct option *o = &config_options[i];
		char *domain;

		if (section &&
			(strncmp(o->name, section, n) != 0 ||
				(o->name[n] != '.' && o->name[n] != '\0')))
			continue;
		domain = option_domain(o);
		fprintf(out, "  --%s=%s  %s (%s)\n", o->name, *o->value ? o->value : "''", o->help,
			domain);
		xfree(domain);
	}
}

/* ---- resume ---- */

/* May a run whose record says a go on with b?  Numbers that may only rise are compared as numbers.
 */
static int may_change(const struct option *o, const char *a, const char *b)
{
	if (o->resume == RESUME_UPWARDS)
		return strtod(b, NULL) >= strtod(a, NULL);
	return o->resume == RESUME_FREE || strcmp(a, b) == 0;
}

int config_same_run(const struct config *a, const struct config *b, char err[ERR_MAX])
{
	size_t used = 0;

	for (int i = 0; i < config_option_count; i++) {
		const struct option *o = &config_options[i];
		char *was = option_read(o, a), *is = option_read(o, b);

		if (!may_change(o, was, is) && used < ERR_MAX)
			used += (size_t)snprintf(err + used, ERR_MAX - used,
				"%s%s is %.100s in the run and %.100s here%s", used ? "; " : "",
				o->name, was, is,
				o->resume == RESUME_UPWARDS ? " (it may only rise)" : "");
		xfree(was);
		xfree(is);
	}
	return used ? -1 : 0;
}
