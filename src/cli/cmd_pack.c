/* cmd_pack.c - the command line of pack. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "pack.h"
#include "pack_pool.h"

static const char help[] =
	"usage: reliquary pack SOURCE... OUT [options]\n"
	"       reliquary pack --verify DIR [--decode] [--threads T]\n"
	"\n"
	"Packs images into the HDF5 shards that pretrain and eval read.  SOURCE is one of\n"
	"  a folder of class folders   the class is the first folder's name, numbered in sorted "
	"order\n"
	"  a manifest (*.tsv, *.txt)   lines of: path, tab, label or labels with commas, tab, "
	"mask; the last two\n"
	"                              may be missing; paths are relative to the manifest's "
	"folder\n"
	"  tar files (*.tar, *.tar.gz) ILSVRC2012's tar of tars, WebDataset (key.jpg, key.cls), or "
	"class folders\n"
	"Labels that are all whole numbers are class numbers; else they are names, numbered in "
	"sorted order.\n"
	"Each image is decoded once as a check.  JPEGs are kept byte for byte; PNG, CMYK and YCCK "
	"become RGB\n"
	"JPEG.  What cannot be read is listed in OUT/rejected.tsv.  A pack that was stopped goes "
	"on where it\n"
	"was when the same command is given again.\n"
	"\n"
	"  --shards N             number of files (64, or as many as there are images)\n"
	"  --name S               name of the data set (the last part of OUT)\n"
	"  --split S              train, test, ... (train)\n"
	"  --threads T            threads that decode (all cores)\n"
	"  --max-side P           reduce images with a longer side than P pixels (0: none)\n"
	"  --masks DIR            folder of foreground masks: DIR/a/b.png for image a/b.jpg\n"
	"  --labels FILE          lines of: image, tab, label or labels; instead of the folders' "
	"names\n"
	"  --strip-components N   drop N leading folders of the names in a tar (0)\n"
	"  --max-rejected F       fail when more than this share is rejected (0.01)\n"
	"  --verify DIR           read all records and masks of a packed set and check them\n"
	"  --decode               with --verify: decode the images too\n"
	"  --help                 this text\n";

struct command {
	struct pack_options o;
	const char *verify;
	int decode, help;
};

enum {
	SHARDS,
	NAME,
	SPLIT,
	THREADS,
	MAX_SIDE,
	MASKS,
	LABELS,
	STRIP,
	MAX_REJECTED,
	VERIFY,
	DECODE,
	HELP
};

static const struct option options[] = {
	{ "shards", required_argument, NULL, SHARDS },
	{ "name", required_argument, NULL, NAME },
	{ "split", required_argument, NULL, SPLIT },
	{ "threads", required_argument, NULL, THREADS },
	{ "max-side", required_argument, NULL, MAX_SIDE },
	{ "masks", required_argument, NULL, MASKS },
	{ "labels", required_argument, NULL, LABELS },
	{ "strip-components", required_argument, NULL, STRIP },
	{ "max-rejected", required_argument, NULL, MAX_REJECTED },
	{ "verify", required_argument, NULL, VERIFY },
	{ "decode", no_argument, NULL, DECODE },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static int usage(const char *what, const char *which)
{
	fprintf(stderr, "reliquary pack: %s%s (see 'reliquary pack --help')\n", what, which);
	return EXIT_USAGE;
}

/* A number from low to high, whole when value is an int. */
static int parse_number(
	double *value, const char *name, const char *text, double low, double high, int whole)
{
	char what[128], *end;

	*value = strtod(text, &end);
	if (end != text && *end == 0 && *value >= low && *value <= high &&
		(!whole || *value == (int)*value))
		return 0;
	snprintf(what, sizeof what, "--%s wants a %snumber from %g to %g, not ", name,
		whole ? "whole " : "", low, high);
	return usage(what, text);
}

static int take_number(struct command *c, int option, const char *text)
{
	struct pack_options *o = &c->o;
	const struct {
		int option;
		double low, high;
		int *whole;
	} numbers[] = {
		{ SHARDS, 1, 99999, &o->shards },
		{ THREADS, 1, 1024, &o->threads },
		{ MAX_SIDE, 0, 65500, &o->max_side },
		{ STRIP, 0, 64, &o->input.strip },
		{ MAX_REJECTED, 0, 1, NULL },
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		double value;
		int rc;

		if (numbers[i].option != option)
			continue;
		rc = parse_number(&value, options[option].name, text, numbers[i].low,
			numbers[i].high, numbers[i].whole != NULL);
		if (rc == 0 && numbers[i].whole)
			*numbers[i].whole = (int)value;
		else if (rc == 0)
			o->max_rejected = value;
		return rc;
	}
	return 0;
}

static void take_text(struct command *c, int option, const char *text)
{
	switch (option) {
	case NAME:
		c->o.name = text;
		break;
	case SPLIT:
		c->o.split = text;
		break;
	case MASKS:
		c->o.input.masks = text;
		break;
	case LABELS:
		c->o.input.labels = text;
		break;
	case VERIFY:
		c->verify = text;
		break;
	case DECODE:
		c->decode = 1;
		break;
	case HELP:
		c->help = 1;
		break;
	default:
		break;
	}
}

/* Take the options; what is left in argv from optind on are the folders. */
static int parse(struct command *c, int argc, char **argv)
{
	int option;

	*c = (struct command){
		.o = { .split = "train", .threads = pool_cores(), .max_rejected = 0.01 }
	};
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == ':')
			return usage("a value is missing after ", argv[optind - 1]);
		if (option == '?')
			return usage("no such option: ", argv[optind - 1]);
		if (take_number(c, option, optarg) != 0)
			return EXIT_USAGE;
		take_text(c, option, optarg);
	}
	return 0;
}

static int fail_command(const char *err)
{
	log_info("reliquary pack: %s", err);
	return EXIT_INPUT;
}

static int verify(const struct command *c)
{
	double began = clock_seconds();
	struct pack_checked k;
	char err[ERR_MAX];

	if (pack_verify(c->verify, c->o.threads, c->decode, &k, err) != 0)
		return fail_command(err);
	log_info("verified %llu images, %llu masks, %d shards, %.1f MB in %.1f s%s: %llu bad",
		(unsigned long long)k.images, (unsigned long long)k.masks, k.shards,
		(double)k.bytes * 1e-6, clock_seconds() - began, c->decode ? ", each decoded" : "",
		(unsigned long long)k.bad);
	return k.bad == 0 ? EXIT_DONE : EXIT_INPUT;
}

static int pack(const struct pack_options *o)
{
	double began = clock_seconds();
	struct pack_outcome r;
	char err[ERR_MAX];

	signal(SIGXFSZ, SIG_IGN); /* a file over the limit is then an error like a full disk */
	if (pack_run(o, &r, err) != 0)
		return fail_command(err);
	if (r.was_there)
		log_info("%s: this data set is there already; nothing was done", o->out);
	else
		log_info("packed %llu images (%llu with masks) of %d classes into %d shards of %s, "
			 "%.1f MB; %llu"
			 " rejected; %.1f s",
			(unsigned long long)r.images, (unsigned long long)r.masks, r.classes,
			r.shards, o->out, (double)r.bytes * 1e-6, (unsigned long long)r.rejected,
			clock_seconds() - began);
	return EXIT_DONE;
}

/* OUT without slashes at its end, and its last part as the set's name where none was given. */
static int pack_into(struct pack_options *o, char *out)
{
	const char *slash;

	for (size_t n = strlen(out); n > 1 && out[n - 1] == '/'; n--)
		out[n - 1] = 0;
	slash = strrchr(out, '/');
	o->out = out;
	if (!o->name)
		o->name = slash ? slash + 1 : out;
	return pack(o);
}

int cmd_pack(int argc, char **argv)
{
	struct command c;
	int rest;

	if (parse(&c, argc, argv) != 0)
		return EXIT_USAGE;
	rest = argc - optind;
	if (c.help) {
		fputs(help, stdout);
		return EXIT_DONE;
	}
	if (c.verify)
		return rest == 0 ? verify(&c)
				 : usage("--verify takes one folder; not also ", argv[optind]);
	if (c.decode)
		return usage("--decode", " goes with --verify");
	if (rest < 2)
		return usage("a source and a folder to write into are needed", "");
	c.o.input.sources = (const char *const *)argv + optind;
	c.o.input.source_count = rest - 1;
	return pack_into(&c.o, argv[argc - 1]);
}
