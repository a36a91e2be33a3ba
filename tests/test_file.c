/* Files that are whole or absent. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

static int entries(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void what_is_written_is_read(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a");
	unsigned char *bytes;
	size_t n;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(file_write_atomic(path, "first", 5, err), 0);
	assert_int_equal(file_write_atomic(path, "ab\0cd", 5, err), 0);
	assert_int_equal(file_read_all(path, 5, &bytes, &n, err), 0);
	assert_int_equal(n, 5);
	assert_memory_equal(bytes, "ab\0cd\0", 6);
	xfree(bytes);
	assert_int_equal(entries(folder), 1);
	assert_int_equal(file_write_atomic(path, "", 0, err), 0);
	assert_int_equal(file_read_all(path, 5, &bytes, &n, err), 0);
	assert_int_equal(n, 0);
	xfree(bytes);
}

static void faults_name_the_file(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a");
	unsigned char *bytes;
	size_t n;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(file_read_all(path, 5, &bytes, &n, err), -1);
	assert_says(err, path);
	assert_says(err, "No such file");
	assert_int_equal(file_read_all(folder, 5, &bytes, &n, err), -1);
	assert_says(err, folder);
	assert_int_equal(file_write_atomic(path, "123456", 6, err), 0);
	assert_int_equal(file_read_all(path, 5, &bytes, &n, err), -1);
	assert_says(err, "6 bytes");
	assert_int_equal(file_write_atomic("/nowhere/a", "1", 1, err), -1);
	assert_says(err, "/nowhere/a");
	assert_int_equal(file_write_atomic(folder, "1", 1, err), -1); /* a folder is in the way */
	assert_int_equal(entries(folder), 1);
}

static void folders_are_made_with_their_parents(void **state)
{
	const char *folder = test_folder();
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(file_make_folder(test_path(folder, "a/b/c"), err), 0);
	assert_int_equal(file_make_folder(test_path(folder, "a/b/c"), err), 0);
	assert_int_equal(file_make_folder(test_path(folder, "a/b/d/"), err), 0);
	assert_true(file_exists(test_path(folder, "a/b/c")));
	assert_true(file_exists(test_path(folder, "a/b/d")));
	assert_false(file_exists(test_path(folder, "a/b/e")));
	assert_int_equal(file_write_atomic(test_path(folder, "f"), "1", 1, err), 0);
	assert_true(file_is_folder(test_path(folder, "a/b/d")));
	assert_false(file_is_folder(test_path(folder, "a/b/e")));
	assert_false(file_is_folder(test_path(folder, "f")));
	assert_int_equal(file_make_folder(test_path(folder, "f/g"), err), -1);
	assert_says(err, test_path(folder, "f"));
}

/* A disk without room, as far as the process can see: no file may grow beyond 1000 bytes. */
static int write_without_room(const char *path, char err[ERR_MAX])
{
	const struct rlimit limit = { 1000, 1000 };
	char bytes[5000] = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 0;
	return file_write_atomic(path, bytes, sizeof bytes, err);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a");
	unsigned char *bytes;
	size_t n;
	char err[ERR_MAX] = "";
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(file_write_atomic(path, "old", 3, err), 0);
	child = fork();
	if (child == 0)
		_exit(write_without_room(path, err) == -1 && strstr(err, path) ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(entries(folder), 1);
	assert_int_equal(file_read_all(path, 100, &bytes, &n, err), 0);
	assert_memory_equal(bytes, "old", 4);
	xfree(bytes);
}

/* Lines of very different lengths, by several programs at once. */
static void append_lines(const char *path, int of)
{
	char line[3000], err[ERR_MAX];

	for (int i = 0; i < 100; i++) {
		int n = 1 + (of * 977 + i * 131) % 2900;

		memset(line, 'a' + of, (size_t)n);
		line[n] = '\n';
		if (file_append_line(path, line, (size_t)n + 1, err) != 0)
			_exit(1);
	}
	_exit(0);
}

static void appended_lines_do_not_mix(void **state)
{
	enum { PROGRAMS = 4 };
	const char *path = test_path(test_folder(), "lines");
	int lines[PROGRAMS] = { 0 }, status;
	unsigned char *bytes;
	char err[ERR_MAX];
	size_t n;

	(void)state;
	for (int i = 0; i < PROGRAMS; i++)
		if (fork() == 0)
			append_lines(path, i);
	for (int i = 0; i < PROGRAMS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(file_read_all(path, 1 << 24, &bytes, &n, err), 0);
	for (size_t at = 0; at < n;) {
		size_t length = strcspn((char *)bytes + at, "\n"), of = bytes[at] - 'a';

		assert_true(of < PROGRAMS && length < n - at);
		for (size_t i = 0; i < length; i++)
			assert_int_equal(bytes[at + i], bytes[at]);
		lines[of]++;
		at += length + 1;
	}
	for (int i = 0; i < PROGRAMS; i++)
		assert_int_equal(lines[i], 100);
	xfree(bytes);
}

/* Another program holds the lock meanwhile: the append waits for its end. */
static void an_append_waits_for_its_turn(void **state)
{
	const char *path = test_path(test_folder(), "turns");
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int ready[2], status;
	char err[ERR_MAX] = "", byte;
	unsigned char *bytes;
	size_t n;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		int fd = open(path, O_RDWR | O_CREAT, 0666);

		if (fcntl(fd, F_SETLK, &all) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		usleep(300000);
		_exit(write(fd, "first\n", 6) == 6 ? 0 : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(file_append_line(path, "second\n", 7, err), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(file_read_all(path, 100, &bytes, &n, err), 0);
	assert_string_equal((char *)bytes, "first\nsecond\n");
	xfree(bytes);
	close(ready[0]);
	close(ready[1]);
}

/* Room for a part of the line: nothing of it stays. */
static void half_a_line_is_taken_back(void **state)
{
	const char *path = test_path(test_folder(), "full");
	unsigned char *bytes;
	char err[ERR_MAX] = "";
	size_t n;
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(file_append_line(path, "first\n", 6, err), 0);
	child = fork();
	if (child == 0) {
		const struct rlimit room = { 10, 10 };

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &room) != 0)
			_exit(2);
		_exit(file_append_line(path, "second\n", 7, err) == -1 && strstr(err, path) ? 0
											    : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(file_read_all(path, 100, &bytes, &n, err), 0);
	assert_string_equal((char *)bytes, "first\n");
	xfree(bytes);
}

static void what_the_killed_left_is_removed(void **state)
{
	static const char *const gone[] = { "a.h5.tmp-1", "a.tmp-4194304" },
				 *const kept[] = { "a.h5", "b.h5.tmp-1", "tmp-1" };
	const char *folder = test_folder();
	char err[ERR_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(file_write_atomic(test_path(folder, gone[i]), "half", 4, err), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(file_write_atomic(test_path(folder, kept[i]), "all", 3, err), 0);
	file_remove_temporaries(folder, "a");
	for (size_t i = 0; i < 3; i++)
		assert_true(file_exists(test_path(folder, kept[i])));
	assert_int_equal(entries(folder), 3);
	file_remove_temporaries(folder, "");
	assert_int_equal(entries(folder), 2);
	file_remove_temporaries(test_path(folder, "none"), "");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(what_is_written_is_read),
	cmocka_unit_test(faults_name_the_file),
	cmocka_unit_test(folders_are_made_with_their_parents),
	cmocka_unit_test(a_full_disk_leaves_the_old_file),
	cmocka_unit_test(appended_lines_do_not_mix),
	cmocka_unit_test(an_append_waits_for_its_turn),
	cmocka_unit_test(half_a_line_is_taken_back),
	cmocka_unit_test(what_the_killed_left_is_removed),
};
TEST_MAIN(cases)
