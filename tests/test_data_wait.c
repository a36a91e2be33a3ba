/* The warning of a training that waits for its images. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "train/data_wait.h"

static void it_names_share_folder_and_filesystem(void **state)
{
	char text[ERR_MAX];

	(void)state;
	data_wait_text(text, sizeof text, "/proc/self", 0.34);
	assert_says(text, "34 % of the time");
	assert_says(text, "/proc/self (proc on /proc)");
	assert_says(text, "data.threads");
	assert_null(strstr(text, "data.stage_dir")); /* no network is in the way */
}

/* Lines of a log file that warn. */
static int warnings(const char *path)
{
	char line[2048];
	FILE *f = fopen(path, "r");
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		n += strstr(line, "waiting for images") != NULL;
	fclose(f);
	return n;
}

static void the_first_report_does_not_count_and_one_warning_is_enough(void **state)
{
	const char *log = test_path(test_folder(), "log.txt");
	struct data_wait w = { .folder = "/proc/self" };

	(void)state;
	assert_int_equal(log_open(log), 0);
	data_wait_report(&w, 0.9);
	assert_int_equal(warnings(log), 0);
	data_wait_report(&w, 0.1);
	assert_int_equal(warnings(log), 0);
	data_wait_report(&w, 0.11);
	assert_int_equal(warnings(log), 1);
	data_wait_report(&w, 0.5);
	assert_int_equal(warnings(log), 1);
	w.told -= 601;
	data_wait_report(&w, 0.5);
	assert_int_equal(warnings(log), 2);
	log_close();
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(it_names_share_folder_and_filesystem),
	cmocka_unit_test(the_first_report_does_not_count_and_one_warning_is_enough),
};
TEST_MAIN(cases)
