#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdio.h>

#include "base/die.h"

/* The options of one subcommand as a table; the configuration has a table of its own
 * (base/config.h). */

enum option_kind { OPTION_LONG, OPTION_REAL, OPTION_TEXT };

struct option_entry {
	const char *name; /* without the dashes */
	enum option_kind kind;
	void *value;     /* long *, double * or const char **; holds the default */
	double min, max; /* of numbers */
	const char *argument, *help;
};

/* Take "--name VALUE" and "--name=VALUE" of the table out of argv; all other arguments stay, in
 * order, and *argc is their new count.  A value that is malformed, missing or out of range is
 * refused. */
int options_take(
	const struct option_entry *table, int entries, int *argc, char **argv, char err[ERR_MAX]);

/* Take the flag "--name", which has no value, out of argv, as often as it is there; 1 if it was. */
int options_take_flag(const char *name, int *argc, char **argv);

/* What must be left when all options are taken: argv[0], the subcommand's name, and so many
 * operands, none of them an option that nobody took. */
int options_end(int argc, char **argv, int operands, char err[ERR_MAX]);

/* Is "--help" or "-h" among the arguments? */
int options_want_help(int argc, char **argv);

/* One line for each option, with its default. */
void options_help(FILE *out, const struct option_entry *table, int entries);

#endif
