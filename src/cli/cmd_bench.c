/* cmd_bench.c - how fast each part is on this machine. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/bench_figures.h"
#include "cli/commands.h"
#include "cli/compute.h"
#include "cli/options.h"
#include "cli/ranks.h"
#include "nn/model.h"

struct arguments {
	const char *data, *only;
	unsigned wanted; /* by only */
	double seconds;
	long repeats, images;
	int json, trace, profile;
};

enum { ENTRIES = 5 };

static void fill_table(struct option_entry table[ENTRIES], struct arguments *a)
{
	const struct option_entry entries[ENTRIES] = {
		{ "data", OPTION_TEXT, &a->data, 0, 0, "DIR",
			"packed set to read; without it textures of 500 x 375 pixels are made" },
		{ "images", OPTION_LONG, &a->images, 1, 100000, "N", "textures to make" },
		{ "only", OPTION_TEXT, &a->only, 0, 0, "LIST",
			"some of views,crops,reads,pack,start,save,step; else all" },
		{ "seconds", OPTION_REAL, &a->seconds, 0.01, 1000, "S", "length of a measurement" },
		{ "repeats", OPTION_LONG, &a->repeats, 1, BENCH_REPEATS_MAX, "N",
			"measurements; the median is printed; steps of --profile: the mean" },
	};

	memcpy(table, entries, sizeof entries);
}

static int help(const struct option_entry *table)
{
	printf("usage: reliquary bench [--trace | [--profile] [--json]] [--data DIR] [options]\n\n"
	       "Measures the parts one after another: reading, decoding, augmenting and packing on one core; the start; what\n"
	       "a checkpoint costs; and training steps on all threads.\n"
	       "The network is the configuration's (the paper's ResNet-50 with 4 x 224 + 2 x 96 pixels), with a batch of 8 unless\n"
	       "train.batch is set.\n\n");
	options_help(stdout, table, ENTRIES);
	printf("  --json              one JSON object instead of the table\n"
	       "  --trace             only count what a step asks of the device: launches, copies, collectives, waits\n"
	       "  --profile           only where the time of a step goes, beside the least that this machine would take for it\n"
	       "  --config FILE, --model.arch=resnet18, --train.batch=16, --threads=2 ... settings ('reliquary pretrain --help')\n");
	return EXIT_DONE;
}

static int read_arguments(
	struct arguments *a, struct config *c, int argc, char **argv, char err[ERR_MAX])
{
	struct option_entry table[ENTRIES];

	fill_table(table, a);
	a->json = options_take_flag("json", &argc, argv);
	a->trace = options_take_flag("trace", &argc, argv);
	a->profile = options_take_flag("profile", &argc, argv);
	c->train.batch = c->data.lanes = 8;
	if (options_take(table, ENTRIES, &argc, argv, err) != 0 ||
		config_arguments(c, &argc, argv, err) != 0 ||
		options_end(argc, argv, 0, err) != 0 ||
		figures_choose(&a->wanted, a->only ? a->only : "", err) != 0)
		return -1;
	return model_check(c, err);
}

static int trace(
	const struct config *c, const struct dataset *data, struct comm *comm, struct device *dev)
{
	const struct bench b = { .data = data, .config = c };
	struct device_counts n = bench_trace(&b, comm, dev);

	if (comm->rank == 0)
		printf("a step of rank 0 of %d on %s: launches %ld, copies %ld, collectives %ld, waits %ld, allocations %ld\n",
			comm->size, dev->be->name, n.launches, n.copies, n.collectives, n.waits,
			n.allocations);
	return 0;
}

static int profile(const struct arguments *a, const struct config *c, const struct dataset *data,
	struct comm *comm, struct device *dev)
{
	const struct bench b = { .data = data, .config = c, .repeats = (int)a->repeats };

	bench_profile(&b, comm, dev, a->json);
	return 0;
}

/* Rank 0's figures are printed. */
static int measure(const struct arguments *a, const struct config *c, const struct dataset *data,
	struct comm *comm, struct device *dev, char err[ERR_MAX])
{
	const struct bench b = {
		.data = data, .config = c, .seconds = a->seconds, .repeats = (int)a->repeats
	};
	struct figures f = { 0 };

	if (figures_measure(&f, &b, a->wanted, comm, dev, err) != 0)
		return -1;
	if (comm->rank != 0)
		return 0;
	if (a->json)
		figures_print_json(&f);
	else
		figures_print(&f, &b, comm->size);
	return 0;
}

static int bench(const struct arguments *a, struct config *c, struct comm *comm, char err[ERR_MAX])
{
	struct device *dev = compute_open(c, comm, err);
	struct dataset *data = NULL;
	char *folder = NULL;
	int rc = -1;

	if (!dev)
		return -1;
	if (c->train.batch % comm->size != 0)
		rc = fail(err, "train.batch=%d is not divisible by %d ranks", c->train.batch,
			comm->size);
	else
		data = a->data ? dataset_open(a->data, err)
			       : bench_make_data((int)a->images, &folder, err);
	if (comm_agree(comm, data ? 0 : -1, err) == 0)
		rc = a->trace        ? trace(c, data, comm, dev)
			: a->profile ? profile(a, c, data, comm, dev)
				     : measure(a, c, data, comm, dev, err);
	dataset_close(data);
	if (folder)
		bench_remove_folder(folder);
	xfree(folder);
	dev->be->close(dev);
	return rc;
}

static int join_and_bench(const struct arguments *a, struct config *c, char err[ERR_MAX])
{
	struct comm *comm = ranks_open(c, err);
	int rc;

	if (!comm) {
		fprintf(stderr, "reliquary bench: %s\n", err);
		return EXIT_INPUT;
	}
	rc = bench(a, c, comm, err);
	if (rc != 0 && comm->rank == 0)
		fprintf(stderr, "reliquary bench: %s\n", err);
	comm_close(comm);
	return rc == 0 ? EXIT_DONE : EXIT_INPUT;
}

int cmd_bench(int argc, char **argv)
{
	struct arguments a = { .seconds = 1, .repeats = 5, .images = 96 };
	struct option_entry table[ENTRIES];
	char err[ERR_MAX] = "";
	struct config c;
	int status;

	if (options_want_help(argc, argv)) {
		fill_table(table, &a);
		return help(table);
	}
	config_default(&c);
	if (read_arguments(&a, &c, argc, argv, err) == 0)
		status = join_and_bench(&a, &c, err);
	else
		status = ranks_refuse("bench", err);
	config_free(&c);
	return status;
}
