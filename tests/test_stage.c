/* Copies on a disk of the host: whole or absent, used again, made again where damaged. */
#include "test.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/stage_copy.h"
#include "data_fixture.h"
#include "stage_fixture.h"

static char err[ERR_MAX];

static void copies_are_whole_and_gone_at_the_end(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	struct stage *s;
	char *folder;

	(void)state;
	staged_source(source);
	s = staged_open(dir, source);
	folder = xstrdup(stage_folder_path(s));
	assert_int_equal(stage_totals(s).bytes, staged_bytes());
	assert_int_equal(stage_totals(s).missing, staged_bytes());
	assert_null(stage_path(s, 0));
	staged_finish(s, source);
	assert_int_equal(stage_totals(s).reused, 0);
	assert_int_equal(staged_count(folder, "shard-"), 2 * STAGED_FILES);
	stage_close(s);
	assert_int_equal(staged_count(dir, ""), 0);
	xfree(folder);
}

static void a_second_user_finds_them_and_the_last_removes_them(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	struct stage *a, *b;

	(void)state;
	staged_source(source);
	a = staged_open(dir, source);
	staged_finish(a, source);
	b = staged_open(dir, source);
	assert_string_equal(stage_folder_path(a), stage_folder_path(b));
	assert_true(stage_folder_number(a) == stage_folder_number(b));
	assert_int_equal(stage_totals(b).missing, 0);
	stage_close(a);
	staged_finish(b, source);
	assert_int_equal(stage_totals(b).reused, STAGED_FILES);
	stage_close(b);
	assert_int_equal(staged_count(dir, ""), 0);
}

static void other_data_has_another_folder(void **state)
{
	const char *one = test_folder(), *two = test_folder(), *dir = test_folder();
	struct stage *a, *b;

	(void)state;
	staged_source(one);
	staged_source(two);
	a = staged_open(dir, one);
	b = staged_open(dir, two);
	assert_string_not_equal(stage_folder_path(a), stage_folder_path(b));
	assert_true(stage_folder_number(a) != stage_folder_number(b));
	stage_close(b);
	assert_int_equal(file_write_atomic(test_path(one, "index.json"), "other", 5, err), 0);
	b = staged_open(dir, one);
	assert_string_not_equal(stage_folder_path(a), stage_folder_path(b));
	stage_close(a);
	stage_close(b);
	assert_int_equal(staged_count(dir, ""), 0);
}

static void what_a_killed_process_finished_is_used_again(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	char folder[512];
	struct stage *s;

	(void)state;
	staged_source(source);
	staged_killed(dir, source, -1, folder);
	assert_int_equal(staged_count(folder, "shard-"), 2 * STAGED_FILES);
	s = staged_open(dir, source);
	assert_string_equal(stage_folder_path(s), folder);
	assert_int_equal(stage_totals(s).missing, 0);
	staged_finish(s, source);
	assert_int_equal(stage_totals(s).reused, STAGED_FILES);
	stage_close(s);
	assert_int_equal(staged_count(dir, ""), 0);
}

/* Killed after each number of blocks there is: whatever has its final name is whole. */
static void a_kill_in_the_middle_leaves_nothing_half(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	int unfinished = 0;

	(void)state;
	staged_source(source);
	for (int blocks = 1; blocks < 20; blocks++) {
		char folder[512];
		struct stage *s;

		staged_killed(dir, source, blocks, folder);
		unfinished += staged_count(folder, ".tmp-");
		for (int i = 0; i < STAGED_FILES; i++) {
			const char *copy = staged_original(folder, i);

			if (file_exists(copy))
				assert_true(staged_same(copy, staged_original(source, i)));
		}
		s = staged_open(dir, source);
		assert_int_equal(staged_count(folder, ".tmp-"), 0);
		staged_finish(s, source);
		stage_close(s);
	}
	assert_true(unfinished > 5); /* else nothing was interrupted */
	assert_int_equal(staged_count(dir, ""), 0);
}

/* damage: what is done to the copies in folder, or to the source, after a process that was killed
 */
static void made_again(const char *source, const char *dir,
	void (*damage)(const char *folder, const char *source), int reused)
{
	char folder[512];
	struct stage *s;

	staged_killed(dir, source, -1, folder);
	damage(folder, source);
	s = staged_open(dir, source);
	assert_string_equal(stage_folder_path(s), folder);
	staged_finish(s, source);
	assert_int_equal(stage_totals(s).reused, reused);
	stage_close(s);
}

static void flip(const char *folder, const char *source)
{
	(void)source;
	fixture_flip(staged_original(folder, 2), 77);
}

static void cut(const char *folder, const char *source)
{
	(void)source;
	fixture_truncate(staged_original(folder, 2), 77);
}

static void lose_record(const char *folder, const char *source)
{
	(void)source;
	assert_int_equal(unlink(test_path(folder, "shard-00002.h5.sum")), 0);
}

static void spoil_record(const char *folder, const char *source)
{
	(void)source;
	assert_int_equal(
		file_write_atomic(test_path(folder, "shard-00002.h5.sum"), "?\n", 2, err), 0);
}

static void change_original(const char *folder, const char *source)
{
	(void)folder;
	fixture_flip(staged_original(source, 2), 77);
}

static void damaged_copies_are_made_again(void **state)
{
	void (*const damages[])(const char *folder, const char *source) = { flip, cut, lose_record,
		spoil_record, change_original };
	const char *source = test_folder(), *dir = test_folder();

	(void)state;
	staged_source(source);
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
		made_again(source, dir, damages[i], STAGED_FILES - 1);
	assert_int_equal(staged_count(dir, ""), 0);
}

/* An original that ends early is not taken for a whole one. */
static void an_original_that_is_cut_meanwhile_is_named(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	struct stage *s;

	(void)state;
	staged_source(source);
	s = staged_open(dir, source);
	fixture_truncate(staged_original(source, 3), STAGE_BLOCK + 5);
	while (stage_work(s, 0, err) == 1)
		;
	assert_says(err, "shard-00003.h5");
	assert_says(err, "changed");
	assert_null(stage_path(s, 3));
	stage_close(s);
	assert_int_equal(staged_count(dir, ""), 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(copies_are_whole_and_gone_at_the_end),
	cmocka_unit_test(a_second_user_finds_them_and_the_last_removes_them),
	cmocka_unit_test(other_data_has_another_folder),
	cmocka_unit_test(what_a_killed_process_finished_is_used_again),
	cmocka_unit_test(a_kill_in_the_middle_leaves_nothing_half),
	cmocka_unit_test(damaged_copies_are_made_again),
	cmocka_unit_test(an_original_that_is_cut_meanwhile_is_named),
};
TEST_MAIN(cases)
