/* JSON strings: as they are written, and read again by the strict reader. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

/* What is written for s; the caller frees it. */
static char *written(const char *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	json_put_string(f, s);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(strlen(text), n);
	return text;
}

static void strings_are_quoted(void **state)
{
	static const struct {
		const char *is, *becomes;
	} strings[] = {
		{ "", "\"\"" },
		{ "a b/c", "\"a b/c\"" },
		{ "say \"no\"", "\"say \\\"no\\\"\"" },
		{ "C:\\x", "\"C:\\\\x\"" },
		{ "\t\n\x01\x7f", "\"\\u0009\\u000a\\u0001\\u007f\"" },
		{ "K\xc3\xa4se", "\"K\xc3\xa4se\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		char *text = written(strings[i].is);

		assert_string_equal(text, strings[i].becomes);
		xfree(text);
	}
}

static void every_byte_is_read_back(void **state)
{
	char all[256], err[ERR_MAX] = "", *text, *back;
	struct json p = { .name = "all", .err = err };

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = 0;
	text = written(all);
	p.text = text;
	p.n = strlen(text);
	back = json_string(&p);
	assert_string_equal(err, "");
	assert_string_equal(back, all);
	assert_int_equal(p.at, p.n);
	xfree(back);
	xfree(text);
}

/* Any value is passed over whole; what is none is an error at its place. */
static void values_are_passed_over(void **state)
{
	static const char *const good[] = { "1", "-1.5e+3", "true", "null", "\"a\\\"]}\"", "[]",
		"{}", "[1, [\"]\"], {\"a\": [null, {}]}]", "{\"a\":{\"b\":[1,2]},\"c\":\"}\"}" };
	static const char *const bad[] = { "", "]", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "\"a",
		"[1}" };
	char err[ERR_MAX] = "", deep[200];
	struct json p = { .name = "x", .err = err };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char *text = xasprintf(" %s,", good[i]);

		p.text = text, p.n = strlen(text), p.at = 0;
		assert_int_equal(json_skip(&p), 0);
		assert_int_equal(p.at, p.n - 1);
		xfree(text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		p.text = bad[i], p.n = strlen(bad[i]), p.at = 0;
		assert_int_equal(json_skip(&p), -1);
		assert_says(err, "byte");
	}
	memset(deep, '[', sizeof deep);
	p.text = deep, p.n = sizeof deep, p.at = 0;
	assert_int_equal(json_skip(&p), -1);
	assert_says(err, "deep");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(strings_are_quoted),
	cmocka_unit_test(every_byte_is_read_back),
	cmocka_unit_test(values_are_passed_over),
};
TEST_MAIN(cases)
