/* cmd_pack.c - the command line of pack. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "pack.h"
#include "pack_pool.h"

static const char help[] =
	"usage: reliquary pack SOURCE... OUT [options]\n"
	"       reliquary pack --verify DIR [--decode] [--threads T]\n"
	"\n"
	"Pack images into the HDF5 shards that pretrain and eval read.  SOURCE is one of\n"
	"  a folder of class folders    the class is the first folder's name\n"
	"  a manifest (*.tsv, *.txt)    lines of path, tab, label or labels with commas, tab, mask;\n"
	"                               the last two may be missing; paths begin where the file is\n"
	"  tar files (*.tar, *.tar.gz)  ILSVRC2012's tar of tars, WebDataset (key.jpg, key.cls),\n"
	"                               or class folders\n"
	"Labels that are all whole numbers are class numbers; else they are names, numbered in\n"
	"sorted order.  Each image is decoded once as a check.  JPEG is kept byte for byte; PNG,\n"
	"CMYK and YCCK become RGB JPEG.  What cannot be read is listed in OUT/rejected.tsv.  The\n"
	"same command again goes on where a pack was stopped.\n"
	"\n";

struct arguments {
	long shards, threads, max_side, strip;
	double max_rejected;
	const char *name, *split, *masks, *labels, *verify;
};

enum { ENTRIES = 10 };

static void fill_table(struct option_entry table[ENTRIES], struct arguments *a)
{
	const struct option_entry entries[ENTRIES] = {
		{ "shards", OPTION_LONG, &a->shards, 0, 99999, "N",
			"files; 0: 64, or as many as there are images" },
		{ "name", OPTION_TEXT, &a->name, 0, 0, "S",
			"of the data set; else the last part of OUT" },
		{ "split", OPTION_TEXT, &a->split, 0, 0, "S", "train, test, ..." },
		{ "threads", OPTION_LONG, &a->threads, 1, 1024, "T", "threads that decode" },
		{ "max-side", OPTION_LONG, &a->max_side, 0, 65500, "P",
			"reduce images with a longer side than P pixels; 0: none" },
		{ "masks", OPTION_TEXT, &a->masks, 0, 0, "DIR",
			"foreground: DIR/a/b.png for image a/b.jpg" },
		{ "labels", OPTION_TEXT, &a->labels, 0, 0, "FILE",
			"lines of image, tab, label or labels; instead of folders' names" },
		{ "strip-components", OPTION_LONG, &a->strip, 0, 64, "N",
			"leading folders of the names in a tar to drop" },
		{ "max-rejected", OPTION_REAL, &a->max_rejected, 0, 1, "F",
			"fail when more than this share is rejected" },
		{ "verify", OPTION_TEXT, &a->verify, 0, 0, "DIR",
			"check all records and masks of a packed set; with --decode: decode them" },
	};

	memcpy(table, entries, sizeof entries);
}

static int complain(const char *err, int status)
{
	log_info("reliquary pack: %s", err);
	return status;
}

static int verify(const struct arguments *a, int decode)
{
	double began = clock_seconds();
	struct pack_checked k;
	char err[ERR_MAX];

	if (pack_verify(a->verify, (int)a->threads, decode, &k, err) != 0)
		return complain(err, EXIT_INPUT);
	log_info("verified %llu images, %llu masks, %d shards, %.1f MB in %.1f s%s: %llu bad",
		(unsigned long long)k.images, (unsigned long long)k.masks, k.shards,
		(double)k.bytes * 1e-6, clock_seconds() - began, decode ? ", each decoded" : "",
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
		return complain(err, EXIT_INPUT);
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

static int pack_arguments(const struct arguments *a, int argc, char **argv)
{
	struct pack_options o = { .input = { .sources = (const char *const *)argv + 1,
					  .source_count = argc - 2,
					  .masks = a->masks,
					  .labels = a->labels,
					  .strip = (int)a->strip },
		.name = a->name,
		.split = a->split,
		.shards = (int)a->shards,
		.threads = (int)a->threads,
		.max_side = (int)a->max_side,
		.max_rejected = a->max_rejected };

	return pack_into(&o, argv[argc - 1]);
}

int cmd_pack(int argc, char **argv)
{
	struct arguments a = { .split = "train", .threads = pool_cores(), .max_rejected = 0.01 };
	struct option_entry table[ENTRIES];
	int decode = options_take_flag("decode", &argc, argv);
	char err[ERR_MAX];

	fill_table(table, &a);
	if (options_want_help(argc, argv)) {
		fputs(help, stdout);
		options_help(stdout, table, ENTRIES);
		return EXIT_DONE;
	}
	if (options_take(table, ENTRIES, &argc, argv, err) != 0 ||
		options_end(argc, argv, a.verify ? 0 : argc - 1, err) != 0)
		return complain(err, EXIT_USAGE);
	if (a.verify)
		return verify(&a, decode);
	if (decode)
		return complain("--decode goes with --verify", EXIT_USAGE);
	if (argc < 3)
		return complain(
			"which images, and where to? reliquary pack SOURCE... OUT", EXIT_USAGE);
	return pack_arguments(&a, argc, argv);
}
