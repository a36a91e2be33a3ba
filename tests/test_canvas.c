/* Text and pictures on a canvas: whole letters, nothing outside. */
#include "test.h"

#include <string.h>

#include "canvas.h"

static int ink(const struct canvas *c)
{
	int n = 0;

	for (int i = 0; i < c->width * c->height; i++)
		n += c->rgb[i * 3] == 0;
	return n;
}

static void text_is_drawn_in_whole_letters(void **state)
{
	struct canvas c;

	(void)state;
	assert_int_equal(canvas_text_width("", 1), 0);
	assert_int_equal(canvas_text_width("I", 1), 5);
	assert_int_equal(canvas_text_width("III", 2), 34);
	canvas_init(&c, 40, 20, 255);
	canvas_text(&c, 0, 0, "III", 16, 1,
		0); /* room for two of 5 with one between, not for a third of 5 */
	assert_int_equal(ink(&c), 2 * 11); /* an I is 3 + 5 + 3 pixels */
	canvas_fill(&c, 0, 0, 40, 20, 255);
	canvas_text(&c, 0, 0, "I", 40, 2, 0);
	assert_int_equal(ink(&c), 4 * 11);
	canvas_free(&c);
}

static void what_falls_outside_is_left_out(void **state)
{
	static const uint8_t white[3 * 3 * 3] = { 255 };
	struct canvas c;

	(void)state;
	canvas_init(&c, 9, 5, 255);
	canvas_fill(&c, -3, -3, 4, 4, 0);
	assert_int_equal(ink(&c), 1);
	canvas_text(&c, 7, 3, "W", 50, 1, 0);
	canvas_picture(&c, 8, 4, white, 3, 3, 2);
	canvas_free(&c);
}

static void every_letter_has_a_picture_of_its_own(void **state)
{
	uint8_t seen[95][7 * 9 * 3];
	struct canvas c;

	(void)state;
	canvas_init(&c, 7, 9, 255);
	for (int i = 0; i < 95; i++) {
		canvas_fill(&c, 0, 0, 7, 9, 255);
		canvas_text(&c, 0, 0, (char[2]){ (char)(' ' + i), 0 }, 7, 1, 0);
		memcpy(seen[i], c.rgb, sizeof seen[i]);
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], sizeof seen[i]);
	}
	canvas_free(&c);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(text_is_drawn_in_whole_letters),
	cmocka_unit_test(what_falls_outside_is_left_out),
	cmocka_unit_test(every_letter_has_a_picture_of_its_own),
};
TEST_MAIN(cases)
