/* cmd_demo_data.c - reliquary demo-data. */
#include "cli/commands.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/options.h"
#include "demo.h"

/* The command line's values as the option table holds them. */
struct arguments {
	long train, test, test_objects, size, seed, threads;
	double scale_min, scale_max;
	const char *stamps, *objects, *backgrounds;
};

enum { ENTRIES = 11 };

static void fill_table(struct option_entry table[ENTRIES], struct arguments *a)
{
	const struct option_entry entries[ENTRIES] = {
		{ "train", OPTION_LONG, &a->train, 0, 1e7, "N", "images to train on" },
		{ "test", OPTION_LONG, &a->test, 0, 1e7, "N",
			"images of the same objects on other backgrounds" },
		{ "test-objects", OPTION_LONG, &a->test_objects, 0, 1e7, "N",
			"images of other objects on other backgrounds" },
		{ "size", OPTION_LONG, &a->size, 16, 2048, "P", "pixels a side" },
		{ "seed", OPTION_LONG, &a->seed, 0, 9e18, "S", "another seed, other images" },
		{ "scale-min", OPTION_REAL, &a->scale_min, 0.05, 2, "X",
			"long side of the object, in sides of the image: at least" },
		{ "scale-max", OPTION_REAL, &a->scale_max, 0.05, 2, "X", "and at most" },
		{ "threads", OPTION_LONG, &a->threads, 0, 1024, "T", "0: one per core" },
		{ "stamps", OPTION_TEXT, &a->stamps, 0, 0, "DIR", "folder of the cut-out objects" },
		{ "objects", OPTION_TEXT, &a->objects, 0, 0, "LIST", "which of them are what" },
		{ "backgrounds", OPTION_TEXT, &a->backgrounds, 0, 0, "LIST",
			"photographs to lay them on" },
	};

	memcpy(table, entries, sizeof entries);
}

/* The list of that name: in the source tree that the program was built in, if it has not left it,
 * else where 'make install' put it. */
static char *find_list(const char *name)
{
	char program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);

	for (int level = 0; n > 0 && level < 3; level++) {
		char *slash, *path;

		program[n] = 0;
		slash = strrchr(program, '/');
		if (!slash)
			break;
		n = slash - program;
		path = xasprintf("%.*s/data_tools/demo/%s", (int)n, program, name);
		if (file_exists(path))
			return path;
		xfree(path);
	}
	return xasprintf("%s/demo/%s", PKGDATADIR, name);
}

static void print_help(const struct option_entry *table)
{
	printf("usage: reliquary demo-data OUT [options]\n\n"
	       "Make a small labelled data set: photographed objects on photographed backgrounds, "
	       "as JPEG in\n"
	       "OUT/train, OUT/test and OUT/test-objects, a folder a class, with the foreground "
	       "masks as PNG in\n"
	       "OUT/masks.  The photographs are those of Debian's packages "
	       "tuxpaint-stamps-default,\n"
	       "mate-backgrounds, plasma-workspace-wallpapers and lomiri-wallpapers-20.04.\n\n");
	options_help(stdout, table, ENTRIES);
}

static int complain(const char *err, int status)
{
	log_info("reliquary demo-data: %s", err);
	return status;
}

static int make(const char *out, const struct arguments *a)
{
	const struct demo_options o = {
		.out = out,
		.objects = a->objects,
		.backgrounds = a->backgrounds,
		.stamps = a->stamps,
		.count = { a->train, a->test, a->test_objects },
		.look = { (uint64_t)a->seed, (int)a->size, a->scale_min, a->scale_max },
		.threads = a->threads ? (int)a->threads : omp_get_max_threads(),
	};
	char err[ERR_MAX];

	return demo_make(&o, err) == 0 ? EXIT_DONE : complain(err, EXIT_INPUT);
}

static int parse_and_make(struct arguments *a, int argc, char **argv)
{
	struct option_entry table[ENTRIES];
	char err[ERR_MAX];

	fill_table(table, a);
	if (options_want_help(argc, argv)) {
		print_help(table);
		return EXIT_DONE;
	}
	if (options_take(table, ENTRIES, &argc, argv, err) != 0 ||
		options_end(argc, argv, 1, err) != 0)
		return complain(err, EXIT_USAGE);
	if (a->scale_min > a->scale_max)
		return complain("--scale-min is larger than --scale-max", EXIT_USAGE);
	if (a->train + a->test + a->test_objects == 0)
		return complain(
			"no images: --train, --test and --test-objects are all 0", EXIT_USAGE);
	return make(argv[1], a);
}

int cmd_demo_data(int argc, char **argv)
{
	char *objects = find_list("objects.tsv"), *backgrounds = find_list("backgrounds.txt");
	struct arguments a = {
		.train = 4000,
		.test = 1000,
		.test_objects = 1000,
		.size = 128,
		.seed = 1,
		.scale_min = 0.75,
		.scale_max = 1,
		.stamps = "/usr/share/tuxpaint/stamps",
		.objects = objects,
		.backgrounds = backgrounds,
	};
	int status = parse_and_make(&a, argc, argv);

	xfree(objects);
	xfree(backgrounds);
	return status;
}
