/* eval_options.c - the command line of 'reliquary eval'. */
#include "cli/eval_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/options.h"

/* The command line's values as the option table holds them. */
struct arguments {
	const char *checkpoint, *init, *test, *results, *network, *rates, *choose, *neighbours;
	long size, batch, seed;
	double epochs, share, temperature;
	int random, skip_done, each;
};

enum { ENTRIES = 14 };

static const struct arguments defaults = {
	.network = "online",
	.rates = "0.3,0.1,1,3,10",
	.choose = "test",
	.neighbours = "20,200",
	.batch = 1024,
	.epochs = 100,
	.share = 0.1,
	.temperature = 0.07,
};

static void fill_table(struct option_entry table[ENTRIES], struct arguments *a)
{
	const struct option_entry entries[ENTRIES] = {
		{ "checkpoint", OPTION_TEXT, &a->checkpoint, 0, 0, "RUN",
			"a run (its newest checkpoint), or a checkpoint" },
		{ "init", OPTION_TEXT, &a->init, 0, 0, "FILE",
			"instead: encoder of a safetensors file" },
		{ "network", OPTION_TEXT, &a->network, 0, 0, "NAME",
			"of a checkpoint: online or target" },
		{ "test", OPTION_TEXT, &a->test, 0, 0, "DIR", "packed data set to test on" },
		{ "results", OPTION_TEXT, &a->results, 0, 0, "FILE",
			"results go here, not to RUN/results.jsonl" },
		{ "size", OPTION_LONG, &a->size, 0, 4096, "P",
			"pixels a side of the input; 0: views.large_size" },
		{ "seed", OPTION_LONG, &a->seed, 0, 9e18, "S", "of crops, order and classifiers" },
		{ "epochs", OPTION_REAL, &a->epochs, 1e-6, 1e5, "E",
			"linear: passes over the training images" },
		{ "batch", OPTION_LONG, &a->batch, 1, 1 << 20, "B",
			"linear: images of a step, at most all" },
		{ "lrs", OPTION_TEXT, &a->rates, 0, 0, "A,B,...",
			"linear: base rates; the peak is rate x batch / 256" },
		{ "choose", OPTION_TEXT, &a->choose, 0, 0, "SET",
			"linear: the rate that does best on test or holdout" },
		{ "holdout", OPTION_REAL, &a->share, 0.001, 0.9, "SHARE",
			"linear: of the training images, for --choose holdout" },
		{ "k", OPTION_TEXT, &a->neighbours, 0, 0, "A,B,...",
			"knn: neighbours that vote; the first is reported" },
		{ "temperature", OPTION_REAL, &a->temperature, 1e-3, 1e3, "T",
			"knn: a vote weighs exp(cosine / T)" },
	};

	memcpy(table, entries, sizeof entries);
}

/* Numbers from lo to hi between commas; returns how many, or -1. */
static int parse_list(double *to, int max, const char *name, const char *text, double lo, double hi,
	int whole, char err[ERR_MAX])
{
	const char *at = text;

	for (int n = 0; n < max; n++) {
		char *end;
		double x = strtod(at, &end);

		if (end == at || (*end != ',' && *end) || !(x >= lo && x <= hi) ||
			(whole && x != (double)(long)x))
			return fail(err,
				"--%s: '%s' is not a list of %snumbers from %g to %g, as 1,2", name,
				text, whole ? "whole " : "", lo, hi);
		to[n] = x;
		if (!*end)
			return n + 1;
		at = end + 1;
	}
	return fail(err, "--%s: more than %d numbers", name, max);
}

/* Is word the second of two? */
static int parse_word(int *second, const char *name, const char *word, const char *a, const char *b,
	char err[ERR_MAX])
{
	*second = strcmp(word, b) == 0;
	if (!*second && strcmp(word, a) != 0)
		return fail(err, "--%s: '%s' is neither %s nor %s", name, word, a, b);
	return 0;
}

/* "linear", "knn", both with a comma, or "all". */
static int parse_protocols(struct eval_request *r, int argc, char **argv, char err[ERR_MAX])
{
	if (argc < 2)
		return fail(err, "say what to evaluate: linear, knn or all");
	if (argc > 2)
		return fail(err,
			"'%s' is one word too many; 'reliquary eval --help' tells the options",
			argv[2]);
	for (const char *at = argv[1]; *at;) {
		size_t n = strcspn(at, ",");
		int all = n == 3 && strncmp(at, "all", n) == 0;
		int linear = all || (n == 6 && strncmp(at, "linear", n) == 0);
		int knn = all || (n == 3 && strncmp(at, "knn", n) == 0);

		if (!linear && !knn)
			return fail(err,
				"there is no evaluation '%.*s'; there are linear, knn and all",
				(int)n, at);
		r->run_linear |= linear;
		r->run_knn |= knn;
		at += n + (at[n] == ',');
	}
	return r->run_linear || r->run_knn ? 0
					   : fail(err, "say what to evaluate: linear, knn or all");
}

static int fill_request(struct eval_request *r, const struct arguments *a, char err[ERR_MAX])
{
	double k[RESULT_ROWS_MAX];

	r->checkpoint = a->checkpoint, r->init = a->init, r->random = a->random;
	r->skip_done = a->skip_done || a->each, r->each = a->each;
	r->test = a->test, r->results = a->results, r->size = (int)a->size;
	r->linear.epochs = a->epochs, r->linear.batch = (int)a->batch;
	r->linear.share = a->share, r->linear.seed = (uint64_t)a->seed;
	r->knn.temperature = a->temperature;
	r->linear.rate_count =
		parse_list(r->linear.rates, LINEAR_RATES_MAX, "lrs", a->rates, 1e-8, 1e6, 0, err);
	r->knn.k_count = parse_list(k, RESULT_ROWS_MAX, "k", a->neighbours, 1, 10000, 1, err);
	if (r->linear.rate_count < 0 || r->knn.k_count < 0 ||
		parse_word(&r->target, "network", a->network, "online", "target", err) != 0 ||
		parse_word(&r->linear.holdout, "choose", a->choose, "test", "holdout", err) != 0)
		return -1;
	for (int i = 0; i < r->knn.k_count; i++)
		r->knn.k[i] = (int)k[i];
	return 0;
}

static int check_request(const struct eval_request *r, char err[ERR_MAX])
{
	if (r->size > 0 && r->size < 8)
		return fail(err, "--size: an input of %d pixels is too small; at least 8", r->size);
	if (!r->test)
		return fail(
			err, "--test is missing: name the folder of a packed data set to test on");
	if (r->init && (r->checkpoint || r->random))
		return fail(err, "--init goes neither with --checkpoint nor with --random");
	if (!r->init && !r->checkpoint && !r->random)
		return fail(err, "say which encoder: --checkpoint RUN, --init FILE or --random");
	if (r->target && (r->init || r->random))
		return fail(err, "--network target is for a checkpoint as it was trained");
	if (r->each && r->random)
		return fail(err,
			"--each and --random do not go together: at random initialisation all checkpoints are alike");
	if (r->skip_done && !r->checkpoint)
		return fail(err,
			"%s needs --checkpoint RUN: only for a run is it known what has been evaluated",
			r->each ? "--each" : "--skip-done");
	return 0;
}

/* Take the flags and "--checkpoint RUN" out of argv: they have no value, and it is a section's name
 * to the configuration. */
static int take_own(struct arguments *a, int *argc, char **argv, char err[ERR_MAX])
{
	static const char name[] = "--checkpoint";
	size_t n = sizeof name - 1;
	int kept = 1;

	a->random = options_take_flag("random", argc, argv);
	a->skip_done = options_take_flag("skip-done", argc, argv);
	a->each = options_take_flag("each", argc, argv);
	for (int i = 1; i < *argc; i++) {
		if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
			a->checkpoint = argv[i] + n + 1;
		else if (strcmp(argv[i], name) == 0 && i + 1 < *argc)
			a->checkpoint = argv[++i];
		else if (strcmp(argv[i], name) == 0)
			return fail(err, "%s: a value is missing (RUN)", name);
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return 0;
}

/* All of argv, of which it keeps only what is neither an option nor a setting. */
static int parse(struct arguments *a, struct config *c, int *argc, char **argv, char err[ERR_MAX])
{
	struct option_entry table[ENTRIES];

	*a = defaults;
	fill_table(table, a);
	if (take_own(a, argc, argv, err) != 0 || config_arguments(c, argc, argv, err) != 0)
		return -1;
	return options_take(table, ENTRIES, argc, argv, err);
}

static char **copy_of(char **argv, int argc)
{
	char **copy = xcalloc((size_t)argc + 1, sizeof *copy);

	memcpy(copy, argv, (size_t)argc * sizeof *copy);
	return copy;
}

int eval_options_parse(
	struct eval_request *r, struct config *c, int argc, char **argv, char err[ERR_MAX])
{
	char **words = copy_of(argv, argc);
	struct arguments a;
	int rc;

	*r = (struct eval_request){ 0 };
	rc = parse(&a, c, &argc, words, err);
	if (rc == 0)
		rc = parse_protocols(r, argc, words, err);
	if (rc == 0)
		rc = fill_request(r, &a, err);
	xfree(words);
	return rc == 0 ? check_request(r, err) : -1;
}

int eval_options_configure(struct config *c, int argc, char **argv, char err[ERR_MAX])
{
	char **words = copy_of(argv, argc);
	struct arguments a;
	int rc = parse(&a, c, &argc, words, err);

	xfree(words);
	return rc;
}

void eval_options_help(FILE *out)
{
	struct option_entry table[ENTRIES];
	struct arguments a = defaults;

	fill_table(table, &a);
	fprintf(out,
		"usage: reliquary eval linear|knn|all ENCODER --data.train DIR --test DIR [options]\n"
		"       mpirun -n R reliquary eval ...     the same result, from R ranks\n\n"
		"How good the features of a frozen encoder are: linear classifiers trained on them (linear), and\n"
		"the vote of the nearest training images (knn). ENCODER is --checkpoint RUN, --init FILE or\n"
		"--random (the network of the checkpoint, or of the configuration, at random initialisation).\n"
		"A checkpoint brings its configuration, data.train included; settings of the configuration\n"
		"(--config FILE, --data.train, --device, --threads, --model.* ...) can be given too. Results are\n"
		"printed and appended to results.jsonl of the checkpoint's run.\n\n");
	fputs("  --skip-done         leave out what the results hold already of this checkpoint, by the same\n"
	      "                      settings and names of data sets; nothing left: status 0 at once\n"
	      "  --each              every checkpoint of RUN, oldest first, with --skip-done\n",
		out);
	options_help(out, table, ENTRIES);
}
