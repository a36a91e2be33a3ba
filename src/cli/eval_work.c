/* eval_work.c - one evaluation, from the checkpoint to the lines of its results. */
#include "cli/eval_work.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/compute.h"
#include "eval/calibrate.h"
#include "eval/result_read.h"
#include "nn/model.h"
#include "train/checkpoint.h"

/* ---- the encoder's configuration ---- */

/* Defaults, then the checkpoint's record, then the command line. */
static int configure(struct eval_work *w, int argc, char **argv, char err[ERR_MAX])
{
	char *text = NULL;
	int rc = 0;

	if (w->checkpoint) {
		rc = checkpoint_read_config(w->checkpoint, &text, &w->step, err);
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

/* Pixels a side of the network's input. */
static int input_size(const struct eval_work *w)
{
	return w->request->size > 0 ? w->request->size : w->config.views.large_size;
}

/* ---- data ---- */

static int open_data(struct eval_work *w, char err[ERR_MAX])
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

static void close_data(struct eval_work *w)
{
	subset_free(&w->train);
	subset_free(&w->test);
	dataset_close(w->train_data);
	dataset_close(w->test_data);
}

/* ---- results ---- */

/* What results must share to be comparable, as a JSON object. */
static char *print_settings(const struct eval_work *w, const char *protocol)
{
	const struct linear_settings *l = &w->request->linear;
	char rates[LINEAR_RATES_MAX * 16] = "";
	size_t n = 0;

	if (strcmp(protocol, "knn") == 0)
		return xasprintf("{\"size\":%d,\"k\":%d,\"temperature\":%.9g}", input_size(w),
			w->request->knn.k[0], w->request->knn.temperature);
	for (int k = 0; k < l->rate_count; k++)
		n += (size_t)snprintf(
			rates + n, sizeof rates - n, "%s%.6g", k ? "," : "", l->rates[k]);
	return xasprintf(
		"{\"size\":%d,\"epochs\":%.9g,\"batch\":%d,\"lrs\":[%s],\"choose\":\"%s\",\"holdout\":%.9g,"
		"\"seed\":%llu}",
		input_size(w), l->epochs, l->batch, rates, l->holdout ? "holdout" : "test",
		l->holdout ? l->share : 0, (unsigned long long)l->seed);
}

/* Of what the results are; settings is as print_settings gives it. */
static struct result_subject subject(const struct eval_work *w, const char *settings)
{
	const struct eval_request *q = w->request;

	return (struct result_subject){
		.encoder = q->init      ? q->init
			: w->checkpoint ? w->checkpoint
					: "",
		.step = q->init || q->random ? 0 : w->step,
		.network = q->target ? "target" : "online",
		.random = q->random,
		.train = w->config.data.train,
		.test = q->test,
		.settings = settings,
	};
}

/* Rank 0 writes the result down and keeps its line for the end. */
static int report(struct eval_work *w, const struct result *r, char err[ERR_MAX])
{
	char *settings = print_settings(w, r->protocol);
	const struct result_subject s = subject(w, settings);
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

/* ---- what is done already ---- */

/* Rank 0 looks it up in the file of results. */
static int is_done(
	const struct eval_work *w, const struct result_list *results, const char *protocol)
{
	char *settings = print_settings(w, protocol);
	const struct result_subject s = subject(w, settings);
	const struct result_line *line = result_list_find(results, protocol, &s);

	xfree(settings);
	if (line)
		log_info("eval: %s%s of %s on %s is in %s, top-1 %.1f %%: left out", protocol,
			s.random ? " at random initialisation" : "", s.encoder, s.test, w->results,
			100 * line->top1);
	return line != NULL;
}

static int leave_out_done(struct eval_work *w, char err[ERR_MAX])
{
	int left[2] = { w->run_linear, w->run_knn }, rc = 0;
	struct result_list results;

	if (!w->request->skip_done)
		return 0;
	if (w->comm->rank == 0) {
		result_list_init(&results, w->results);
		rc = result_list_read(&results, err);
		left[0] = left[0] && !is_done(w, &results, "linear");
		left[1] = left[1] && !is_done(w, &results, "knn");
		result_list_free(&results);
	}
	if (comm_agree(w->comm, rc, err) != 0)
		return -1;
	comm_broadcast(w->comm, left, sizeof left, 0);
	w->run_linear = left[0], w->run_knn = left[1];
	return 0;
}

/* ---- evaluation ---- */

static int run_protocols(struct eval_work *w, char err[ERR_MAX])
{
	const struct eval_request *q = w->request;
	struct result r;

	if (w->run_linear &&
		(linear_protocol(&r, &w->encoder, &w->train, &w->test, &q->linear, err) != 0 ||
			report(w, &r, err) != 0))
		return -1;
	if (w->run_knn &&
		(knn_protocol(&r, &w->encoder, &w->train, &w->test, &q->knn, err) != 0 ||
			report(w, &r, err) != 0))
		return -1;
	return 0;
}

static int evaluate_on(struct eval_work *w, char err[ERR_MAX])
{
	const struct eval_request *q = w->request;
	const struct encoder_options o = {
		.source = q->random ? ENCODER_RANDOM
			: q->init   ? ENCODER_FILE
				    : ENCODER_CHECKPOINT,
		.path = q->init ? q->init : w->checkpoint,
		.target = q->target,
		.size = input_size(w),
	};
	int rc;

	if (encoder_open(&w->encoder, &o, &w->config, w->comm, w->dev, err) != 0)
		return -1;
	w->encoder.stop = w->stop;
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

static int evaluate(struct eval_work *w, char err[ERR_MAX])
{
	if (comm_agree(w->comm, open_data(w, err), err) != 0)
		return -1;
	if (!w->dev)
		w->dev = compute_open(&w->config, w->comm, err);
	return w->dev ? evaluate_on(w, err) : -1;
}

void eval_work_init(struct eval_work *w, const struct eval_request *q, struct comm *comm,
	struct stop *stop, char *checkpoint)
{
	*w = (struct eval_work){ .request = q,
		.comm = comm,
		.stop = stop,
		.checkpoint = checkpoint,
		.run_linear = q->run_linear,
		.run_knn = q->run_knn };
	config_default(&w->config);
	if (q->results || q->checkpoint)
		w->results = q->results ? xstrdup(q->results) : result_path(q->checkpoint);
}

int eval_work_run(struct eval_work *w, int argc, char **argv, char err[ERR_MAX])
{
	if (configure(w, argc, argv, err) != 0 || leave_out_done(w, err) != 0)
		return -1;
	return w->run_linear || w->run_knn ? evaluate(w, err) : 0;
}

void eval_work_print(const struct eval_work *w)
{
	for (int i = 0; i < w->line_count; i++) {
		if (w->request->each)
			printf("step %lld  ", (long long)w->step);
		puts(w->lines[i]);
	}
	if (w->line_count > 0 && w->results)
		printf("written to %s\n", w->results);
}

void eval_work_free(struct eval_work *w)
{
	for (int i = 0; i < w->line_count; i++)
		xfree(w->lines[i]);
	close_data(w);
	xfree(w->checkpoint);
	xfree(w->results);
	config_free(&w->config);
}
