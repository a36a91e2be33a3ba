#ifndef BASE_CONFIG_TABLE_H
#define BASE_CONFIG_TABLE_H

#include "base/config.h"

/* The table behind config.h; only config*.c include this. */

enum option_type { OPTION_INT, OPTION_LONG, OPTION_REAL, OPTION_BOOL, OPTION_WORD, OPTION_TEXT };

/* What a run that is resumed may change. */
enum option_resume { RESUME_SAME, RESUME_FREE, RESUME_UPWARDS };

struct option {
	const char *name; /* "section.key", or "key" */
	enum option_type type;
	size_t offset;     /* in struct config */
	const char *value; /* default */
	double min, max;   /* of numbers */
	const char *words; /* choices, separated by '|'; NULL: any text */
	enum option_resume resume;
	const char *help;
};

extern const struct option config_options[];
extern const int config_option_count;

/* By name; NULL: there is none. */
const struct option *option_find(const char *name);

/* The known name nearest to name by edit distance, whole or without its section. */
const char *option_nearest(const char *name);

/* 1 if some option's name begins with "section.". */
int option_is_section(const char *section);

/* What may be given: "integer, 1..16", "true|false" ...; *text is the caller's to free. */
char *option_domain(const struct option *o);

/* The value as text that option_write reads back to the same value; the caller's to free. */
char *option_read(const struct option *o, const struct config *c);

/* Set the value, or return -1 with err: key, value, what is allowed. */
int option_write(const struct option *o, struct config *c, const char *value, char err[ERR_MAX]);

/* 1 if text can stand in a YAML file: UTF-8 without control characters. */
int yaml_holds(const char *text);

#endif
