/* cmd_eval.c - reliquary eval. */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/compute.h"
#include "cli/eval_options.h"
#include "cli/options.h"
#include "cli/ranks.h"
#include "eval/calibrate.h"
#include "eval/protocol.h"
#include "nn/model.h"
#include "train/checkpoint.h"
#include "train/signals.h"

/* What all steps of an evaluation need. */
struct work {
	const struct eval_request *request;
	struct config config;
	struct comm *comm;
	struct stop stop;
	char *checkpoint; /* file; NULL: none */
	char *results;    /* file; NULL: none */
	struct dataset *train_data, *test_data;
	struct subset train, test;
	struct encoder encoder;
	char *lines[2]; /* of the table at the end */
	int line_count;
};

/* ---- the encoder's configuration ---- */

/* Rank 0 looks, so that all ranks read the same file while a run goes on writing others. */
static int find_checkpoint(struct work *w, char err[ERR_MAX])
{
	char path[4096] = "";
	int rc = 0;

	if (!w->request->checkpoint)
		return 0;
	if (w->comm->rank == 0) {
		w->checkpoint = checkpoint_latest(w->request->checkpoint, err);
		if (w->checkpoint && strlen(w->checkpoint) >= sizeof path)
			rc = fail(err, "%s: the path is too long", w->checkpoint);
		else if (w->checkpoint)
			strcpy(path, w->checkpoint);
		else
			rc = -1;
	}
	if (comm_agree(w->comm, rc, err) != 0)
		return -1;
	comm_broadcast(w->comm, path, sizeof path, 0);
	xfree(w->checkpoint);
	w->checkpoint = xstrdup(path);
	return 0;
}

/* Defaults, then the checkpoint's record, then the command line. */
static int configure(struct work *w, int argc, char **argv, char err[ERR_MAX])
{
	char *text = NULL;
	int64_t step;
	int rc = 0;

	if (w->checkpoint) {
		rc = checkpoint_read_config(w->checkpoint, &text, &step, err);
		if (rc == 0)
			rc = config_parse(&w->config, text, strlen(text), w->checkpoint, err);
		xfree(text);
	}
	if (rc == 0)
		rc = eval_options_configure(&w->config, argc, argv, err);
	if (rc == 0)
		rc = model_check(&w->config, err);
	if (rc == 0 && !*w->config.data.train)
		rc = fail(err,
			"data.train is not set: name the folder of the packed training set by --data.train");
	return comm_agree(w->comm, rc, err);
}

/* ---- data ---- */

static int open_data(struct work *w, char err[ERR_MAX])
{
	w->train_data = dataset_open(w->config.data.train, err);
	if (!w->train_data)
		return -1;
	w->test_data = dataset_open(w->request->test, err);
	if (!w->test_data || subset_same_classes(w->train_data, w->test_data, err) != 0)
		return -1;
	if (subset_labelled(&w->train, w->train_data, err) != 0)
		return -1;
	return subset_labelled(&w->test, w->test_data, err);
}

static void close_data(struct work *w)
{
	subset_free(&w->train);
	subset_free(&w->test);
	dataset_close(w->train_data);
	dataset_close(w->test_data);
}

/* ---- evaluation ---- */

/* What results must share to be comparable, as a JSON object. */
static char *print_settings(const struct work *w, const struct result *r)
{
	const struct linear_settings *l = &w->request->linear;
	char rates[LINEAR_RATES_MAX * 16] = "";
	size_t n = 0;

	if (strcmp(r->protocol, "knn") == 0)
		return xasprintf("{\"size\":%d,\"k\":%.0f,\"temperature\":%.9g}", w->encoder.size,
			r->rows[0].setting, w->request->knn.temperature);
	for (int k = 0; k < l->rate_count; k++)
		n += (size_t)snprintf(
			rates + n, sizeof rates - n, "%s%.6g", k ? "," : "", l->rates[k]);
	return xasprintf(
		"{\"size\":%d,\"epochs\":%.9g,\"batch\":%d,\"lrs\":[%s],\"choose\":\"%s\",\"holdout\":%.9g,"
		"\"seed\":%llu}",
		w->encoder.size, l->epochs, l->batch, rates, l->holdout ? "holdout" : "test",
		l->holdout ? l->share : 0, (unsigned long long)l->seed);
}

/* Rank 0 writes the result down and keeps its line for the end. */
static int report(struct work *w, const struct result *r, char err[ERR_MAX])
{
	const struct eval_request *q = w->request;
	char *settings = print_settings(w, r);
	const struct result_subject s = {
		.encoder = q->init      ? q->init
			: w->checkpoint ? w->checkpoint
					: "",
		.step = w->encoder.step,
		.network = q->target ? "target" : "online",
		.random = q->random,
		.train = w->config.data.train,
		.test = q->test,
		.settings = settings,
	};
	int rc = 0;

	if (r->unreadable > 0)
		log_warn("%s: %lld images could not be read and were left out", r->protocol,
			(long long)r->unreadable);
	if (w->comm->rank == 0) {
		w->lines[w->line_count++] = result_print(r, &s, w->results);
		rc = w->results ? result_append(w->results, r, &s, err) : 0;
	}
	xfree(settings);
	return comm_agree(w->comm, rc, err);
}

static int run_protocols(struct work *w, char err[ERR_MAX])
{
	const struct eval_request *q = w->request;
	struct result r;

	if (q->run_linear &&
		(linear_protocol(&r, &w->encoder, &w->train, &w->test, &q->linear, err) != 0 ||
			report(w, &r, err) != 0))
		return -1;
	if (q->run_knn &&
		(knn_protocol(&r, &w->encoder, &w->train, &w->test, &q->knn, err) != 0 ||
			report(w, &r, err) != 0))
		return -1;
	return 0;
}

static int evaluate_on(struct work *w, struct device *dev, char err[ERR_MAX])
{
	const struct eval_request *q = w->request;
	const struct encoder_options o = {
		.source = q->random ? ENCODER_RANDOM
			: q->init   ? ENCODER_FILE
				    : ENCODER_CHECKPOINT,
		.path = q->init ? q->init : w->checkpoint,
		.target = q->target,
		.size = q->size > 0 ? q->size : w->config.views.large_size,
	};
	int rc;

	if (encoder_open(&w->encoder, &o, &w->config, w->comm, dev, err) != 0)
		return -1;
	w->encoder.stop = &w->stop;
	log_info(
		"eval: %s, %s, %d features from %d x %d pixels; %llu training and %llu test images",
		w->config.model.arch, q->random ? "random initialisation" : o.path,
		w->encoder.width, o.size, o.size, (unsigned long long)w->train.count,
		(unsigned long long)w->test.count);
	if (!w->encoder.calibrated) {
		log_info("eval: its running statistics are taken from training images");
		calibrate(&w->encoder, &w->train, q->linear.seed);
	}
	rc = run_protocols(w, err);
	encoder_close(&w->encoder);
	return rc;
}

static int evaluate(struct work *w, int argc, char **argv, char err[ERR_MAX])
{
	const char *results = w->request->results;
	struct device *dev;
	int rc;

	if (find_checkpoint(w, err) != 0 || configure(w, argc, argv, err) != 0)
		return -1;
	if (results || w->request->checkpoint)
		w->results = results ? xstrdup(results) : result_path(w->request->checkpoint);
	if (comm_agree(w->comm, open_data(w, err), err) != 0)
		return -1;
	dev = compute_open(&w->config, w->comm, err);
	if (!dev)
		return -1;
	rc = evaluate_on(w, dev, err);
	dev->be->close(dev);
	return rc;
}

/* ---- the command ---- */

static void print_table(const struct work *w)
{
	for (int i = 0; i < w->line_count; i++)
		puts(w->lines[i]);
	if (w->line_count > 0 && w->results)
		printf("written to %s\n", w->results);
}

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
	struct work w = { .request = request, .comm = comm };
	char err[ERR_MAX] = "";
	int rc;

	config_default(&w.config);
	stop_init(&w.stop, stop_folder(request), margin);
	rc = evaluate(&w, argc, argv, err);
	if (rc != 0 && comm->rank == 0)
		fprintf(stderr, "reliquary eval: %s\n", err);
	print_table(&w);
	for (int i = 0; i < w.line_count; i++)
		xfree(w.lines[i]);
	close_data(&w);
	xfree(w.checkpoint);
	xfree(w.results);
	config_free(&w.config);
	stop_report(&w.stop);
	return rc == 0 ? EXIT_DONE : w.stop.reason ? EXIT_AGAIN : EXIT_INPUT;
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
