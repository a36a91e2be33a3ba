/* cmd_pretrain.c - shards -> encoder. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/compute.h"
#include "cli/dry_run.h"
#include "cli/ranks.h"
#include "nn/model.h"
#include "train/pretrain.h"
#include "train/signals.h"

static int help(void)
{
	printf("usage: reliquary pretrain [--config FILE] [--SECTION.KEY=VALUE ...]\n"
	       "       mpirun -n R reliquary pretrain ...      R ranks; each owns one device (or some cores) and whole lanes\n"
	       "       reliquary pretrain --dry-run --gpu CARD --ranks R ...      what that would need, without running it\n\n"
	       "Pre-trains an encoder on a packed data set. Needed: --data.train=DIR --run.dir=DIR. Configurations to start from\n"
	       "are in jobs/configs. SIGTERM, SIGUSR1 and SIGUSR2 stop it with a checkpoint and exit status %d; the same command\n"
	       "with --run.resume=true goes on, also on another number of ranks.\n\n",
		EXIT_AGAIN);
	dry_run_help();
	config_help(stdout, NULL);
	return EXIT_DONE;
}

/* The command line is the same on every rank, and so is what it lacks. */
static int read_config(
	struct config *c, struct dry_run *dry, int *only_dry, int argc, char **argv, char *err)
{
	if (dry_run_take(dry, only_dry, &argc, argv, err) != 0 ||
		config_arguments(c, &argc, argv, err) != 0)
		return -1;
	if (argc > 1)
		return fail(err,
			"'%s' is not an option of pretrain ('reliquary pretrain --help' lists them)",
			argv[1]);
	if (!*c->data.train && !*only_dry)
		return fail(err,
			"data.train is not set: name the folder of a packed data set, e.g. --data.train=data/train");
	if (config_check(c, err) != 0)
		return -1;
	return model_check(c, err);
}

static int exit_status(enum pretrain_end end)
{
	return end == PRETRAIN_DONE ? EXIT_DONE : end == PRETRAIN_STOPPED ? EXIT_AGAIN : EXIT_INPUT;
}

static int train(struct config *c, struct comm *comm, struct stop *stop, char err[ERR_MAX])
{
	struct device *dev = compute_open(c, comm, err);
	int status = EXIT_INPUT;

	if (dev)
		status = exit_status(pretrain(c, comm, dev, stop, err));
	if (status == EXIT_INPUT && comm->rank == 0)
		fprintf(stderr, "reliquary pretrain: %s\n", err);
	if (dev)
		dev->be->close(dev);
	return status;
}

static int join_and_train(struct config *c, char err[ERR_MAX])
{
	struct comm *comm = ranks_open(c, err);
	struct stop stop;
	int status;

	if (!comm) {
		fprintf(stderr, "reliquary pretrain: %s\n", err);
		return EXIT_INPUT;
	}
	stop_init(&stop, c->run.dir, c->run.stop_before_s);
	status = train(c, comm, &stop, err);
	comm_close(comm);
	stop_report(&stop);
	log_close();
	return status;
}

/* Needs no other rank, though it may be started as one of several. */
static int only_plan(const struct dry_run *dry, const struct config *c, char err[ERR_MAX])
{
	if (comm_environment_rank() != 0 || dry_run_print(dry, c, err) == 0)
		return EXIT_DONE;
	fprintf(stderr, "reliquary pretrain: %s\n", err);
	return EXIT_INPUT;
}

int cmd_pretrain(int argc, char **argv)
{
	char err[ERR_MAX] = "";
	struct dry_run dry;
	struct config c;
	int status, only_dry;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return help();
	signals_catch();
	config_default(&c);
	if (read_config(&c, &dry, &only_dry, argc, argv, err) == 0)
		status = only_dry ? only_plan(&dry, &c, err) : join_and_train(&c, err);
	else
		status = ranks_refuse("pretrain", err);
	config_free(&c);
	return status;
}
