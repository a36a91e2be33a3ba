/* What people read: who speaks, where it goes, how often progress is shown. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

/* stderr goes to a file from capture_begin to capture_end, which returns its text (xfree). */
static int saved_stderr = -1;
static const char *captured;

static void capture_begin(void)
{
	captured = test_path(test_folder(), "stderr");
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	assert_non_null(freopen(captured, "w", stderr));
}

static char *capture_end(void)
{
	unsigned char *text;
	char err[ERR_MAX];
	size_t n;

	fflush(stderr);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	assert_int_equal(file_read_all(captured, 1 << 20, &text, &n, err), 0);
	return (char *)text;
}

static void rank_0_speaks_for_all(void **state)
{
	char *text;

	(void)state;
	capture_begin();
	log_set_rank(0);
	log_info("one %d", 1);
	log_warn("two");
	log_set_rank(3);
	log_info("silent");
	log_warn("silent");
	log_progress(1, "silent");
	log_warn_here("three");
	log_set_rank(0);
	text = capture_end();
	assert_string_equal(text, "one 1\nwarning: two\nwarning (rank 3): three\n");
	xfree(text);
}

static void the_file_gets_it_too(void **state)
{
	const char *path = test_path(test_folder(), "log");
	char err[ERR_MAX], *text;
	unsigned char *file;
	size_t n;

	(void)state;
	capture_begin();
	assert_int_equal(log_open(path), 0);
	log_info("first");
	log_close();
	log_info("between");
	assert_int_equal(log_open(path), 0);
	log_warn("second");
	log_close();
	text = capture_end();
	assert_string_equal(text, "first\nbetween\nwarning: second\n");
	assert_int_equal(file_read_all(path, 1 << 20, &file, &n, err), 0);
	assert_string_equal((char *)file, "first\nwarning: second\n");
	assert_int_equal(log_open("/nowhere/log"), -1);
	xfree(text);
	xfree(file);
}

/* Not a terminal: one line in ten seconds, and the last. */
static void progress_is_sparing(void **state)
{
	char *text;

	(void)state;
	capture_begin();
	for (int i = 0; i < 1000; i++)
		log_progress(0, "step %d", i);
	log_progress(1, "step 1000");
	text = capture_end();
	assert_string_equal(text, "step 0\nstep 1000\n");
	xfree(text);
}

/* The log file has the sparing lines too, whatever the terminal shows. */
static void progress_is_filed(void **state)
{
	const char *path = test_path(test_folder(), "log.txt");
	unsigned char *text;
	char err[ERR_MAX];
	size_t n;

	(void)state;
	assert_int_equal(log_open(path), 0);
	capture_begin();
	for (int i = 0; i < 1000; i++)
		log_progress(0, "step %d", i);
	log_progress(1, "step 1000");
	xfree_(capture_end());
	log_close();
	assert_int_equal(file_read_all(path, 1 << 20, &text, &n, err), 0);
	assert_true(strcmp((char *)text, "step 0\nstep 1000\n") == 0 ||
		strcmp((char *)text, "step 1000\n") == 0);
	xfree(text);
}

static void long_lines_are_cut(void **state)
{
	char *text, word[5000];

	(void)state;
	memset(word, 'x', sizeof word - 1);
	word[sizeof word - 1] = 0;
	capture_begin();
	log_info("%s", word);
	text = capture_end();
	assert_in_range(strlen(text), 1000, 5000);
	assert_int_equal(text[strlen(text) - 1], '\n');
	xfree(text);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(rank_0_speaks_for_all),
	cmocka_unit_test(the_file_gets_it_too),
	cmocka_unit_test(progress_is_sparing),
	cmocka_unit_test(progress_is_filed),
	cmocka_unit_test(long_lines_are_cut),
};
TEST_MAIN(cases)
