/* A checkpoint: bit for bit, and every kind of fault by its message. */
#include "test.h"

#include "base/file.h"
#include "base/memory.h"
#include "checkpoint_fixture.h"
#include "train/dump.h"

static void a_state_comes_back_bit_for_bit(void **state)
{
	struct checkpoint_place f = fixture_open();
	int64_t step = 0;
	char *config, *path;

	(void)state;
	fixture_write(&f, 1234);
	path = checkpoint_path(f.run, 1234);
	assert_string_equal(path, fixture_path(&f, 1234));
	checkpoint_free(&f.c);
	checkpoint_init(&f.c, &f.p, &f.s);
	assert_int_equal(fixture_read(&f, path), 0);
	assert_int_equal(f.c.step, 1234);
	assert_true(fixture_holds(&f.c, &f.p, &f.s));
	assert_int_equal(checkpoint_read_config(path, &config, &step, f.err), 0);
	assert_int_equal(step, 1234);
	assert_string_equal(config, "train:\n  batch: 128\n");
	assert_int_equal(checkpoint_verify(path, f.err), 0);
	xfree(config);
	xfree(path);
	fixture_close(&f);
}

/* ---- other networks ---- */

static void read_with(
	struct checkpoint_place *f, struct params *p, struct stats *s, const char *says)
{
	struct checkpoint c;

	checkpoint_init(&c, p, s);
	assert_int_equal(checkpoint_read(fixture_path(f, 1), &c, p, s, f->err), -1);
	assert_says(f->err, "step-000000001.h5: checkpoint of another network: ");
	assert_says(f->err, says);
	checkpoint_free(&c);
	params_free(p);
	stats_free(s);
}

static void another_network_is_told_by_its_first_tensor(void **state)
{
	struct checkpoint_place f = fixture_open();
	const int three = 3;
	struct params p;
	struct stats s;

	(void)state;
	fixture_write(&f, 1);
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
	fixture_close(&f);
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
	struct checkpoint_place f = fixture_open();
	const char *path = fixture_path(&f, 1);
	char *config;
	int64_t step;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		write_meta(path, files[i].meta);
		assert_int_equal(fixture_read(&f, path), -1);
		assert_says(f.err, "step-000000001.h5: ");
		assert_says(f.err, files[i].says);
		assert_int_equal(checkpoint_verify(path, f.err), -1);
		assert_int_equal(checkpoint_read_config(path, &config, &step, f.err), -1);
		assert_null(config);
	}
	assert_int_equal(file_write_atomic(path, "not HDF5", 8, f.err), 0);
	assert_int_equal(fixture_read(&f, path), -1);
	assert_says(f.err, "step-000000001.h5: cannot be read as HDF5");
	config = f.err;
	assert_int_equal(checkpoint_read_config(path, &config, &step, f.err), -1);
	assert_null(config);
	assert_int_equal(fixture_read(&f, fixture_path(&f, 2)), -1);
	assert_says(f.err, "No such file or directory");
	fixture_close(&f);
}

static void a_flipped_bit_is_told_with_its_tensor(void **state)
{
	struct checkpoint_place f = fixture_open();

	(void)state;
	fixture_write(&f, 1);
	fixture_damage(fixture_path(&f, 1), f.c.momentum + f.p.table[3].offset, 16);
	assert_int_equal(fixture_read(&f, fixture_path(&f, 1)), -1);
	assert_says(f.err,
		"step-000000001.h5: /momentum/projector.linear1.weight is damaged: checksum ");
	fixture_write(&f, 2);
	fixture_damage(fixture_path(&f, 2), f.c.target_stats, 16);
	assert_int_equal(checkpoint_verify(fixture_path(&f, 2), f.err), -1);
	assert_says(f.err, "/target_stats/encoder.bn1 is damaged");
	fixture_write(&f, 3);
	fixture_damage(fixture_path(&f, 3), "stats_updates 12", 16);
	assert_int_equal(fixture_read(&f, fixture_path(&f, 3)), -1);
	assert_says(f.err, "/meta is damaged");
	fixture_write(&f, 4);
	fixture_damage(fixture_path(&f, 4), "batch: 128", 10);
	assert_int_equal(fixture_read(&f, fixture_path(&f, 4)), -1);
	assert_says(f.err, "/config is damaged");
	fixture_write(&f, 5);
	fixture_cut(fixture_path(&f, 5));
	assert_int_equal(fixture_read(&f, fixture_path(&f, 5)), -1);
	assert_says(f.err, "step-000000005.h5: cannot be read as HDF5 (cut short");
	fixture_close(&f);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_state_comes_back_bit_for_bit),
	cmocka_unit_test(another_network_is_told_by_its_first_tensor),
	cmocka_unit_test(files_that_are_no_checkpoint_are_told),
	cmocka_unit_test(a_flipped_bit_is_told_with_its_tensor),
};
TEST_MAIN(cases)
