/* cmd_views.c - reliquary views. */
#include "cli/commands.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "cli/options.h"
#include "contact_sheet.h"

/* The command line's values as the option table holds them. */
struct arguments {
	const char *data, *out;
	long epoch, images, first;
};

enum { ENTRIES = 5 };

static void fill_table(struct option_entry table[ENTRIES], struct arguments *a)
{
	const struct option_entry entries[ENTRIES] = {
		{ "data", OPTION_TEXT, &a->data, 0, 0, "DIR",
			"packed data set; without it data.train is used" },
		{ "out", OPTION_TEXT, &a->out, 0, 0, "PNG", "file to write" },
		{ "epoch", OPTION_LONG, &a->epoch, 0, 1e9, "E", "epoch, counted from 0" },
		{ "images", OPTION_LONG, &a->images, 1, CONTACT_SHEET_ROWS, "N", "rows" },
		{ "first", OPTION_LONG, &a->first, -1, 9e18, "I",
			"first image; the next follow it. -1: spread over the set" },
	};

	memcpy(table, entries, sizeof entries);
}

static void print_help(const struct option_entry *table)
{
	printf("usage: reliquary views --data DIR --out sheet.png [options]\n\n"
	       "Draw a contact sheet: each row an image, its mask if there is one, and its views "
	       "exactly as that epoch\n"
	       "of 'reliquary pretrain' with the same configuration feeds them to the "
	       "network.\n\n");
	options_help(stdout, table, ENTRIES);
	printf("  --config FILE       configuration of the run; or single values of it:\n\n"
	       "  --train.seed=S      seed of the run\n");
	config_help(stdout, "views");
}

static int complain(const char *err, int status)
{
	log_info("reliquary views: %s", err);
	return status;
}

static int draw(const struct arguments *a, const struct config *c)
{
	const struct contact_sheet_options o = {
		.data = a->data ? a->data : c->data.train,
		.out = a->out,
		.epoch = a->epoch,
		.images = a->images,
		.first = a->first,
		.threads = c->threads ? c->threads : omp_get_max_threads(),
	};
	char err[ERR_MAX];

	return contact_sheet_write(&o, c, err) == 0 ? EXIT_DONE : complain(err, EXIT_INPUT);
}

static int parse_and_draw(struct config *c, int argc, char **argv)
{
	struct arguments a = { .images = 8, .first = -1 };
	struct option_entry table[ENTRIES];
	char err[ERR_MAX];

	fill_table(table, &a);
	if (options_want_help(argc, argv)) {
		print_help(table);
		return EXIT_DONE;
	}
	/* first our own: --data is also the name of a section of settings */
	if (options_take(table, ENTRIES, &argc, argv, err) != 0 ||
		config_arguments(c, &argc, argv, err) != 0 || options_end(argc, argv, 0, err) != 0)
		return complain(err, EXIT_USAGE);
	if (!a.data && !*c->data.train)
		return complain("which data set? --data DIR, the folder that 'reliquary pack' made",
			EXIT_USAGE);
	if (!a.out)
		return complain("where to? --out sheet.png", EXIT_USAGE);
	if (config_check(c, err) != 0)
		return complain(err, EXIT_USAGE);
	return draw(&a, c);
}

int cmd_views(int argc, char **argv)
{
	struct config c;
	int status;

	config_default(&c);
	status = parse_and_draw(&c, argc, argv);
	config_free(&c);
	return status;
}
