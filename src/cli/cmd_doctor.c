/* cmd_doctor.c - would a run start here, and what a helpdesk would ask.
 * Takes the settings of pretrain and looks at what they name.  Every rank describes its host; rank
 * 0 prints one table of all, then what is wrong with it. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/compute.h"
#include "cli/doctor_files.h"
#include "cli/doctor_table.h"
#include "cli/options.h"
#include "cli/ranks.h"
#include "nn/model.h"
#include "train/forecast.h"

static int help(void)
{
	printf("usage: reliquary doctor [--config FILE] [--SECTION.KEY=VALUE ...]\n"
	       "       srun --mpi=pmix reliquary doctor ...      one table for all ranks and nodes\n\n"
	       "Says whether 'reliquary pretrain' would start with the same launcher and the same settings, and what a helpdesk would\n"
	       "ask: versions, launcher, ranks, cores, threads, limits, GPUs, disks and how fast they are. Exit status 0: a run would\n"
	       "start; 1: it would fail, and each line 'error:' says why and what to do. --data.train=DIR and --run.dir=DIR are looked\n"
	       "at when they are given. Takes a few seconds, and leaves no file.\n\n");
	config_help(stdout, NULL);
	return EXIT_DONE;
}

static int read_config(struct config *c, int argc, char **argv, char err[ERR_MAX])
{
	if (config_arguments(c, &argc, argv, err) != 0 || options_end(argc, argv, 0, err) != 0 ||
		config_check(c, err) != 0)
		return -1;
	return model_check(c, err);
}

/* Bytes that a rank's step and its decoded images take on CPU cores; 0: not known, or no run was
 * described.  The workspace of a GPU, which the forecast counts, stands for code and libraries,
 * which take about as much. */
static uint64_t forecast_bytes(const struct config *c, int ranks, uint64_t image_bytes)
{
	struct forecast_options o = { .ranks = ranks, .image_width = 500, .image_height = 375 };
	struct config here;
	struct tally *t = NULL;
	char err[ERR_MAX];
	uint64_t bytes = 0;

	o.card = card_find("h100", err); /* only its speed matters, and not here */
	if (!*c->data.train || strcmp(c->device, "cpu") != 0 || c->train.batch % ranks != 0)
		return 0;
	config_copy(&here, c);
	if (here.train.recompute == RECOMPUTE_AUTO)
		here.train.recompute = RECOMPUTE_OUTPUTS;
	t = forecast(&here, &o, err);
	if (t)
		bytes = tally_bytes(t) +
			(uint64_t)(c->data.prefetch + 1) * (uint64_t)(c->train.batch / ranks) *
				image_bytes;
	tally_close(t);
	config_free(&here);
	return bytes;
}

static void look(struct doctor_rank *own, struct comm *comm, struct config *c)
{
	compute_threads(c, comm);
	doctor_look(own, comm, c);
	doctor_look_at_device(own, comm, c);
	doctor_look_at_data(own, comm, c);
	doctor_try_run(own, comm, c);
}

static int judge(const struct doctor_ranks *r, const struct doctor_launch *launch,
	const struct config *c, uint64_t need)
{
	struct verdicts v = { .out = stdout };

	printf("\n");
	verdicts_launch(&v, r, launch, c);
	verdicts_binding(&v, r);
	verdicts_limits(&v, r);
	verdicts_devices(&v, r);
	verdicts_files(&v, r, c);
	if (need > 0)
		verdicts_memory(&v, r, need);
	verdicts_end(&v);
	fflush(stdout); /* a launcher ends the job with its first rank that fails */
	return v.errors > 0 ? EXIT_INPUT : EXIT_DONE;
}

static int report(const struct doctor_ranks *r, struct comm *comm,
	const struct doctor_launch *launch, const struct config *c)
{
	uint64_t need = forecast_bytes(c, comm->size, r->all[0].image_bytes);
	char mpi[ERR_MAX];

	comm_describe(comm, mpi);
	doctor_print_versions(stdout, r, mpi);
	printf("job\n");
	doctor_launch_print(stdout, launch);
	doctor_print_hosts(stdout, r);
	if (need > 0)
		printf("  a rank would take about %.2f GB\n", (double)need / 1e9);
	doctor_print_devices(stdout, r);
	doctor_print_files(stdout, r, c);
	return judge(r, launch, c, need);
}

static int examine(struct config *c, const struct doctor_launch *launch, struct comm *comm)
{
	struct doctor_rank own, *all = xmalloc((size_t)comm->size * sizeof *all);
	struct doctor_ranks ranks = { all, comm->size };
	int status = EXIT_DONE;

	look(&own, comm, c);
	comm_gather_bytes(comm, all, &own, sizeof own);
	/* Processes that do not know of each other all are rank 0: the first of them speaks. */
	if (comm->rank == 0 && (comm->size > 1 || comm_environment_rank() == 0))
		status = report(&ranks, comm, launch, c);
	else if (comm->rank == 0)
		status = EXIT_INPUT;
	comm_broadcast(comm, &status, sizeof status, 0);
	xfree(all);
	return status;
}

static int join_and_examine(struct config *c, char err[ERR_MAX])
{
	struct doctor_launch launch;
	struct verdicts v = { .out = stdout };
	struct comm *comm;
	int status;

	doctor_launch_look(&launch);
	comm = doctor_launch_check(&launch, c, err) == 0 ? ranks_open(c, err) : NULL;
	if (comm) {
		status = examine(c, &launch, comm);
		comm_close(comm);
		return status;
	}
	if (comm_environment_rank() != 0)
		return EXIT_INPUT;
	printf("job\n");
	doctor_launch_print(stdout, &launch);
	printf("\n");
	verdict_error(&v, "%s", err);
	verdicts_end(&v);
	return EXIT_INPUT;
}

int cmd_doctor(int argc, char **argv)
{
	char err[ERR_MAX] = "";
	struct config c;
	int status;

	if (options_want_help(argc, argv))
		return help();
	config_default(&c);
	if (read_config(&c, argc, argv, err) == 0)
		status = join_and_examine(&c, err);
	else
		status = ranks_refuse("doctor", err);
	config_free(&c);
	return status;
}
