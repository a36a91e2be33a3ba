/* What pack keeps on disk to go on from: the journal and the spools. */
#include "test.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/file.h"
#include "base/memory.h"
#include "pack_journal.h"
#include "pack_spool.h"

static const struct journal_entry entries[] = {
	{ JOURNAL_ACCEPTED, 0xdeadbeef, 7, { 10, 11, 12, 13, 14, 15, 16 }, "" },
	{ JOURNAL_REJECTED, 1, 0, { 0 }, "not a JPEG: two words" },
	{ JOURNAL_SYNCED, 0, 0, { 0 }, "" },
	{ JOURNAL_ACCEPTED, 2, 0xffffffff, { 4294967295u, 1, 65500, 1, 0, 0, 0 }, "" },
	{ JOURNAL_COMPLETE, 0, 0, { 0 }, "" },
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static const char *fresh_journal(void)
{
	const char *path = test_path(test_folder(), "journal");
	char err[ERR_MAX] = "";
	struct journal *j;
	int begun;

	unlink(path);
	j = journal_open(path, "name\tx\nshards\t3\n", &begun, err);
	assert_non_null(j);
	assert_true(begun);
	for (int i = 0; i < ENTRIES; i++)
		assert_int_equal(journal_append(j, &entries[i], err), 0);
	journal_close(j);
	return path;
}

static int count_entries(const char *path)
{
	char err[ERR_MAX];
	int begun, n = 0;
	struct journal *j = journal_open(path, "name\tx\nshards\t3\n", &begun, err);
	struct journal_entry e;

	assert_non_null(j);
	assert_false(begun);
	while (journal_next(j, &e)) {
		assert_int_equal(e.kind, entries[n].kind);
		assert_int_equal(e.key_crc, entries[n].key_crc);
		assert_int_equal(e.stamp, entries[n].stamp);
		assert_memory_equal(&e.record, &entries[n].record, sizeof e.record);
		assert_string_equal(e.reason, entries[n].reason);
		n++;
	}
	journal_close(j);
	return n;
}

static void a_journal_reads_back(void **state)
{
	(void)state;
	assert_int_equal(count_entries(fresh_journal()), ENTRIES);
}

static void a_torn_or_flipped_line_ends_the_journal(void **state)
{
	const char *path = fresh_journal();
	unsigned char *text;
	char err[ERR_MAX];
	size_t n, line = 0;

	(void)state;
	assert_int_equal(file_read_all(path, 1 << 20, &text, &n, err), 0);
	for (size_t i = 0; i + 1 < n; i++)
		line = text[i] == '\n' ? i + 1 : line;
	for (size_t cut = line; cut < n; cut++) { /* anywhere in the last line */
		assert_int_equal(truncate(path, (off_t)cut), 0);
		assert_int_equal(count_entries(path), ENTRIES - 1);
	}
	text[n / 2] ^= 1; /* in an entry in the middle: those before it stay */
	assert_int_equal(file_write_atomic(path, text, n, err), 0);
	assert_in_range(count_entries(path), 1, ENTRIES - 2);
	xfree(text);
}

static void what_was_cut_is_not_read_again(void **state)
{
	const char *path = fresh_journal();
	char err[ERR_MAX];
	int begun;
	struct journal *j = journal_open(path, "name\tx\nshards\t3\n", &begun, err);
	struct journal_entry e;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(journal_next(j, &e), 1);
	assert_int_equal(journal_cut(j, journal_place(j), err), 0);
	journal_rewind(j);
	for (int i = 0; i < 2; i++)
		assert_int_equal(journal_next(j, &e), 1);
	assert_int_equal(journal_next(j, &e), 0);
	assert_int_equal(journal_append(j, &entries[2], err), 0);
	journal_close(j);
	assert_int_equal(count_entries(path), 3);
}

static void another_call_is_refused(void **state)
{
	const char *path = fresh_journal();
	char err[ERR_MAX];
	int begun;
	struct journal *j;

	(void)state;
	assert_null(journal_open(path, "name\tx\nshards\t4\n", &begun, err));
	assert_says(err, "'shards\t3'");
	assert_says(err, "'shards\t4'");
	assert_null(journal_open(path, "name\tx\n", &begun, err));
	j = journal_open(path, "name\tx\nshards\t3\n", &begun, err);
	assert_non_null(j);
	assert_null(journal_open(path, "name\tx\nshards\t3\n", &begun, err));
	assert_says(err, "another pack");
	journal_close(j);
	assert_int_equal(file_write_atomic(path, "x", 1, err), 0);
	assert_null(journal_open(path, "name\tx\n", &begun, err));
}

static struct pack_record record_of(int i, uint8_t *bytes, uint8_t *mask)
{
	struct pack_record r = { .bytes = 100 + (uint32_t)i % 7, .mask_bytes = i % 3 == 0 ? 9 : 0 };

	memset(bytes, i, r.bytes);
	memset(mask, i + 1, r.mask_bytes);
	r.crc = crc32c(0, bytes, r.bytes);
	r.mask_crc = crc32c(0, mask, r.mask_bytes);
	return r;
}

/* 500 spools where 128 files may be open. */
static void more_spools_than_open_files_work(void **state)
{
	enum { SPOOLS = 500, RECORDS = 1100 };
	struct rlimit before, few;
	char err[ERR_MAX] = "";
	uint8_t bytes[128], mask[16], got[160];
	const char *folder = test_path(test_folder(), "spools");
	struct spool *s;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 128;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(file_make_folder(folder, err), 0);
	s = spool_open(folder, SPOOLS);
	for (int i = 0; i < RECORDS; i++) {
		struct pack_record r = record_of(i, bytes, mask);

		assert_int_equal(spool_append(s, i % SPOOLS, &r, bytes, mask, err), 0);
	}
	assert_int_equal(spool_sync(s, err), 0);
	for (int i = 0; i < SPOOLS; i++)
		spool_rewind(s, i);
	for (int i = 0; i < RECORDS; i++) {
		struct pack_record r = record_of(i, bytes, mask);

		assert_int_equal(spool_read(s, i % SPOOLS, &r, got, err), 0);
		assert_memory_equal(got, bytes, r.bytes);
		assert_memory_equal(got + r.bytes, mask, r.mask_bytes);
	}
	spool_close(s);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void a_damaged_or_short_spool_is_found(void **state)
{
	const char *folder = test_path(test_folder(), "damaged");
	char err[ERR_MAX] = "";
	uint8_t bytes[128], mask[16], got[160];
	struct pack_record r = record_of(0, bytes, mask), longer;
	struct spool *s;

	(void)state;
	assert_int_equal(file_make_folder(folder, err), 0);
	s = spool_open(folder, 1);
	assert_int_equal(spool_append(s, 0, &r, bytes, mask, err), 0);
	spool_rewind(s, 0);
	r.crc ^= 1;
	assert_int_equal(spool_read(s, 0, &r, got, err), -1);
	assert_says(err, "checksum");
	r.crc ^= 1;
	longer = r;
	longer.bytes++;
	assert_int_equal(spool_read(s, 0, &longer, got, err), -1);
	assert_says(err, "cut off");
	assert_int_equal(spool_read(s, 0, &r, got, err), 0); /* the faults did not move it on */
	spool_rewind(s, 0);
	spool_pass(s, 0, &longer);
	assert_int_equal(spool_cut(s, err), -1);
	assert_says(err, "shorter");
	spool_close(s);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_journal_reads_back),
	cmocka_unit_test(a_torn_or_flipped_line_ends_the_journal),
	cmocka_unit_test(what_was_cut_is_not_read_again),
	cmocka_unit_test(another_call_is_refused),
	cmocka_unit_test(more_spools_than_open_files_work),
	cmocka_unit_test(a_damaged_or_short_spool_is_found),
};
TEST_MAIN(cases)
