/* Lines of results.jsonl, what is found in them again, and the line for a person. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "eval/result.h"
#include "eval/result_read.h"

static struct result linear_result(void)
{
	return (struct result){ .protocol = "linear",
		.setting = "lr",
		.chosen_on = "test",
		.count = 2,
		.chosen = 1,
		.rows = { { .setting = 0.3, .test = { 200, 50, 120 }, .loss = 2.5 },
			{ .setting = 1, .test = { 200, 82, 156 }, .loss = NAN } },
		.train_images = 900,
		.test_images = 200,
		.unreadable = 1,
		.seconds = 12.34 };
}

static struct result_subject subject(void)
{
	return (struct result_subject){ .encoder = "runs/a \"b\"/checkpoints/step-000000010.h5",
		.step = 10,
		.network = "online",
		.train = "data/train",
		.test = "data\\test",
		.settings = "{\"size\":48}" };
}

static char *read_text(const char *path)
{
	unsigned char *text;
	char err[ERR_MAX];
	size_t n;

	assert_int_equal(file_read_all(path, 1 << 20, &text, &n, err), 0);
	return (char *)text;
}

static void a_line_is_appended(void **state)
{
	const char *path = test_path(test_folder(), "results.jsonl");
	struct result r = linear_result();
	struct result_subject s = subject();
	char err[ERR_MAX], *text;
	size_t half;

	(void)state;
	assert_int_equal(result_append(path, &r, &s, err), 0);
	text = read_text(path);
	assert_non_null(strstr(text,
		"{\"protocol\":\"linear\",\"random\":false,\"train\":\"data/train\",\"test\":\"data\\\\test\","
		"\"settings\":{\"size\":48},\"top1\":0.410000,\"top5\":0.780000,\"lr\":1,\"chosen_on\":\"test\","
		"\"per_lr\":[{\"lr\":0.3,\"top1\":0.250000,\"top5\":0.600000,\"loss\":2.5},"
		"{\"lr\":1,\"top1\":0.410000,\"top5\":0.780000}],"
		"\"checkpoint\":\"runs/a \\\"b\\\"/checkpoints/step-000000010.h5\",\"step\":10,"));
	half = strlen(text);
	assert_int_equal(text[half - 1], '\n');
	xfree(text);
	assert_int_equal(result_append(path, &r, &s, err), 0);
	text = read_text(path);
	assert_int_equal(strlen(text), 2 * half);
	assert_memory_equal(text + half, "{\"protocol\"", 11);
	xfree(text);
	assert_int_equal(result_append(test_path("/proc/none", "results.jsonl"), &r, &s, err), -1);
	assert_says(err, "/proc/none/results.jsonl");
}

static void the_newest_of_the_same_settings_is_found(void **state)
{
	const char *path = test_path(test_folder(), "results.jsonl");
	struct result r = linear_result(), random = linear_result();
	struct result_subject s = subject(), other = subject();
	char err[ERR_MAX];
	double top1;

	(void)state;
	assert_int_equal(result_find(&top1, path, &r, &s, 1), 0);
	other.random = 1;
	assert_int_equal(result_append(path, &random, &other, err), 0);
	random.chosen = 0;
	assert_int_equal(result_append(path, &random, &other, err), 0);
	assert_int_equal(result_find(&top1, path, &r, &s, 0), 0);
	assert_int_equal(result_find(&top1, path, &r, &s, 1), 1);
	assert_close(top1, 0.25, 1e-9);
	s.settings = "{\"size\":49}";
	assert_int_equal(result_find(&top1, path, &r, &s, 1), 0);
}

static void expect_found(
	const char *path, const char *protocol, const struct result_subject *s, int found)
{
	struct result_list l;
	char err[ERR_MAX];

	result_list_init(&l, path);
	assert_int_equal(result_list_read(&l, err), 0);
	assert_int_equal(result_list_find(&l, protocol, s) != NULL, found);
	result_list_free(&l);
}

/* In the file of its own run, from where it may be looked at by another name; in another file. */
static void a_subject_is_found_again(void **state)
{
	const char *run = test_folder(), *own = test_path(run, "results.jsonl");
	const char *other = test_path(run, "other.jsonl");
	struct result r = linear_result();
	struct result_subject s = subject(), changed;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(file_make_folder(test_path(run, "checkpoints"), err), 0);
	expect_found(own, "linear", &s, 0);
	assert_int_equal(result_append(own, &r, &s, err), 0);
	assert_int_equal(result_append(other, &r, &s, err), 0);
	expect_found(other, "linear", &s, 1);
	s.encoder = test_path(run, "checkpoints/step-000000010.h5");
	expect_found(own, "linear", &s, 1);
	expect_found(other, "linear", &s, 0);
	expect_found(own, "knn", &s, 0);
	changed = s, changed.step = 11;
	expect_found(own, "linear", &changed, 0);
	changed = s, changed.network = "target";
	expect_found(own, "linear", &changed, 0);
	changed = s, changed.test = "data/test";
	expect_found(own, "linear", &changed, 0);
	changed = s, changed.settings = "{\"size\":4}";
	expect_found(own, "linear", &changed, 0);
	changed = s, changed.random = 1;
	expect_found(own, "linear", &changed, 0);
	changed.step = 0;
	assert_int_equal(result_append(own, &r, &changed, err), 0);
	changed.encoder = test_path(run, "checkpoints/step-000000999.h5");
	expect_found(own, "linear", &changed, 1);
}

/* What a job that was killed has left is ended by a newline, and what follows is whole. */
static void a_torn_line_spoils_no_other(void **state)
{
	const char *path = test_path(test_folder(), "results.jsonl");
	struct result r = linear_result();
	struct result_subject s = subject();
	struct result_list l;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(file_write_atomic(path, "{\"protocol\":\"lin", 16, err), 0);
	assert_int_equal(result_append(path, &r, &s, err), 0);
	result_list_init(&l, path);
	assert_int_equal(result_list_read(&l, err), 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.lines[0].step, 10);
	assert_string_equal(l.lines[0].test, "data\\test");
	assert_string_equal(l.lines[0].settings, "{\"size\":48}");
	assert_close(l.lines[0].top5, 0.78, 1e-9);
	assert_close(l.lines[0].lr, 1, 0);
	assert_true(isnan(l.lines[0].k));
	result_list_free(&l);
}

static void a_person_is_told_how_it_was_chosen(void **state)
{
	const char *path = test_path(test_folder(), "results.jsonl");
	struct result r = linear_result();
	struct result_subject s = subject();
	char err[ERR_MAX], *line;

	(void)state;
	line = result_print(&r, &s, path);
	assert_string_equal(
		line, "linear  top-1 41.0 %  top-5 78.0 %  (lr 1, best of 2 on test; 0.3: 25.0 %)");
	xfree(line);
	assert_int_equal(result_append(path, &r, &s, err), 0);
	s.random = 1;
	r.chosen = 0, r.chosen_on = "holdout";
	line = result_print(&r, &s, path);
	assert_string_equal(line,
		"linear  top-1 25.0 %  top-5 60.0 % at random initialisation  "
		"(lr 0.3, best of 2 on held-out training images; 1: 41.0 %); 41.0 % pre-trained");
	xfree(line);
	r = (struct result){ .protocol = "knn",
		.setting = "k",
		.chosen_on = "given",
		.count = 1,
		.rows = { { .setting = 20, .test = { 4, 1, 2 } } } };
	line = result_print(&r, &s, NULL);
	assert_string_equal(
		line, "knn     top-1 25.0 %  top-5 50.0 % at random initialisation  (k 20)");
	xfree(line);
}

static void results_lie_in_the_run(void **state)
{
	const char *folder = test_folder();
	char err[ERR_MAX], *path, *expect = xasprintf("%s/results.jsonl", folder);

	(void)state;
	path = result_path(folder);
	assert_string_equal(path, expect);
	xfree(path);
	assert_int_equal(file_make_folder(test_path(folder, "checkpoints"), err), 0);
	path = result_path(test_path(folder, "checkpoints/step-000000001.h5"));
	assert_string_equal(path, expect);
	xfree(path);
	path = result_path(test_path(folder, "encoder.h5"));
	assert_string_equal(path, expect);
	xfree(path);
	xfree(expect);
	path = result_path("encoder.h5");
	assert_string_equal(path, "./results.jsonl");
	xfree(path);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_line_is_appended),
	cmocka_unit_test(the_newest_of_the_same_settings_is_found),
	cmocka_unit_test(a_subject_is_found_again),
	cmocka_unit_test(a_torn_line_spoils_no_other),
	cmocka_unit_test(a_person_is_told_how_it_was_chosen),
	cmocka_unit_test(results_lie_in_the_run),
};
TEST_MAIN(cases)
