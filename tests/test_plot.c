/* Curves as text: known ones, dot for dot. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/plot.h"

static char *drawn(
	const struct plot_point *points, size_t count, int columns, int rows, int braille)
{
	const struct plot_form form = { .columns = columns,
		.rows = rows,
		.braille = braille,
		.x_name = "step",
		.colour = "",
		.plain = "" };
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	plot_draw(f, points, count, &form);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void expect(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	xfree(text);
}

/* Down by half a row of dots a column: 15 columns of dots, 8 rows. */
static void a_line_downwards(void **state)
{
	struct plot_point p[15];

	(void)state;
	for (int i = 0; i < 15; i++)
		p[i] = (struct plot_point){ i, 14 - i };
	expect(drawn(p, 15, 24, 6, 0),
		"     14 +'..\n"
		"        |   ''..\n"
		"        |       ''..\n"
		"      0 +           ''..\n"
		"        +---------------\n"
		"         0   step 7   14\n");
}

/* A step in braille: 30 columns of dots, 16 rows; its two ends are joined. */
static void a_step_in_braille(void **state)
{
	struct plot_point p[30];

	(void)state;
	for (int i = 0; i < 30; i++)
		p[i] = (struct plot_point){ i, i < 15 ? 0 : 15 };
	expect(drawn(p, 30, 24, 6, 1),
		"     15 \u2524       \u28b8\u2809\u2809\u2809\u2809\u2809\u2809\u2809\n"
		"        \u2502       \u28b8\n"
		"        \u2502       \u28b8\n"
		"      0 \u2524\u28c0\u28c0\u28c0\u28c0\u28c0\u28c0\u28c0\u2878\n"
		"        \u2514\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\n"
		"         0   step 14  29\n");
}

/* Many points a column: their mean, in which noise of one size each way goes (up to one point of a
 * hundred); what is no number is left out and crossed. */
static void buckets_are_averaged(void **state)
{
	struct plot_point p[1500];
	char *text, *line;
	double top;

	(void)state;
	for (int i = 0; i < 1500; i++)
		p[i] = (struct plot_point){ i, (i < 750 ? 1 : 3) + (i % 2 ? 10 : -10) };
	for (int i = 300; i < 600; i++)
		p[i].y = NAN;
	text = line = drawn(p, 1500, 24, 6, 0);
	top = atof(text);
	for (int row = 0; row < 3; row++)
		line = strchr(line, '\n') + 1;
	assert_close(top, 3, 0.2);
	assert_close(atof(line), 1, 0.2);
	assert_int_equal(
		strspn(strchr(line, '+') + 1, ".'"), 8); /* the eighth, of both halves, rises */
	xfree(text);
}

/* A rise that lasts one column in a long curve is seen at its full height. */
static void a_rise_is_seen(void **state)
{
	struct plot_point p[600];
	char *text;
	size_t axis;

	(void)state;
	for (int i = 0; i < 600; i++)
		p[i] = (struct plot_point){ i, i >= 300 && i < 320 ? 9 : 1 };
	text = drawn(p, 600, 24, 6, 0);
	assert_true(atof(text) > 4);
	axis = strcspn(text, "+") + 1;
	assert_true(axis + strcspn(text + axis, "':") < strcspn(text, "\n"));
	xfree(text);
}

static void odd_curves(void **state)
{
	const struct plot_point constant[] = { { 1, 2 }, { 2, 2 } }, none[] = { { 1, NAN } };
	char *text;

	(void)state;
	expect(drawn(constant, 2, 24, 6, 0),
		"    2.2 +\n"
		"        |\n"
		"        |'''''''''''''''\n"
		"    1.8 +\n"
		"        +---------------\n"
		"         1   step 2    2\n");
	text = drawn(none, 1, 24, 6, 0);
	assert_says(text, "two lines");
	xfree(text);
	text = drawn(none, 0, 24, 6, 1);
	assert_says(text, "two lines");
	xfree(text);
	text = drawn(constant, 1, 3, 1, 1); /* too small: the least there is */
	assert_says(text, "two lines");
	xfree(text);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_line_downwards),
	cmocka_unit_test(a_step_in_braille),
	cmocka_unit_test(buckets_are_averaged),
	cmocka_unit_test(a_rise_is_seen),
	cmocka_unit_test(odd_curves),
};
TEST_MAIN(cases)
