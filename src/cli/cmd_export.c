/* cmd_export.c - checkpoint -> safetensors. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "nn/model.h"
#include "train/checkpoint.h"
#include "train/weights.h"

struct export
{
	const char *from, *to;
	int target, heads, help;
};

static void help(FILE *out)
{
	fprintf(out, "usage: reliquary export RUN_OR_CHECKPOINT OUT.safetensors [--network "
		     "online|target] [--heads]\n\n"
		     "Writes the encoder of a checkpoint (of a run: its newest valid one) as "
		     "safetensors with the names and\n"
		     "layouts of torchvision's ResNets, so that torchvision.models.resnet50 with "
		     "fc taken off loads it.\n\n"
		     "  --network online|target  whose weights; online is the one to evaluate "
		     "(default)\n"
		     "  --heads                  add the projector and, of the online network, the "
		     "predictor\n");
}

static int set_network(struct export *e, const char *name, char err[ERR_MAX])
{
	if (!name || (strcmp(name, "online") != 0 && strcmp(name, "target") != 0))
		return fail(err, "--network is online or target, not '%s'", name ? name : "");
	e->target = strcmp(name, "target") == 0;
	return 0;
}

/* Take one argument; *next is the one after it, to be cleared when it is used up as a value. */
static int take_argument(struct export *e, const char *arg, const char **next, char err[ERR_MAX])
{
	const char *value = *next;

	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
		e->help = 1;
	else if (strcmp(arg, "--heads") == 0)
		e->heads = 1;
	else if (strncmp(arg, "--network=", 10) == 0)
		return set_network(e, arg + 10, err);
	else if (strcmp(arg, "--network") == 0) {
		*next = NULL;
		return set_network(e, value, err);
	} else if (arg[0] == '-')
		return fail(
			err, "there is no option '%s' ('reliquary export --help' lists them)", arg);
	else if (!e->from)
		e->from = arg;
	else if (!e->to)
		e->to = arg;
	else
		return fail(err, "'%s' is one argument too many", arg);
	return 0;
}

static int read_arguments(struct export *e, int argc, char **argv, char err[ERR_MAX])
{
	for (int i = 1; i < argc && !e->help; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL, *after = next;

		if (take_argument(e, argv[i], &next, err) != 0)
			return -1;
		i += after && !next;
	}
	if (!e->help && !e->to)
		return fail(err, "name a run or checkpoint, and the file to write ('reliquary "
				 "export --help')");
	return 0;
}

static int write_weights(const struct export *e, const struct config *c, const struct checkpoint *k,
	const struct params *p, const struct stats *s, char err[ERR_MAX])
{
	const struct weights w = {
		.p = p,
		.s = s,
		.params = e->target ? k->target : k->params,
		.stats = e->target ? k->target_stats : k->stats,
		.updates = k->stats_updates,
		.decay = c->model.norm_decay,
	};
	int parts = WEIGHTS_ENCODER;
	const char *network = e->target ? "target" : "online";
	struct safetensors f = { 0 };
	char step[32];
	int rc;

	/* the target network ends at its projector */
	if (e->heads)
		parts |= WEIGHTS_PROJECTOR | (e->target ? 0 : WEIGHTS_PREDICTOR);
	snprintf(step, sizeof step, "%" PRId64, k->step);
	weights_describe(&f, c);
	safetensors_add_metadata(&f, "network", network);
	safetensors_add_metadata(&f, "step", step);
	weights_add(&f, &w, parts);
	rc = safetensors_write(e->to, &f, err);
	if (rc == 0)
		printf("%s: %d tensors of the %s network after step %s\n", e->to, f.count, network,
			step);
	safetensors_free(&f);
	return rc;
}

static int export_network(
	const struct export *e, const char *path, const struct config *c, char err[ERR_MAX])
{
	struct params p = { 0 };
	struct stats s = { 0 };
	struct checkpoint k;
	int rc;

	if (model_check(c, err) != 0)
		return -1;
	model_tables(c, &p, &s);
	checkpoint_init(&k, &p, &s);
	rc = checkpoint_read(path, &k, &p, &s, err);
	if (rc == 0)
		rc = write_weights(e, c, &k, &p, &s, err);
	checkpoint_free(&k);
	params_free(&p);
	stats_free(&s);
	return rc;
}

/* The network is the one that the checkpoint's own record of the configuration names. */
static int export_checkpoint(const struct export *e, char err[ERR_MAX])
{
	char *path = checkpoint_latest(e->from, err), *text;
	struct config c;
	int64_t step;
	int rc;

	if (!path)
		return -1;
	config_default(&c);
	rc = checkpoint_read_config(path, &text, &step, err);
	if (rc == 0)
		rc = config_parse(&c, text, strlen(text), path, err);
	if (rc == 0)
		rc = export_network(e, path, &c, err);
	config_free(&c);
	xfree(text);
	xfree(path);
	return rc;
}

int cmd_export(int argc, char **argv)
{
	struct export e = { 0 };
	char err[ERR_MAX];
	int status = EXIT_DONE;

	if (read_arguments(&e, argc, argv, err) != 0)
		status = EXIT_USAGE;
	else if (e.help)
		help(stdout);
	else if (export_checkpoint(&e, err) != 0)
		status = EXIT_INPUT;
	if (status != EXIT_DONE)
		fprintf(stderr, "reliquary export: %s\n", err);
	return status;
}
