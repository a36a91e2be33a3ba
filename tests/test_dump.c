/* Files of named arrays: what comes back, what is noticed, and that nothing half written stays. */
#include "test.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "train/dump.h"

static const float floats[2][3] = { { 1.5f, -0.0f, 3e38f }, { 1e-45f, NAN, INFINITY } };
static const double doubles[2] = { 0.1, -1e300 };
static const int32_t words[3] = { -1, 0, INT32_MAX };
static const int64_t longs[1] = { INT64_MIN };
static const char text[] = "views: {large: 4}\n\xc3\xa9\n";

static void write_sample(const char *path)
{
	const size_t two_three[2] = { 2, 3 }, two = 2, three = 3, none[2] = { 0, 5 };
	struct dump *d = dump_open(path);
	char err[ERR_MAX] = "";

	dump_array(d, "before/params/encoder.bn1.bias", DUMP_FLOAT, floats, 2, two_three);
	dump_array(d, "loss", DUMP_DOUBLE, doubles, 1, &two);
	dump_array(d, "candidates", DUMP_INT32, words, 1, &three);
	dump_array(d, "step", DUMP_INT64, longs, 0, NULL);
	dump_array(d, "empty", DUMP_FLOAT, NULL, 2, none);
	dump_array(d, "config", DUMP_TEXT, text, 0, NULL);
	dump_array(d, "no_text", DUMP_TEXT, "", 0, NULL);
	dump_close(d, err);
	assert_string_equal(err, "");
}

static void check_array(const struct dump_reader *r, const char *name, enum dump_type type,
	const void *data, size_t bytes)
{
	unsigned char *back = xcalloc(bytes + 1, 1);
	struct dump_info info;
	char err[ERR_MAX];

	assert_true(dump_reader_has(r, name));
	assert_int_equal(dump_reader_info(r, name, &info, err), 0);
	assert_int_equal(info.type, type);
	assert_int_equal(info.bytes, bytes);
	assert_int_equal(dump_reader_read(r, name, back, bytes, err), 0);
	if (bytes > 0)
		assert_memory_equal(back, data, bytes);
	xfree(back);
}

static void arrays_come_back_bit_for_bit(void **state)
{
	const char *path = test_path(test_folder(), "a.h5");
	struct dump_reader *r;
	struct dump_info info;
	char err[ERR_MAX], *back;

	(void)state;
	write_sample(path);
	r = dump_reader_open(path, err);
	assert_non_null(r);
	check_array(r, "before/params/encoder.bn1.bias", DUMP_FLOAT, floats, sizeof floats);
	check_array(r, "loss", DUMP_DOUBLE, doubles, sizeof doubles);
	check_array(r, "candidates", DUMP_INT32, words, sizeof words);
	check_array(r, "step", DUMP_INT64, longs, sizeof longs);
	check_array(r, "empty", DUMP_FLOAT, NULL, 0);
	check_array(r, "config", DUMP_TEXT, text, sizeof text);
	assert_int_equal(dump_reader_info(r, "before/params/encoder.bn1.bias", &info, err), 0);
	assert_int_equal(info.dims, 2);
	assert_int_equal(info.shape[0], 2);
	assert_int_equal(info.shape[1], 3);
	back = dump_reader_text(r, "config", err);
	assert_string_equal(back, text);
	xfree(back);
	back = dump_reader_text(r, "no_text", err);
	assert_string_equal(back, "");
	xfree(back);
	assert_int_equal(dump_reader_verify(r, err), 0);
	dump_reader_close(r);
}

static int count_name(const char *name, void *arg)
{
	char *seen = arg;

	strcat(strcat(seen, name), " ");
	return 0;
}

static int stop_at_once(const char *name, void *arg)
{
	(void)name;
	++*(int *)arg;
	return 7;
}

static void the_walk_tells_every_array_in_order(void **state)
{
	const char *path = test_path(test_folder(), "a.h5");
	char err[ERR_MAX], seen[512] = "";
	struct dump_reader *r;
	int visits = 0;

	(void)state;
	write_sample(path);
	r = dump_reader_open(path, err);
	assert_int_equal(dump_reader_each(r, count_name, seen, err), 0);
	assert_string_equal(
		seen, "before/params/encoder.bn1.bias candidates config empty loss no_text step ");
	assert_int_equal(dump_reader_each(r, stop_at_once, &visits, err), 7);
	assert_int_equal(visits, 1);
	dump_reader_close(r);
}

static void what_is_not_there_is_said(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a.h5");
	struct dump_info info;
	struct dump_reader *r;
	char err[ERR_MAX];

	(void)state;
	assert_null(dump_reader_open(test_path(folder, "none.h5"), err));
	assert_says(err, "none.h5");
	assert_says(err, "No such file");
	write_sample(path);
	r = dump_reader_open(path, err);
	assert_false(dump_reader_has(r, "nothing"));
	assert_false(dump_reader_has(r, "nothing/at/all"));
	assert_false(dump_reader_has(r, "before")); /* a group */
	assert_false(dump_reader_has(r, ""));
	assert_int_equal(dump_reader_info(r, "before/params/x", &info, err), -1);
	assert_says(err, "a.h5: /before/params/x is missing");
	assert_int_equal(dump_reader_info(r, "before", &info, err), -1);
	assert_null(dump_reader_text(r, "loss", err));
	assert_says(err, "/loss is not a text");
	dump_reader_close(r);
}

/* Read everything back; 0 only if the file says what was written. */
static int same_content(const char *path)
{
	struct dump_reader *r;
	float back[2][3];
	char err[ERR_MAX], *config;
	int same = 0;

	r = dump_reader_open(path, err);
	if (!r)
		return 0;
	if (dump_reader_verify(r, err) == 0 &&
		dump_reader_has(r, "before/params/encoder.bn1.bias") &&
		dump_reader_read(r, "before/params/encoder.bn1.bias", back, sizeof back, err) ==
			0 &&
		(config = dump_reader_text(r, "config", err))) {
		same = memcmp(back, floats, sizeof back) == 0 && strcmp(config, text) == 0 ? 1 : -1;
		xfree(config);
	}
	dump_reader_close(r);
	return same;
}

/* Any one byte changed: either noticed, or (unused space) without effect; never other content. */
static void damage_never_reads_as_other_content(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a.h5"),
		   *bad = test_path(folder, "bad.h5");
	struct rng rng = rng_at(5, RNG_DEMO, 0, 0, 0);
	unsigned char *bytes;
	char err[ERR_MAX];
	int noticed = 0;
	size_t n;

	(void)state;
	write_sample(path);
	assert_int_equal(file_read_all(path, 1 << 20, &bytes, &n, err), 0);
	for (int round = 0; round < 400; round++) {
		size_t at = rng_below(&rng, (uint32_t)n);
		unsigned char before = bytes[at];
		int same;

		bytes[at] ^= (unsigned char)(1 + rng_below(&rng, 255));
		assert_int_equal(file_write_atomic(bad, bytes, n, err), 0);
		same = same_content(bad);
		assert_true(same >= 0);
		noticed += same == 0;
		bytes[at] = before;
	}
	assert_true(noticed > 40);
	for (size_t cut = 0; cut < n; cut += 1 + n / 60) {
		assert_int_equal(file_write_atomic(bad, bytes, cut, err), 0);
		assert_int_equal(same_content(bad), 0);
	}
	xfree(bytes);
}

static int files_in(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void a_folder_that_is_not_there_is_said(void **state)
{
	const char *path = test_path(test_folder(), "no/such/a.h5");
	struct dump *d = dump_open(path);
	char err[ERR_MAX];

	(void)state;
	dump_array(d, "step", DUMP_INT64, longs, 0, NULL);
	assert_int_equal(dump_close(d, err), -1);
	assert_says(err, "no/such/a.h5");
	assert_says(err, "No such file or directory");
}

/* Write with no file allowed over `limit` bytes, which stands for a full disk and needs no rights.
 */
static int write_limited(const char *path, size_t limit, char err[ERR_MAX])
{
	const struct rlimit small = { limit, RLIM_INFINITY };
	const size_t many = 100000, three = 3;
	double *zeros = xcalloc(many, sizeof *zeros);
	struct rlimit before;
	struct dump *d;
	int rc;

	getrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	d = dump_open(path);
	dump_array(d, "candidates", DUMP_INT32, words, 1, &three);
	dump_array(d, "zeros", DUMP_DOUBLE, zeros, 1, &many);
	dump_array(d, "step", DUMP_INT64, longs, 0, NULL);
	rc = dump_close(d, err);
	setrlimit(RLIMIT_FSIZE, &before);
	xfree(zeros);
	return rc;
}

static void a_write_that_fails_leaves_nothing(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a.h5");
	int failed = 0, done = 0;
	char err[ERR_MAX];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (size_t limit = 100; limit < 1000000; limit += limit / 8 + 1) {
		if (write_limited(path, limit, err) == 0) {
			assert_int_equal(files_in(folder), 1);
			assert_int_equal(unlink(path), 0);
			done++;
			continue;
		}
		failed++;
		assert_says(err, "a.h5: cannot ");
		assert_says(err, "File too large");
		assert_int_equal(files_in(folder), 0);
	}
	assert_true(failed > 30 && done > 0);
	assert_int_equal(write_limited(path, 200000, err), -1);
	assert_says(err, "a.h5: cannot write /zeros: File too large");
	/* and the library is none the worse for it */
	write_sample(path);
	assert_int_equal(same_content(path), 1);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(arrays_come_back_bit_for_bit),
	cmocka_unit_test(the_walk_tells_every_array_in_order),
	cmocka_unit_test(what_is_not_there_is_said),
	cmocka_unit_test(damage_never_reads_as_other_content),
	cmocka_unit_test(a_folder_that_is_not_there_is_said),
	cmocka_unit_test(a_write_that_fails_leaves_nothing),
};
TEST_MAIN(cases)
