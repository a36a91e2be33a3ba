#ifndef TEST_H
#define TEST_H

/* What every test program needs; cmocka wants these headers before its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* the name of one of our own functions */

#include "base/die.h"

/* int main for a table of cases, e.g. static const struct CMUnitTest cases[] = {
 * cmocka_unit_test(f), ... }; */
#define TEST_MAIN(cases)                                                                           \
	int main(void)                                                                             \
	{                                                                                          \
		cmocka_set_message_output(CM_OUTPUT_TAP);                                          \
		return cmocka_run_group_tests(cases, NULL, test_cleanup);                          \
	}

/* A fresh empty folder, removed with all in it when the program ends; the string lives as long. */
const char *test_folder(void);
int test_cleanup(void **state);

/* "folder/name"; valid until test_cleanup. */
const char *test_path(const char *folder, const char *name);

/* Fails when |a - b| <= tolerance does not hold, so that NaN fails too. */
#define assert_close(a, b, tolerance) test_close((a), (b), (tolerance), #a, __FILE__, __LINE__)
void test_close(double a, double b, double tolerance, const char *what, const char *file, int line);

/* err holds the word. */
#define assert_says(err, word) test_says((err), (word), __FILE__, __LINE__)
void test_says(const char *err, const char *word, const char *file, int line);

#endif
