/* cmd_import.c - safetensors -> a run that stands before its first step.
 * eval and export take such a run like any other, and pretrain goes on from it. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "nn/model.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"
#include "train/weights.h"

static int help(void)
{
	printf("usage: reliquary import IN.safetensors RUN_DIR [--config FILE] "
	       "[--SECTION.KEY=VALUE ...]\n\n"
	       "Checks a file of encoder weights in torchvision's names (written by 'reliquary "
	       "export' or from Python)\n"
	       "and makes a run of it: RUN_DIR with a checkpoint of step 0, for eval, and for "
	       "pretrain with\n"
	       "--run.resume=true and the same configuration as given here. The network is the one "
	       "that the file\n"
	       "names, or model.arch, model.width, model.stem and model.padding:\n\n");
	config_help(stdout, "model");
	return EXIT_DONE;
}

/* What 'reliquary export' recorded about the network; the command line may say otherwise. */
static int configure_from_file(struct config *c, const char *path, char err[ERR_MAX])
{
	static const char *const keys[][2] = {
		{ "arch", "model.arch" },
		{ "width", "model.width" },
		{ "stem", "model.stem" },
		{ "padding", "model.padding" },
	};
	char why[ERR_MAX];
	struct safetensors f;
	int rc = 0;

	if (safetensors_read(path, &f, err) != 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof *keys; i++) {
		const char *value = safetensors_metadata(&f, keys[i][0]);

		if (value && config_set(c, keys[i][1], value, why) != 0)
			rc = fail(err, "%s: its __metadata__: %.800s", path, why);
	}
	safetensors_free(&f);
	return rc;
}

/* Both networks begin with the file's weights; what it lacks (heads) is drawn as for a new run. */
static int load(struct checkpoint *k, const char *path, const struct config *c,
	const struct params *p, const struct stats *s, char err[ERR_MAX])
{
	params_init(p, k->params, (uint64_t)c->train.seed, RNG_INIT);
	if (weights_load_encoder(path, c, p, s, k->params, k->stats, &k->stats_updates, err) != 0)
		return -1;
	memcpy(k->target, k->params, p->length * sizeof *k->target);
	memcpy(k->target_stats, k->stats, s->length * sizeof *k->target_stats);
	return 0;
}

static int write_run(struct checkpoint *k, const struct config *c, const struct params *p,
	const struct stats *s, char err[ERR_MAX])
{
	char *from, *path;
	int rc;

	/* run.resume is not set, so that a folder which holds a run is refused */
	if (run_folder_open(c, &from, err) != 0)
		return -1;
	config_print(c, &k->config);
	path = checkpoint_path(c->run.dir, 0);
	rc = checkpoint_write(path, k, p, s, err);
	if (rc == 0)
		printf("%s: written\n", path);
	xfree(path);
	return rc;
}

static int import_file(const char *path, const struct config *c, char err[ERR_MAX])
{
	struct params p = { 0 };
	struct stats s = { 0 };
	struct checkpoint k;
	int rc;

	if (model_check(c, err) != 0)
		return -1;
	model_tables(c, &p, &s);
	checkpoint_init(&k, &p, &s);
	rc = load(&k, path, c, &p, &s, err);
	if (rc == 0)
		rc = write_run(&k, c, &p, &s, err);
	checkpoint_free(&k);
	params_free(&p);
	stats_free(&s);
	return rc;
}

/* The file's name is among the arguments, and its record comes before them: they are read twice. */
static int configure(struct config *c, int *argc, char **argv, char err[ERR_MAX])
{
	char **copy = xcalloc((size_t)*argc + 1, sizeof *copy);
	struct config scratch;
	int count = *argc, rc;

	memcpy(copy, argv, (size_t)count * sizeof *copy);
	config_default(&scratch);
	rc = config_arguments(&scratch, &count, copy, err);
	config_free(&scratch);
	if (rc == 0)
		rc = options_end(count, copy, 2, err);
	if (rc == 0 && configure_from_file(c, copy[1], err) != 0)
		rc = -2;
	xfree(copy);
	return rc != 0 ? rc : config_arguments(c, argc, argv, err);
}

int cmd_import(int argc, char **argv)
{
	char err[ERR_MAX];
	struct config c;
	int rc, status = EXIT_DONE;

	if (options_want_help(argc, argv))
		return help();
	config_default(&c);
	rc = configure(&c, &argc, argv, err);
	if (rc == 0)
		rc = config_set(&c, "run.dir", argv[2], err);
	if (rc == -1)
		status = EXIT_USAGE;
	else if (rc != 0 || config_set(&c, "run.resume", "false", err) != 0 ||
		import_file(argv[1], &c, err) != 0)
		status = EXIT_INPUT;
	if (status != EXIT_DONE)
		fprintf(stderr, "reliquary import: %s\n", err);
	config_free(&c);
	return status;
}
