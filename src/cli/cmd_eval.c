/* cmd_eval.c - reliquary eval: which checkpoints, and the exit status. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/eval_options.h"
#include "cli/eval_work.h"
#include "cli/options.h"
#include "cli/ranks.h"
#include "train/checkpoint.h"
#include "train/signals.h"

/* All evaluations of one command. */
struct evaluations {
	const struct eval_request *request;
	struct comm *comm;
	struct stop stop;
	struct device *dev;
	int argc;
	char **argv;
};

/* ---- one ---- */

/* Rank 0 looks, so that all ranks read the same file while a run goes on writing others. */
static int find_checkpoint(char **found, const struct evaluations *e, char err[ERR_MAX])
{
	char path[4096] = "";
	int rc = 0;

	*found = NULL;
	if (!e->request->checkpoint)
		return 0;
	if (e->comm->rank == 0) {
		*found = checkpoint_latest(e->request->checkpoint, err);
		if (*found && strlen(*found) >= sizeof path)
			rc = fail(err, "%s: the path is too long", *found);
		else if (*found)
			strcpy(path, *found);
		else
			rc = -1;
	}
	if (comm_agree(e->comm, rc, err) != 0)
		return -1;
	comm_broadcast(e->comm, path, sizeof path, 0);
	xfree(*found);
	*found = xstrdup(path);
	return 0;
}

static int evaluate(struct evaluations *e, struct eval_work *w, char err[ERR_MAX])
{
	int rc;

	w->dev = e->dev;
	rc = eval_work_run(w, e->argc, e->argv, err);
	e->dev = w->dev;
	eval_work_print(w);
	return rc;
}

static int evaluate_one(struct evaluations *e, char err[ERR_MAX])
{
	struct eval_work w;
	char *checkpoint;
	int rc;

	if (find_checkpoint(&checkpoint, e, err) != 0)
		return -1;
	eval_work_init(&w, e->request, e->comm, &e->stop, checkpoint);
	rc = evaluate(e, &w, err);
	eval_work_free(&w);
	return rc;
}

/* ---- each of a run ---- */

/* Rank 0 lists, and the steps are told to all: a run that goes on makes and prunes checkpoints
 * meanwhile. Returns how many, or -1. */
static int list_steps(int64_t **steps, const struct evaluations *e, char err[ERR_MAX])
{
	const char *run = e->request->checkpoint;
	struct checkpoint_file *files = NULL;
	int count = 0, rc = 0;

	*steps = NULL;
	if (e->comm->rank == 0) {
		char *folder = xasprintf("%s/checkpoints", run);

		count = checkpoint_list(&files, run);
		if (!file_is_folder(folder))
			rc = fail(err,
				"%s: there is no folder %s: --each wants the folder of a run", run,
				folder);
		xfree(folder);
	}
	rc = comm_agree(e->comm, rc, err);
	comm_broadcast(e->comm, &count, sizeof count, 0);
	if (rc == 0 && count > 0) {
		*steps = xcalloc((size_t)count, sizeof **steps);
		for (int i = 0; files && i < count; i++)
			(*steps)[i] = files[i].step;
		comm_broadcast(e->comm, *steps, (size_t)count * sizeof **steps, 0);
	}
	xfree(files);
	return rc == 0 ? count : -1;
}

/* An evaluation has failed: was it for its checkpoint alone?  Then the others are evaluated. */
static int checkpoint_at_fault(const struct evaluations *e, const char *path)
{
	char why[ERR_MAX];
	int fault = 0;

	if (e->stop.reason)
		return 0;
	if (e->comm->rank == 0 && !file_exists(path)) {
		log_info("eval: %s was removed meanwhile: passed over", path);
		fault = 1;
	} else if (e->comm->rank == 0 && checkpoint_verify(path, why) != 0) {
		log_warn("checkpoint passed over: %s", why);
		fault = 1;
	}
	comm_broadcast(e->comm, &fault, sizeof fault, 0);
	return fault;
}

/* Adds to *done whether there was anything to evaluate. */
static int evaluate_step(struct evaluations *e, int64_t step, int *done, char err[ERR_MAX])
{
	struct eval_work w;
	int rc;

	eval_work_init(
		&w, e->request, e->comm, &e->stop, checkpoint_path(e->request->checkpoint, step));
	rc = evaluate(e, &w, err);
	if (rc != 0 && checkpoint_at_fault(e, w.checkpoint))
		rc = 0;
	else
		*done += w.run_linear || w.run_knn;
	eval_work_free(&w);
	return rc;
}

static int evaluate_each(struct evaluations *e, char err[ERR_MAX])
{
	int64_t *steps;
	int count = list_steps(&steps, e, err), done = 0, rc = count < 0 ? -1 : 0;

	for (int i = 0; i < count && rc == 0; i++)
		rc = evaluate_step(e, steps[i], &done, err);
	if (rc == 0 && done == 0)
		log_info("eval: nothing is left to evaluate of the %d checkpoints of %s", count,
			e->request->checkpoint);
	xfree(steps);
	return rc;
}

/* ---- the command ---- */

/* Where a file STOP ends an evaluation.  One that is there already has ended the training of what
 * is to be evaluated now. */
static const char *stop_folder(const struct eval_request *request)
{
	char *path = xasprintf("%s/STOP", request->checkpoint ? request->checkpoint : ".");
	int old = file_exists(path);

	xfree(path);
	return old || !request->checkpoint ? "" : request->checkpoint;
}

static int run(
	struct comm *comm, const struct eval_request *request, double margin, int argc, char **argv)
{
	struct evaluations e = { .request = request, .comm = comm, .argc = argc, .argv = argv };
	char err[ERR_MAX] = "";
	int rc;

	stop_init(&e.stop, stop_folder(request), margin);
	rc = request->each ? evaluate_each(&e, err) : evaluate_one(&e, err);
	if (rc != 0 && comm->rank == 0)
		fprintf(stderr, "reliquary eval: %s\n", err);
	if (e.dev)
		e.dev->be->close(e.dev);
	stop_report(&e.stop);
	return rc == 0 ? EXIT_DONE : e.stop.reason ? EXIT_AGAIN : EXIT_INPUT;
}

static int join_and_run(
	const struct eval_request *request, const struct config *c, int argc, char **argv)
{
	char err[ERR_MAX] = "";
	struct comm *comm = ranks_open(c, err);
	int status;

	if (!comm) {
		fprintf(stderr, "reliquary eval: %s\n", err);
		return EXIT_INPUT;
	}
	status = run(comm, request, c->run.stop_before_s, argc, argv);
	comm_close(comm);
	return status;
}

int cmd_eval(int argc, char **argv)
{
	char err[ERR_MAX] = "";
	struct eval_request request;
	struct config c;
	int status;

	if (options_want_help(argc, argv)) {
		eval_options_help(stdout);
		return EXIT_DONE;
	}
	signals_catch();
	config_default(&c);
	if (eval_options_parse(&request, &c, argc, argv, err) == 0)
		status = join_and_run(&request, &c, argc, argv);
	else
		status = ranks_refuse("eval", err);
	config_free(&c);
	return status;
}
