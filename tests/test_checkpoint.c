/* Checkpoints: bit for bit, every kind of fault by its message, the newest valid one, what is kept,
 * and the thread that writes. */
#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "checkpoint_fixture.h"
#include "train/dump.h"

struct fixture {
	const char *run;
	struct params p;
	struct stats s;
	struct checkpoint c;
	char err[ERR_MAX];
};

static struct fixture open_fixture(void)
{
	struct fixture f = { .run = test_folder() };

	fixture_tables(&f.p, &f.s, 1);
	checkpoint_init(&f.c, &f.p, &f.s);
	assert_int_equal(file_make_folder(test_path(f.run, "checkpoints"), f.err), 0);
	return f;
}

static void close_fixture(struct fixture *f)
{
	checkpoint_free(&f->c);
	params_free(&f->p);
	stats_free(&f->s);
}

/* The path lives as long as the ring of test_path. */
static const char *path_of(const struct fixture *f, int64_t step)
{
	char name[64];

	snprintf(name, sizeof name, "checkpoints/step-%09" PRId64 ".h5", step);
	return test_path(f->run, name);
}

static void write_step(struct fixture *f, int64_t step)
{
	fixture_fill(&f->c, &f->p, &f->s, step);
	f->err[0] = 0;
	checkpoint_write(path_of(f, step), &f->c, &f->p, &f->s, f->err);
	assert_string_equal(f->err, "");
}

static int read_back(struct fixture *f, const char *path)
{
	return checkpoint_read(path, &f->c, &f->p, &f->s, f->err);
}

static void a_state_comes_back_bit_for_bit(void **state)
{
	struct fixture f = open_fixture();
	int64_t step = 0;
	char *config, *path;

	(void)state;
	write_step(&f, 1234);
	path = checkpoint_path(f.run, 1234);
	assert_string_equal(path, path_of(&f, 1234));
	checkpoint_free(&f.c);
	checkpoint_init(&f.c, &f.p, &f.s);
	assert_int_equal(read_back(&f, path), 0);
	assert_int_equal(f.c.step, 1234);
	assert_true(fixture_holds(&f.c, &f.p, &f.s));
	assert_int_equal(checkpoint_read_config(path, &config, &step, f.err), 0);
	assert_int_equal(step, 1234);
	assert_string_equal(config, "train:\n  batch: 128\n");
	assert_int_equal(checkpoint_verify(path, f.err), 0);
	xfree(config);
	xfree(path);
	close_fixture(&f);
}

/* ---- other networks ---- */

static void read_with(struct fixture *f, struct params *p, struct stats *s, const char *says)
{
	struct checkpoint c;

	checkpoint_init(&c, p, s);
	assert_int_equal(checkpoint_read(path_of(f, 1), &c, p, s, f->err), -1);
	assert_says(f->err, "step-000000001.h5: checkpoint of another network: ");
	assert_says(f->err, says);
	checkpoint_free(&c);
	params_free(p);
	stats_free(s);
}

static void another_network_is_told_by_its_first_tensor(void **state)
{
	struct fixture f = open_fixture();
	const int three = 3;
	struct params p;
	struct stats s;

	(void)state;
	write_step(&f, 1);
	fixture_tables(&p, &s, 2);
	read_with(&f, &p, &s,
		"/params/encoder.conv1.weight has the shape (4, 3, 3, 5) there and (8, 3, 3, 5) here");
	fixture_tables(&p, &s, 1);
	params_add(&p, "encoder.layer1.0.conv1.weight", 1, &three, 0, INIT_ZERO);
	read_with(&f, &p, &s, "/params/encoder.layer1.0.conv1.weight is missing");
	fixture_tables(&p, &s, 1);
	p.count--;
	read_with(&f, &p, &s, "/momentum/projector.linear1.weight is unknown here");
	fixture_tables(&p, &s, 1);
	s.table[0].channels = 3;
	read_with(&f, &p, &s, "/stats/encoder.bn1 has the shape (2, 4) there and (2, 3) here");
	fixture_tables(&p, &s, 1);
	stats_add(&s, "projector.bn1", 3);
	read_with(&f, &p, &s, "/stats/projector.bn1 is missing");
	close_fixture(&f);
}

/* ---- other and damaged files ---- */

static void write_meta(const char *path, const char *meta)
{
	struct dump *d = dump_open(path);
	char err[ERR_MAX];

	dump_array(d, "meta", DUMP_TEXT, meta, 0, NULL);
	dump_array(d, "config", DUMP_TEXT, "", 0, NULL);
	assert_int_equal(dump_close(d, err), 0);
}

static void files_that_are_no_checkpoint_are_told(void **state)
{
	static const struct {
		const char *meta, *says;
	} files[] = {
		{ "format_version 2\nstep 1\nprogram reliquary 7.1\n",
			"checkpoint of format version 2, this program reads version 1; use the one that wrote it: reliquary 7.1" },
		{ "format_version 0\n", "format version 0, this program reads version 1" },
		{ "", "/meta has no number 'format_version'" },
		{ "format_version one\n", "/meta has no number 'format_version'" },
		{ "format_version 1\nsteps 3\n", "/meta has no number 'step'" },
		{ "format_version 1\nstep 3\nstats_updates 3\n", "/meta has no number 'images'" },
	};
	struct fixture f = open_fixture();
	const char *path = path_of(&f, 1);
	char *config;
	int64_t step;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		write_meta(path, files[i].meta);
		assert_int_equal(read_back(&f, path), -1);
		assert_says(f.err, "step-000000001.h5: ");
		assert_says(f.err, files[i].says);
		assert_int_equal(checkpoint_verify(path, f.err), -1);
		assert_int_equal(checkpoint_read_config(path, &config, &step, f.err), -1);
		assert_null(config);
	}
	assert_int_equal(file_write_atomic(path, "not HDF5", 8, f.err), 0);
	assert_int_equal(read_back(&f, path), -1);
	assert_says(f.err, "step-000000001.h5: cannot be read as HDF5");
	config = f.err;
	assert_int_equal(checkpoint_read_config(path, &config, &step, f.err), -1);
	assert_null(config);
	assert_int_equal(read_back(&f, path_of(&f, 2)), -1);
	assert_says(f.err, "No such file or directory");
	close_fixture(&f);
}

/* Where the bytes of a value lie in a file. */
static size_t find_bytes(const unsigned char *bytes, size_t n, const void *what, size_t size)
{
	size_t i = 0;

	while (i + size <= n && memcmp(bytes + i, what, size) != 0)
		i++;
	assert_true(i + size <= n);
	return i;
}

static void damage(const char *path, const void *what, size_t size)
{
	unsigned char *bytes;
	char err[ERR_MAX];
	size_t n;

	assert_int_equal(file_read_all(path, 1 << 24, &bytes, &n, err), 0);
	bytes[find_bytes(bytes, n, what, size)] ^= 4;
	assert_int_equal(file_write_atomic(path, bytes, n, err), 0);
	xfree(bytes);
}

static void cut_short(const char *path)
{
	unsigned char *bytes;
	char err[ERR_MAX];
	size_t n;

	assert_int_equal(file_read_all(path, 1 << 24, &bytes, &n, err), 0);
	assert_int_equal(file_write_atomic(path, bytes, n / 2, err), 0);
	xfree(bytes);
}

static void a_flipped_bit_is_told_with_its_tensor(void **state)
{
	struct fixture f = open_fixture();

	(void)state;
	write_step(&f, 1);
	damage(path_of(&f, 1), f.c.momentum + f.p.table[3].offset, 16);
	assert_int_equal(read_back(&f, path_of(&f, 1)), -1);
	assert_says(f.err,
		"step-000000001.h5: /momentum/projector.linear1.weight is damaged: checksum ");
	write_step(&f, 2);
	damage(path_of(&f, 2), f.c.target_stats, 16);
	assert_int_equal(checkpoint_verify(path_of(&f, 2), f.err), -1);
	assert_says(f.err, "/target_stats/encoder.bn1 is damaged");
	write_step(&f, 3);
	damage(path_of(&f, 3), "stats_updates 12", 16);
	assert_int_equal(read_back(&f, path_of(&f, 3)), -1);
	assert_says(f.err, "/meta is damaged");
	write_step(&f, 4);
	damage(path_of(&f, 4), "batch: 128", 10);
	assert_int_equal(read_back(&f, path_of(&f, 4)), -1);
	assert_says(f.err, "/config is damaged");
	write_step(&f, 5);
	cut_short(path_of(&f, 5));
	assert_int_equal(read_back(&f, path_of(&f, 5)), -1);
	assert_says(f.err, "step-000000005.h5: cannot be read as HDF5 (cut short");
	close_fixture(&f);
}

/* ---- the folder ---- */

static void expect_latest(struct fixture *f, const char *of, const char *path)
{
	char *found = checkpoint_latest(of, f->err);

	assert_non_null(found);
	assert_string_equal(found, path);
	xfree(found);
}

static void latest_is_the_newest_valid(void **state)
{
	struct fixture f = open_fixture();
	const char *temporary = test_path(f.run, "checkpoints/step-000000099.h5.tmp-1");

	(void)state;
	assert_null(checkpoint_latest(f.run, f.err));
	assert_says(f.err, "no checkpoint in ");
	assert_null(checkpoint_latest(test_path(f.run, "none"), f.err));
	assert_says(f.err, "none: there is no such run or checkpoint");
	write_step(&f, 9);
	write_step(&f, 10);
	write_step(&f, 1000000000);
	assert_int_equal(file_write_atomic(temporary, "half", 4, f.err), 0);
	expect_latest(&f, f.run, path_of(&f, 1000000000));
	cut_short(path_of(&f, 1000000000));
	expect_latest(&f, f.run, path_of(&f, 10));
	damage(path_of(&f, 10), "stats_updates", 13);
	expect_latest(&f, f.run, path_of(&f, 9));
	expect_latest(&f, path_of(&f, 10), path_of(&f, 10));
	cut_short(path_of(&f, 9));
	assert_null(checkpoint_latest(f.run, f.err));
	assert_says(f.err, "none of its 3 checkpoints is valid");
	close_fixture(&f);
}

static void expect_steps(const struct fixture *f, const int *steps, int count, int upto)
{
	for (int k = 0, i = 0; k <= upto; k++) {
		int kept = i < count && steps[i] == k;

		assert_int_equal(file_exists(path_of(f, k)), kept);
		i += kept;
	}
}

static void pruning_keeps_what_it_should(void **state)
{
	static const int first[] = { 0, 4, 8, 9, 10 }, second[] = { 10 };
	struct fixture f = open_fixture();
	const char *temporary = test_path(f.run, "checkpoints/step-000000011.h5.tmp-1");
	const char *other = test_path(f.run, "checkpoints/notes.txt");

	(void)state;
	for (int k = 0; k <= 10; k++)
		write_step(&f, k);
	assert_int_equal(file_write_atomic(temporary, "half", 4, f.err), 0);
	assert_int_equal(file_write_atomic(other, "mine", 4, f.err), 0);
	checkpoint_prune(f.run, 2, 4);
	expect_steps(&f, first, 5, 10);
	assert_false(file_exists(temporary));
	assert_true(file_exists(other));
	checkpoint_prune(f.run, 0, 0);
	expect_steps(&f, second, 1, 10);
	close_fixture(&f);
}

/* ---- the thread that writes ---- */

static void the_writer_writes_copies(void **state)
{
	static const int kept[] = { 5, 9, 10 };
	struct fixture f = open_fixture();
	struct checkpoint_writer *w = checkpoint_writer_open(f.run, &f.p, &f.s, 2, 5);

	(void)state;
	for (int k = 1; k <= 10; k++) {
		fixture_fill(&f.c, &f.p, &f.s, k);
		assert_int_equal(checkpoint_writer_submit(w, &f.c, f.err), 0);
		/* the writer has its own copy */
		fixture_fill(&f.c, &f.p, &f.s, 77);
	}
	assert_int_equal(checkpoint_writer_close(w, f.err), 0);
	expect_steps(&f, kept, 3, 11);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read_back(&f, path_of(&f, kept[i])), 0);
		assert_int_equal(f.c.step, kept[i]);
		assert_true(fixture_holds(&f.c, &f.p, &f.s));
	}
	close_fixture(&f);
}

static void a_long_configuration_fits(void **state)
{
	struct fixture f = open_fixture();
	struct checkpoint_writer *w = checkpoint_writer_open(f.run, &f.p, &f.s, 2, 0);
	char *config = xmalloc(100001);
	int64_t step;

	(void)state;
	memset(config, 'x', 100000);
	config[100000] = 0;
	f.c.config = config;
	fixture_fill(&f.c, &f.p, &f.s, 1);
	assert_int_equal(checkpoint_writer_submit(w, &f.c, f.err), 0);
	assert_int_equal(checkpoint_writer_close(w, f.err), 0);
	assert_int_equal(checkpoint_read_config(path_of(&f, 1), &config, &step, f.err), 0);
	assert_string_equal(config, f.c.config);
	xfree(config);
	close_fixture(&f);
}

static void a_failed_write_is_told_once(void **state)
{
	struct fixture f = open_fixture();
	struct checkpoint_writer *w =
		checkpoint_writer_open(test_path(f.run, "gone"), &f.p, &f.s, 2, 0);

	(void)state;
	fixture_fill(&f.c, &f.p, &f.s, 1);
	assert_int_equal(checkpoint_writer_submit(w, &f.c, f.err), 0);
	assert_int_equal(checkpoint_writer_submit(w, &f.c, f.err), -1);
	assert_says(f.err,
		"gone/checkpoints/step-000000001.h5: cannot create it: No such file or directory");
	assert_int_equal(checkpoint_writer_submit(w, &f.c, f.err), 0);
	assert_int_equal(checkpoint_writer_close(w, f.err), -1);
	assert_says(f.err, "gone/checkpoints/step-000000001.h5");
	close_fixture(&f);
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
		if (checkpoint_writer_submit(w, &c, err) != 0)
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
	cmocka_unit_test(a_state_comes_back_bit_for_bit),
	cmocka_unit_test(another_network_is_told_by_its_first_tensor),
	cmocka_unit_test(files_that_are_no_checkpoint_are_told),
	cmocka_unit_test(a_flipped_bit_is_told_with_its_tensor),
	cmocka_unit_test(latest_is_the_newest_valid),
	cmocka_unit_test(pruning_keeps_what_it_should),
	cmocka_unit_test(the_writer_writes_copies),
	cmocka_unit_test(a_long_configuration_fits),
	cmocka_unit_test(a_failed_write_is_told_once),
	cmocka_unit_test(a_full_disk_costs_nothing_written),
};
TEST_MAIN(cases)
