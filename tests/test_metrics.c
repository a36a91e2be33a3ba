/* metrics.jsonl over stops, kills and resumes, and the progress line. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "train/metrics.h"

static struct metrics sample(int64_t step)
{
	return (struct metrics){
		.step = step,
		.steps = 600,
		.epoch = 0.125 * (double)step,
		.loss = 3.2145,
		.contrastive = 2.31,
		.invariance = 1.26,
		.lr = 0.42,
		.ema = 0.99,
		.gradient_norm = 1.0 / 3,
		.images_per_s = 312.25,
		.data_wait = 0.023,
		.seconds = 2.5 * (double)step,
		.bad_records = 2,
	};
}

static void write_steps(const char *run, int64_t after, int64_t from, int64_t to)
{
	char err[ERR_MAX];
	struct metrics_log *log = metrics_open(run, after, err);

	assert_non_null(log);
	for (int64_t k = from; k <= to; k++) {
		struct metrics m = sample(k);

		metrics_write(log, &m);
	}
	metrics_close(log);
}

static char *content(const char *run)
{
	unsigned char *text;
	char err[ERR_MAX];
	size_t n;

	assert_int_equal(
		file_read_all(test_path(run, "metrics.jsonl"), 1 << 20, &text, &n, err), 0);
	return (char *)text;
}

static void append(const char *run, const char *text)
{
	FILE *f = fopen(test_path(run, "metrics.jsonl"), "a");

	fputs(text, f);
	fclose(f);
}

static void a_line_holds_every_number(void **state)
{
	const char *run = test_folder();
	char *text;

	(void)state;
	write_steps(run, 0, 120, 120);
	text = content(run);
	assert_string_equal(text,
		"{\"step\":120,\"steps\":600,\"epoch\":15,\"loss\":3.2145,\"contrastive\":2.31,\"invariance\":1.26,"
		"\"lr\":0.42,\"ema\":0.99,\"gradient_norm\":0.333333333,\"images_per_s\":312.25,\"data_wait\":0.023,"
		"\"bad_records\":2,\"seconds\":300}\n");
	xfree(text);
}

static void a_line_is_in_the_file_at_once(void **state)
{
	const char *run = test_folder();
	struct metrics m = sample(1);
	char err[ERR_MAX], *text;
	struct metrics_log *log = metrics_open(run, 0, err);

	(void)state;
	metrics_write(log, &m);
	text = content(run);
	assert_non_null(strchr(text, '\n'));
	xfree(text);
	metrics_close(log);
}

static void what_is_not_finite_is_null(void **state)
{
	const char *run = test_folder();
	struct metrics m = sample(3);
	char err[ERR_MAX], *text;
	struct metrics_log *log = metrics_open(run, 0, err);

	(void)state;
	m.loss = NAN;
	m.gradient_norm = INFINITY;
	m.images_per_s = -INFINITY;
	metrics_write(log, &m);
	metrics_close(log);
	text = content(run);
	assert_says(text, "\"loss\":null,");
	assert_says(text, "\"gradient_norm\":null,");
	assert_says(text, "\"images_per_s\":null,");
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf,"));
	xfree(text);
	/* such a line is a whole one */
	log = metrics_open(run, 3, err);
	assert_close(metrics_seconds(log), 7.5, 0);
	metrics_close(log);
}

static void resuming_leaves_the_file_of_a_run_that_never_stopped(void **state)
{
	const char *straight = test_folder(), *stopped = test_folder();
	char *a, *b;

	(void)state;
	write_steps(straight, 0, 1, 10);
	write_steps(stopped, 0, 1, 7);
	append(stopped, "{\"step\":8,\"steps\":600,\"epo");
	write_steps(stopped, 5, 6, 10);
	a = content(straight);
	b = content(stopped);
	assert_string_equal(a, b);
	xfree(a);
	xfree(b);
}

static void broken_lines_go_and_the_others_stay(void **state)
{
	static const char *const broken[] = { "\n", "no json\n", "{\"step\":2}\n",
		"{\"step\":2,\"seconds\":}\n", "{\"step\":,\"seconds\":1}\n",
		"{\"step\":x,\"seconds\":1}\n", "{\"step\":2,\"seconds\":1}x\n",
		"{\"step\":2,\"seconds\":5}" };
	char *before, *after;

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		const char *run = test_folder();
		char err[ERR_MAX];
		struct metrics_log *log;

		write_steps(run, 0, 1, 3);
		before = content(run);
		append(run, broken[i]);
		log = metrics_open(run, 3, err);
		assert_close(metrics_seconds(log), 7.5, 0);
		metrics_close(log);
		after = content(run);
		assert_string_equal(before, after);
		xfree(before);
		xfree(after);
	}
}

static void a_new_run_has_no_seconds(void **state)
{
	const char *run = test_folder();
	char err[ERR_MAX];
	struct metrics_log *log = metrics_open(run, 0, err);

	(void)state;
	assert_close(metrics_seconds(log), 0, 0);
	metrics_close(log);
	write_steps(run, 0, 1, 4);
	log = metrics_open(run, 0, err);
	assert_close(metrics_seconds(log), 0, 0);
	metrics_close(log);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	char err[ERR_MAX];

	(void)state;
	assert_null(metrics_open(test_path(test_folder(), "none"), 0, err));
	assert_says(err, "none/metrics.jsonl: cannot open for writing: No such file or directory");
}

static void the_progress_line_reads_well(void **state)
{
	static const struct {
		double left;
		const char *says;
	} times[] = { { 72, "01:12 left" }, { 0, "00:00 left" }, { 3661, "1:01:01 left" },
		{ 90061, "1 d 01:01:01 left" }, { NAN, "--:-- left" }, { -1, "--:-- left" },
		{ INFINITY, "--:-- left" } };
	struct metrics m = sample(120);
	char text[512];

	(void)state;
	m.epoch = 3.87;
	m.bad_records = 0;
	metrics_progress_text(text, sizeof text, &m, 72);
	assert_string_equal(text,
		"step 120/600  epoch 3.87/19.35  loss 3.215 (contrast 2.31, invariance 1.26)"
		"  lr 0.42  312 images/s  data wait 2 %  01:12 left");
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		metrics_progress_text(text, sizeof text, &m, times[i].left);
		assert_string_equal(text + strlen(text) - strlen(times[i].says), times[i].says);
	}
	m.bad_records = 1;
	metrics_progress_text(text, sizeof text, &m, 1);
	assert_says(text, "  1 bad record  ");
	m.bad_records = 2;
	metrics_progress_text(text, sizeof text, &m, 1);
	assert_says(text, "  2 bad records  ");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_line_holds_every_number),
	cmocka_unit_test(a_line_is_in_the_file_at_once),
	cmocka_unit_test(what_is_not_finite_is_null),
	cmocka_unit_test(resuming_leaves_the_file_of_a_run_that_never_stopped),
	cmocka_unit_test(broken_lines_go_and_the_others_stay),
	cmocka_unit_test(a_new_run_has_no_seconds),
	cmocka_unit_test(a_folder_that_is_not_there_is_said),
	cmocka_unit_test(the_progress_line_reads_well),
};
TEST_MAIN(cases)
