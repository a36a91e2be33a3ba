/* cmd_export.c - checkpoint -> safetensors. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "nn/model.h"
#include "train/checkpoint.h"
#include "train/weights.h"

struct request {
	const char *from, *to, *network;
	int target, heads;
};

static int help(const struct option_entry *table, int entries)
{
	printf("usage: reliquary export RUN_OR_CHECKPOINT OUT.safetensors [OPTIONS]\n\n"
	       "Writes the encoder of a checkpoint (of a run: its newest valid one) as safetensors\n"
	       "with the names and layouts of torchvision's ResNets, so that\n"
	       "torchvision.models.resnet50 with fc taken off loads it.\n\n");
	options_help(stdout, table, entries);
	printf("  --heads             add the projector and, if online, the predictor\n");
	return EXIT_DONE;
}

static int read_arguments(struct request *e, const struct option_entry *table, int entries,
	int argc, char **argv, char err[ERR_MAX])
{
	e->heads = options_take_flag("heads", &argc, argv);
	if (options_take(table, entries, &argc, argv, err) != 0 ||
		options_end(argc, argv, 2, err) != 0)
		return -1;
	e->target = strcmp(e->network, "target") == 0;
	if (!e->target && strcmp(e->network, "online") != 0)
		return fail(err, "--network is online or target, not '%s'", e->network);
	e->from = argv[1];
	e->to = argv[2];
	return 0;
}

static int write_weights(const struct request *e, const struct config *c,
	const struct checkpoint *k, const struct params *p, const struct stats *s,
	char err[ERR_MAX])
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
	struct safetensors f = { 0 };
	char step[32];
	int rc;

	/* the target network ends at its projector */
	if (e->heads)
		parts |= WEIGHTS_PROJECTOR | (e->target ? 0 : WEIGHTS_PREDICTOR);
	snprintf(step, sizeof step, "%" PRId64, k->step);
	weights_describe(&f, c);
	safetensors_add_metadata(&f, "network", e->network);
	safetensors_add_metadata(&f, "step", step);
	weights_add(&f, &w, parts);
	rc = safetensors_write(e->to, &f, err);
	if (rc == 0)
		printf("%s: %d tensors of the %s network after step %s\n", e->to, f.count,
			e->network, step);
	safetensors_free(&f);
	return rc;
}

static int export_network(
	const struct request *e, const char *path, const struct config *c, char err[ERR_MAX])
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
static int export_checkpoint(const struct request *e, char err[ERR_MAX])
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
	struct request e = { .network = "online" };
	const struct option_entry network = { .name = "network",
		.kind = OPTION_TEXT,
		.value = &e.network,
		.argument = "NAME",
		.help = "whose weights: online (the one to evaluate) or target" };
	char err[ERR_MAX];
	int status = EXIT_DONE;

	if (options_want_help(argc, argv))
		return help(&network, 1);
	if (read_arguments(&e, &network, 1, argc, argv, err) != 0)
		status = EXIT_USAGE;
	else if (export_checkpoint(&e, err) != 0)
		status = EXIT_INPUT;
	if (status != EXIT_DONE)
		fprintf(stderr, "reliquary export: %s\n", err);
	return status;
}
