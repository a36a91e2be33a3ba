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

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(strings_are_quoted),
	cmocka_unit_test(every_byte_is_read_back),
};
TEST_MAIN(cases)
