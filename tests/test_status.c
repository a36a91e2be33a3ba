/* How a run stands, from folders made for it. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/status.h"

/* ---- folders ---- */

static void write_text(const char *path, const char *text, const char *mode)
{
	FILE *f = fopen(path, mode);

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static const char *make_run(void)
{
	const char *run = test_folder();
	char err[ERR_MAX];

	assert_int_equal(file_make_folder(test_path(run, "checkpoints"), err), 0);
	return run;
}

/* Lines of steps from..to of 1000, 2 s a step, with a batch of 64. */
static void write_metrics(const char *run, int from, int to)
{
	char err[ERR_MAX];
	struct metrics_log *log = metrics_open(run, from - 1, err);

	assert_non_null(log);
	for (int i = from; i <= to; i++)
		metrics_write(log,
			&(struct metrics){ .step = i,
				.steps = 1000,
				.epoch = i / 10.0,
				.loss = 3 + 1.0 / i,
				.contrastive = 2,
				.invariance = 1,
				.lr = 0.1,
				.images_per_s = 32,
				.data_wait = 0.25,
				.bad_records = 3,
				.seconds = 2.0 * i });
	metrics_close(log);
}

/* The file was written so many seconds ago. */
static void make_older(const char *path, int seconds)
{
	const struct timeval then[2] = { { .tv_sec = time(NULL) - seconds },
		{ .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimes(path, then), 0);
}

static void expect_state(struct status *s, enum status_state state)
{
	char err[ERR_MAX] = "";

	assert_int_equal(status_read(s, err), 0);
	assert_string_equal(status_word(s->state), status_word(state));
}

/* ---- cases ---- */

static void states_are_told_apart(void **state)
{
	static const struct {
		struct status_facts facts;
		enum status_state state;
	} of[] = {
		{ { 0, 0, 0, 5, 0 }, STATUS_STARTING },
		{ { 0, 0, 0, INFINITY, 0 }, STATUS_STARTING },
		{ { 10, 100, 0, 5, 1 }, STATUS_RUNNING },
		{ { 10, 100, 0, 299, 1 }, STATUS_RUNNING },
		{ { 10, 100, 0, 301, 1 }, STATUS_STALLED },
		{ { 10, 100, 0, 301, 0 }, STATUS_STALLED },
		{ { 10, 100, 0, 301, 60 }, STATUS_RUNNING },
		{ { 10, 100, 0, 601, 60 }, STATUS_STALLED },
		{ { 10, 100, 1, 5, 1 }, STATUS_STOPPED },
		{ { 0, 0, 1, 5, 1 }, STATUS_STOPPED },
		{ { 10, 100, 1, 1e6, 1 }, STATUS_STOPPED },
		{ { 100, 100, 0, 1e6, 1 }, STATUS_FINISHED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		assert_int_equal(status_judge(&of[i].facts), of[i].state);
}

static void a_run_from_its_start_to_its_end(void **state)
{
	const char *run = make_run(), *log = test_path(run, "log.txt");
	struct status s;
	char err[ERR_MAX] = "";

	(void)state;
	assert_int_equal(status_open(&s, run, err), 0);
	expect_state(&s, STATUS_STARTING);
	write_text(log, "resnet\ntraining begins, with its first batch\n", "w");
	expect_state(&s, STATUS_STARTING);
	write_metrics(run, 1, 100);
	expect_state(&s, STATUS_RUNNING);
	assert_int_equal(s.facts.step, 100);
	assert_int_equal(s.log.starts, 1);
	assert_close(s.facts.interval_s, 2, 1e-9);
	/* 900 steps of 2 s; this test may take some seconds itself */
	assert_true(s.seconds_left <= 1800 && s.seconds_left > 1740);
	make_older(test_path(run, "metrics.jsonl"), 1000);
	expect_state(&s, STATUS_RUNNING); /* the log is new */
	make_older(log, 400);
	expect_state(&s, STATUS_STALLED);
	assert_close(s.seconds_left, 1800, 1e-6);
	make_older(log, -400); /* written by a host whose clock is ahead */
	expect_state(&s, STATUS_RUNNING);
	assert_close(s.seconds_left, 1800, 1e-6);
	write_text(log, "stopped after step 100; go on\nstopped by SIGTERM: 0.1 s later\n", "a");
	expect_state(&s, STATUS_STOPPED);
	assert_string_equal(s.log.reason, "SIGTERM");
	write_text(log, "training begins, with its first batch\n", "a");
	write_metrics(run, 91, 1000);
	expect_state(&s, STATUS_FINISHED);
	assert_int_equal(s.log.starts, 2);
	assert_int_equal(s.metrics.count, 1000 - 0);
	assert_close(s.seconds_left, 0, 0);
	status_close(&s);
}

static void torn_lines_are_passed_over(void **state)
{
	const char *run = make_run(), *path = test_path(run, "metrics.jsonl");
	struct status s;
	char err[ERR_MAX] = "";

	(void)state;
	write_metrics(run, 1, 10);
	write_text(path, "{\"step\":11,\"steps\":10\n\ngarbage\n{\"step\":11,\"st", "a");
	assert_int_equal(status_open(&s, run, err), 0);
	expect_state(&s, STATUS_RUNNING);
	assert_int_equal(s.facts.step, 10);
	write_text(path, "eps\":1000,\"loss\":null,\"seconds\":22}\n", "a");
	expect_state(&s, STATUS_RUNNING);
	assert_int_equal(s.facts.step, 11);
	assert_int_equal(s.metrics.count, 11);
	assert_true(isnan(s.metrics.points[10].loss));
	assert_true(isnan(metrics_newest(&s.metrics)->lr));
	assert_close(metrics_rate(&s.metrics), 0.5, 1e-9);
	status_close(&s);
}

static void settings_and_checkpoints(void **state)
{
	const char *run = make_run();
	struct status s;
	char err[ERR_MAX] = "";

	(void)state;
	write_text(test_path(run, "config.yaml"),
		"model:\n  arch: resnet18\ntrain:\n  batch: 64\n  steps: 2000\n", "w");
	write_text(test_path(run, "checkpoints/step-000000200.h5"), "12345", "w");
	write_text(test_path(run, "checkpoints/step-000000100.h5"), "1", "w");
	write_text(test_path(run, "checkpoints/step-000000300.h5.tmp-7"), "1", "w");
	write_metrics(run, 1, 1000);
	assert_int_equal(status_open(&s, run, err), 0);
	expect_state(&s, STATUS_RUNNING); /* 2000 steps are wanted by now */
	assert_int_equal(s.facts.steps, 2000);
	assert_close(s.run_images_per_s, 32, 1e-9);
	assert_int_equal(s.checkpoint_count, 2);
	assert_int_equal(s.checkpoints[1].step, 200);
	assert_int_equal(s.checkpoints[1].bytes, 5);
	/* settings of another version are no reason to show nothing */
	write_text(test_path(run, "config.yaml"), "model:\n  colour: red\n", "w");
	expect_state(&s, STATUS_FINISHED);
	assert_false(s.configured);
	status_close(&s);
}

static void add_result(const char *run, const char *protocol, int step, int random, int top1)
{
	struct result r = { .protocol = protocol,
		.setting = "k",
		.chosen_on = "given",
		.count = 1,
		.rows = { { .setting = 20, .test = { 100, top1, 90 } } } };
	const struct result_subject s = { .encoder = "x",
		.step = step,
		.network = "online",
		.random = random,
		.train = "a",
		.test = "b",
		.settings = "{}" };
	char err[ERR_MAX] = "";

	assert_int_equal(result_append(test_path(run, "results.jsonl"), &r, &s, err), 0);
}

static void the_best_evaluation_is_marked(void **state)
{
	static const struct {
		int64_t step;
		const char *protocol;
		int random, best;
	} expected[] = {
		{ 0, "knn", 1, 0 },
		{ 10, "knn", 0, 0 },
		{ 20, "linear", 0, 1 },
		{ 20, "knn", 0, 1 },
		{ 30, "knn", 0, 0 },
	};
	const char *run = make_run();
	struct status_evaluation *list;
	struct status s;
	char err[ERR_MAX] = "";

	(void)state;
	add_result(run, "knn", 20, 0, 10); /* once more below */
	add_result(run, "knn", 30, 0, 40);
	add_result(run, "knn", 10, 0, 30);
	add_result(run, "knn", 0, 1, 80);
	write_text(test_path(run, "results.jsonl"), "{\"protocol\":\"knn\",\"rand\n", "a");
	add_result(run, "knn", 20, 0, 50);
	add_result(run, "linear", 20, 0, 20);
	assert_int_equal(status_open(&s, run, err), 0);
	assert_int_equal(status_read(&s, err), 0);
	assert_int_equal(status_evaluations(&list, &s), 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(list[i].line->step, expected[i].step);
		assert_string_equal(list[i].line->protocol, expected[i].protocol);
		assert_int_equal(list[i].line->random, expected[i].random);
		assert_int_equal(list[i].best, expected[i].best);
	}
	assert_close(list[3].line->top1, 0.5, 1e-9);
	xfree(list);
	status_close(&s);
}

static void other_folders_are_refused(void **state)
{
	const char *folder = test_folder();
	struct status s;
	char err[ERR_MAX] = "";

	(void)state;
	assert_int_equal(status_open(&s, test_path(folder, "away"), err), -1);
	assert_says(err, "no such folder");
	status_close(&s);
	assert_int_equal(status_open(&s, folder, err), -1);
	assert_says(err, "not the folder of a run");
	status_close(&s);
}

static void spans_are_read_at_a_glance(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} of[] = { { 0, "0 s" }, { 59.4, "59 s" }, { 59.6, "1 min" }, { 320, "5 min 20 s" },
		{ 1199, "19 min" }, { 11520, "3 h 12 min" }, { 183600, "2 d 3 h" }, { NAN, "?" },
		{ INFINITY, "?" } };
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		assert_string_equal(status_span(text, of[i].seconds), of[i].text);
}

static void text_fits_its_columns(void **state)
{
	static const struct {
		const char *is, *becomes;
	} of[] = { { "abc", "abc  " }, { "abcde", "abcde" }, { "abcdef", "..def" },
		{ "\u00e4\u00f6\u00fc", "\u00e4\u00f6\u00fc  " },
		{ "a\u00e4\u00f6\u00fcbc", "..\u00fcbc" }, { "\033[m", "?[m  " } };

	(void)state;
	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		char *text = NULL;
		size_t n;
		FILE *f = open_memstream(&text, &n);

		terminal_put(f, of[i].is, 5);
		assert_int_equal(fclose(f), 0);
		assert_string_equal(text, of[i].becomes);
		xfree(text);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(states_are_told_apart),
	cmocka_unit_test(a_run_from_its_start_to_its_end),
	cmocka_unit_test(torn_lines_are_passed_over),
	cmocka_unit_test(settings_and_checkpoints),
	cmocka_unit_test(the_best_evaluation_is_marked),
	cmocka_unit_test(other_folders_are_refused),
	cmocka_unit_test(spans_are_read_at_a_glance),
	cmocka_unit_test(text_fits_its_columns),
};
TEST_MAIN(cases)
