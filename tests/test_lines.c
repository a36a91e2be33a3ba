/* Lines of files that grow, are cut and are replaced while they are read. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lines.h"
#include "base/memory.h"

struct seen {
	int begins, count;
	size_t longest;
	char text[256]; /* the lines one after another, each with a '|' */
};

static void begin(void *arg)
{
	struct seen *s = arg;

	s->begins++;
	s->count = 0;
	*s->text = 0;
}

static void line(void *arg, const char *text, size_t n)
{
	struct seen *s = arg;

	assert_int_equal(strlen(text), n);
	s->count++;
	s->longest = n > s->longest ? n : s->longest;
	if (strlen(s->text) + n + 2 < sizeof s->text)
		strcat(strcat(s->text, text), "|");
}

static void append(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Read on; the lines of all looks since the last beginning are to be these. */
static void expect(struct lines *l, struct seen *s, const char *text, int begins)
{
	const struct lines_use use = { .begin = begin, .line = line, .arg = s };
	char err[ERR_MAX] = "";

	assert_int_equal(lines_read(l, &use, err), 0);
	assert_string_equal(s->text, text);
	assert_int_equal(s->begins, begins);
}

static void each_line_comes_once(void **state)
{
	const char *path = test_path(test_folder(), "grows");
	struct lines l = { .path = path };
	struct seen s = { 0 };

	(void)state;
	expect(&l, &s, "", 1); /* there is no file */
	append(path, "one\ntw");
	expect(&l, &s, "one|", 2);
	expect(&l, &s, "one|", 2);
	append(path, "o\n\nthree\n");
	expect(&l, &s, "one|two||three|", 2);
	append(path, "torn");
	expect(&l, &s, "one|two||three|", 2);
}

static void another_file_is_read_from_its_first_line(void **state)
{
	const char *path = test_path(test_folder(), "changes");
	struct lines l = { .path = path };
	struct seen s = { 0 };
	char err[ERR_MAX];

	(void)state;
	append(path, "a\nb\nc\n");
	expect(&l, &s, "a|b|c|", 1);
	assert_int_equal(truncate(path, 2), 0);
	expect(&l, &s, "a|", 2);
	append(path, "d\n");
	expect(&l, &s, "a|d|", 2);
	assert_int_equal(file_write_atomic(path, "x\ny\nz\n", 6, err), 0);
	expect(&l, &s, "x|y|z|", 3);
	assert_int_equal(unlink(path), 0);
	expect(&l, &s, "", 4);
}

/* Longer than what is read at once, and of a length that ends within a line. */
static void lines_of_any_length(void **state)
{
	const char *path = test_path(test_folder(), "long");
	struct lines l = { .path = path };
	struct seen s = { 0 };
	const struct lines_use use = { .begin = begin, .line = line, .arg = &s };
	char err[ERR_MAX] = "", *text;

	(void)state;
	text = xmalloc(3000002);
	memset(text, 'x', 3000000);
	strcpy(text + 3000000, "\n");
	append(path, text);
	for (int i = 0; i < 300000; i++)
		memcpy(text + 7 * (size_t)i, "abcdef\n", 7);
	text[2100000] = 0;
	append(path, text);
	assert_int_equal(lines_read(&l, &use, err), 0);
	assert_int_equal(s.count, 300001);
	assert_int_equal(s.longest, 3000000);
	xfree(text);
}

static void faults_name_the_file(void **state)
{
	struct lines l = { .path = test_folder() };
	struct seen s = { 0 };
	const struct lines_use use = { .begin = begin, .line = line, .arg = &s };
	char err[ERR_MAX] = "";

	(void)state;
	assert_int_equal(lines_read(&l, &use, err), -1);
	assert_says(err, l.path);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(each_line_comes_once),
	cmocka_unit_test(another_file_is_read_from_its_first_line),
	cmocka_unit_test(lines_of_any_length),
	cmocka_unit_test(faults_name_the_file),
};
TEST_MAIN(cases)
