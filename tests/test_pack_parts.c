/* The parts of pack: numbered names, classes, tab-separated files, the pool of threads. */
#include "test.h"

#include <stdio.h>
#include <time.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "pack_classes.h"
#include "pack_names.h"
#include "pack_pool.h"
#include "pack_tsv.h"

static void names_keep_their_numbers(void **state)
{
	struct pack_names *n = names_open();
	enum { N = 5000 };
	char text[32];
	int added;

	(void)state;
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof text, "name/%d", i * 7919);
		assert_int_equal(names_add(n, text, &added), i);
		assert_true(added);
	}
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof text, "name/%d", i * 7919);
		assert_int_equal(names_add(n, text, &added), i);
		assert_false(added);
		assert_int_equal(names_find(n, text), i);
		assert_string_equal(names_get(n, (uint32_t)i), text);
	}
	assert_int_equal(names_find(n, "name/"), -1);
	assert_int_equal(names_add(n, "", NULL), N);
	assert_int_equal(names_count(n), N + 1);
	names_close(n);
}

static void names_as_classes_are_sorted(void **state)
{
	struct pack_classes *c = classes_open();
	struct pack_numbering n;
	int32_t *labels;

	(void)state;
	assert_int_equal(classes_parse(c, &labels, "zebra, ape ,,12"), 3);
	assert_int_equal(labels[0], 0);
	assert_int_equal(labels[2], 2);
	xfree(labels);
	assert_int_equal(classes_parse(c, &labels, ""), 0);
	assert_null(labels);
	n = classes_number(c);
	assert_int_equal(n.count, 3);
	assert_string_equal(n.names[0], "12");
	assert_string_equal(n.names[1], "ape");
	assert_string_equal(n.names[2], "zebra");
	assert_int_equal(n.final[0], 2);
	assert_int_equal(n.final[1], 1);
	assert_int_equal(n.final[2], 0);
	numbering_free(&n);
	classes_close(c);
}

static void numbers_are_their_own_classes(void **state)
{
	struct pack_classes *c = classes_open();
	struct pack_numbering n;
	int32_t *labels;

	(void)state;
	assert_int_equal(classes_parse(c, &labels, "11,3"), 2);
	n = classes_number(c);
	assert_int_equal(n.count, 12);
	assert_int_equal(n.final[labels[0]], 11);
	assert_int_equal(n.final[labels[1]], 3);
	assert_string_equal(n.names[7], "7");
	numbering_free(&n);
	xfree(labels);
	classes_add_folder(c, "2"); /* one folder makes all of them names: "11" < "2" < "3" */
	n = classes_number(c);
	assert_int_equal(n.count, 3);
	assert_int_equal(n.final[2], 1);
	numbering_free(&n);
	classes_close(c);
}

static void large_or_padded_numbers_are_names(void **state)
{
	static const char *const texts[] = { "1000000", "007", "-1", "4294967296" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct pack_classes *c = classes_open();
		struct pack_numbering n;
		int32_t *labels;

		assert_int_equal(classes_parse(c, &labels, texts[i]), 1);
		xfree(labels);
		n = classes_number(c);
		assert_int_equal(n.count, 1);
		assert_string_equal(n.names[0], texts[i]);
		numbering_free(&n);
		classes_close(c);
	}
}

static struct tsv open_text(const char *text, size_t n)
{
	const char *path = test_path(test_folder(), "list.tsv");
	char err[ERR_MAX];
	struct tsv t;

	assert_int_equal(file_write_atomic(path, text, n, err), 0);
	assert_int_equal(tsv_open(&t, path, err), 0);
	return t;
}

static void fields_are_split_at_tabs(void **state)
{
	static const char text[] = "a b\t1,2\r\n\n  \nc\nd\t\tm.png";
	struct tsv t = open_text(text, sizeof text - 1);
	char err[ERR_MAX];
	uint32_t crc;

	(void)state;
	assert_int_equal(tsv_next(&t, 3, err), 1);
	assert_string_equal(t.field[0], "a b");
	assert_string_equal(t.field[1], "1,2");
	assert_string_equal(t.field[2], "");
	assert_int_equal(tsv_next(&t, 3, err), 1);
	assert_string_equal(t.field[0], "c");
	assert_int_equal(t.number, 4);
	assert_int_equal(tsv_next(&t, 3, err), 1);
	assert_string_equal(t.field[1], "");
	assert_string_equal(t.field[2], "m.png");
	assert_int_equal(tsv_next(&t, 3, err), 0);
	crc = t.crc;
	assert_int_equal(crc, crc32c(0, text, sizeof text - 1));
	tsv_close(&t);
}

static void bad_lines_are_named(void **state)
{
	char err[ERR_MAX];
	struct tsv t = open_text("a\nb\t1\tm\tx\n", 10);

	(void)state;
	assert_int_equal(tsv_next(&t, 3, err), 1);
	assert_int_equal(tsv_next(&t, 3, err), -1);
	assert_says(err, "line 2");
	tsv_close(&t);
	t = open_text("\tlabel\n", 7);
	assert_int_equal(tsv_next(&t, 3, err), -1);
	assert_says(err, "empty");
	tsv_close(&t);
	t = open_text("a\0b\n", 4);
	assert_int_equal(tsv_next(&t, 3, err), -1);
	assert_says(err, "zero byte");
	tsv_close(&t);
	assert_int_equal(tsv_open(&t, test_path(test_folder(), "none"), err), -1);
	assert_int_equal(tsv_open(&t, test_folder(), err), -1);
}

static void slow_square(void *arg, void *job, int thread)
{
	long *n = job;
	const struct timespec pause = { .tv_nsec = (*n * 7 % 5) * 100000 };

	(void)arg, (void)thread;
	nanosleep(&pause, NULL);
	*n *= *n;
}

static void jobs_come_out_in_order(void **state)
{
	enum { N = 500 };
	long jobs[N];

	(void)state;
	for (int threads = 1; threads <= 4; threads++) {
		struct pool *p = pool_open(threads, 9, slow_square, NULL);
		int put = 0, taken = 0;

		for (int i = 0; i < N; i++)
			jobs[i] = i;
		while (taken < N) {
			long *job = NULL;

			if (put < N && !pool_full(p))
				pool_put(p, &jobs[put++]);
			else
				job = pool_take(p);
			if (!job && !pool_empty(p))
				job = pool_try(p);
			if (!job)
				continue;
			assert_ptr_equal(job, &jobs[taken]);
			assert_int_equal(*job, (long)taken * taken);
			taken++;
		}
		assert_true(pool_empty(p));
		pool_close(p);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(names_keep_their_numbers),
	cmocka_unit_test(names_as_classes_are_sorted),
	cmocka_unit_test(numbers_are_their_own_classes),
	cmocka_unit_test(large_or_padded_numbers_are_names),
	cmocka_unit_test(fields_are_split_at_tabs),
	cmocka_unit_test(bad_lines_are_named),
	cmocka_unit_test(jobs_come_out_in_order),
};
TEST_MAIN(cases)
