/* The checkpoints of a run: the newest valid one, which are kept, and the thread that writes. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "checkpoint_fixture.h"

/* ---- the folder ---- */

static void expect_latest(struct checkpoint_place *f, const char *of, const char *path)
{
	char *found = checkpoint_latest(of, f->err);

	assert_non_null(found);
	assert_string_equal(found, path);
	xfree(found);
}

static void latest_is_the_newest_valid(void **state)
{
	struct checkpoint_place f = fixture_open();
	const char *temporary = test_path(f.run, "checkpoints/step-000000099.h5.tmp-1");

	(void)state;
	assert_null(checkpoint_latest(f.run, f.err));
	assert_says(f.err, "no checkpoint in ");
	assert_null(checkpoint_latest(test_path(f.run, "none"), f.err));
	assert_says(f.err, "none: there is no such run or checkpoint");
	fixture_write(&f, 9);
	fixture_write(&f, 10);
	fixture_write(&f, 1000000000);
	assert_int_equal(file_write_atomic(temporary, "half", 4, f.err), 0);
	expect_latest(&f, f.run, fixture_path(&f, 1000000000));
	fixture_cut(fixture_path(&f, 1000000000));
	expect_latest(&f, f.run, fixture_path(&f, 10));
	fixture_damage(fixture_path(&f, 10), "stats_updates", 13);
	expect_latest(&f, f.run, fixture_path(&f, 9));
	expect_latest(&f, fixture_path(&f, 10), fixture_path(&f, 10));
	fixture_cut(fixture_path(&f, 9));
	assert_null(checkpoint_latest(f.run, f.err));
	assert_says(f.err, "none of its 3 checkpoints is valid");
	fixture_close(&f);
}

static void expect_steps(const struct checkpoint_place *f, const int *steps, int count, int upto)
{
	for (int k = 0, i = 0; k <= upto; k++) {
		int kept = i < count && steps[i] == k;

		assert_int_equal(file_exists(fixture_path(f, k)), kept);
		i += kept;
	}
}

/* The same list, as the folder gives it. */
static void expect_list(const struct checkpoint_place *f, const int *steps, int count)
{
	struct checkpoint_file *list;

	assert_int_equal(checkpoint_list(&list, f->run), count);
	for (int i = 0; i < count; i++) {
		assert_int_equal(list[i].step, steps[i]);
		assert_true(list[i].bytes > 1000 && list[i].written > 0);
	}
	xfree(list);
}

static void pruning_keeps_what_it_should(void **state)
{
	static const int first[] = { 0, 4, 8, 9, 10 }, second[] = { 10 };
	struct checkpoint_place f = fixture_open();
	const char *temporary = test_path(f.run, "checkpoints/step-000000011.h5.tmp-1");
	const char *other = test_path(f.run, "checkpoints/notes.txt");

	(void)state;
	for (int k = 0; k <= 10; k++)
		fixture_write(&f, k);
	assert_int_equal(file_write_atomic(temporary, "half", 4, f.err), 0);
	assert_int_equal(file_write_atomic(other, "mine", 4, f.err), 0);
	checkpoint_prune(f.run, 2, 4);
	expect_steps(&f, first, 5, 10);
	expect_list(&f, first, 5);
	assert_true(file_exists(temporary));
	assert_true(file_exists(other));
	checkpoint_prune(f.run, 0, 0);
	expect_steps(&f, second, 1, 10);
	expect_list(&f, second, 1);
	fixture_close(&f);
}

/* ---- the thread that writes ---- */

static void the_writer_writes_copies(void **state)
{
	static const int kept[] = { 5, 9, 10 };
	struct checkpoint_place f = fixture_open();
	struct checkpoint_writer *w = checkpoint_writer_open(f.run, &f.p, &f.s, 2, 5);

	(void)state;
	for (int k = 1; k <= 10; k++) {
		fixture_fill(&f.c, &f.p, &f.s, k);
		assert_int_equal(fixture_submit(w, &f.c, &f.p, &f.s, f.err), 0);
		/* the writer has its own copy */
		fixture_fill(&f.c, &f.p, &f.s, 77);
	}
	assert_int_equal(checkpoint_writer_close(w, f.err), 0);
	expect_steps(&f, kept, 3, 11);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fixture_read(&f, fixture_path(&f, kept[i])), 0);
		assert_int_equal(f.c.step, kept[i]);
		assert_true(fixture_holds(&f.c, &f.p, &f.s));
	}
	fixture_close(&f);
}

static void a_long_configuration_fits(void **state)
{
	struct checkpoint_place f = fixture_open();
	struct checkpoint_writer *w = checkpoint_writer_open(f.run, &f.p, &f.s, 2, 0);
	char *config = xmalloc(100001);
	int64_t step;

	(void)state;
	memset(config, 'x', 100000);
	config[100000] = 0;
	f.c.config = config;
	fixture_fill(&f.c, &f.p, &f.s, 1);
	assert_int_equal(fixture_submit(w, &f.c, &f.p, &f.s, f.err), 0);
	assert_int_equal(checkpoint_writer_close(w, f.err), 0);
	assert_int_equal(checkpoint_read_config(fixture_path(&f, 1), &config, &step, f.err), 0);
	assert_string_equal(config, f.c.config);
	xfree(config);
	fixture_close(&f);
}

static void a_failed_write_is_told_once(void **state)
{
	struct checkpoint_place f = fixture_open();
	struct checkpoint_writer *w =
		checkpoint_writer_open(test_path(f.run, "gone"), &f.p, &f.s, 2, 0);

	(void)state;
	fixture_fill(&f.c, &f.p, &f.s, 1);
	assert_int_equal(fixture_submit(w, &f.c, &f.p, &f.s, f.err), 0);
	assert_int_equal(fixture_submit(w, &f.c, &f.p, &f.s, f.err), -1);
	assert_says(f.err,
		"gone/checkpoints/step-000000001.h5: cannot create it: No such file or directory");
	assert_int_equal(fixture_submit(w, &f.c, &f.p, &f.s, f.err), 0);
	assert_int_equal(checkpoint_writer_close(w, f.err), -1);
	assert_says(f.err, "gone/checkpoints/step-000000001.h5");
	fixture_close(&f);
}

/* Write until the disk is full; what was there stays the newest, and nothing half written stays. */
static void fill_disk(const char *run, const char *reason)
{
	struct checkpoint_writer *w;
	struct checkpoint c;
	struct params p;
	struct stats s;
	char err[ERR_MAX] = "", late[ERR_MAX], name[64], *path;
	int step = 1;

	assert_int_equal(file_make_folder(test_path(run, "checkpoints"), err), 0);
	fixture_tables(&p, &s, 20); /* about 60 kB */
	checkpoint_init(&c, &p, &s);
	w = checkpoint_writer_open(run, &p, &s, 1000, 0);
	for (; step < 100; step++) {
		fixture_fill(&c, &p, &s, step);
		if (fixture_submit(w, &c, &p, &s, err) != 0)
			break;
	}
	assert_int_equal(checkpoint_writer_close(w, late), 0);
	assert_says(err, reason);
	assert_true(step > 2 && step < 100);
	path = checkpoint_latest(run, err);
	assert_non_null(path);
	assert_int_equal(checkpoint_read(path, &c, &p, &s, err), 0);
	/* the submit of this step told that the write of the one before it failed */
	assert_int_equal(c.step, step - 2);
	assert_true(fixture_holds(&c, &p, &s));
	snprintf(name, sizeof name, "checkpoints/step-%09d.h5.tmp-%ld", step - 1, (long)getpid());
	assert_false(file_exists(test_path(run, name)));
	xfree(path);
	checkpoint_free(&c);
	params_free(&p);
	stats_free(&s);
}

static void a_full_disk_costs_nothing_written(void **state)
{
	const char *run = test_folder();
	char command[256];

	(void)state;
	snprintf(
		command, sizeof command, "mount -t tmpfs -o size=400k tmpfs '%s' 2>/dev/null", run);
	if (system(command) != 0) {
		print_message("# a small file system cannot be mounted here (needs root)\n");
		skip();
	}
	fill_disk(run, "No space left on device");
	snprintf(command, sizeof command, "umount -l '%s'", run);
	assert_int_equal(system(command), 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(latest_is_the_newest_valid),
	cmocka_unit_test(pruning_keeps_what_it_should),
	cmocka_unit_test(the_writer_writes_copies),
	cmocka_unit_test(a_long_configuration_fits),
	cmocka_unit_test(a_failed_write_is_told_once),
	cmocka_unit_test(a_full_disk_costs_nothing_written),
};
TEST_MAIN(cases)
