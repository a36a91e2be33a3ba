/* Writing a shard to a disk that becomes full at any moment. */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "data/shard.h"
#include "data_fixture.h"

/* One record of 40 bytes that are no JPEG: a shard asks not. */
static int plain_record(void *arg, uint32_t i, struct shard_record *r, char err[ERR_MAX])
{
	static const uint8_t bytes[40] = { 1, 2, 3 };

	(void)arg, (void)i, (void)err;
	*r = (struct shard_record){
		.jpeg = bytes, .bytes = sizeof bytes, .width = 3, .height = 2, .key = "k"
	};
	return 0;
}

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

/* A disk with room for so many bytes of a file and no more; -1: no such limit.  HDF5's and our own
 * writes come by here. */
static atomic_long room = -1;
static dev_t full_disk;

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	struct stat st;

	if (room >= 0 && (long)at + (long)n > room && fstat(fd, &st) == 0 &&
		st.st_dev == full_disk) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, n, at);
}

/* 1: refused as it ought to be. */
static int write_within(const char *path, long limit)
{
	const struct shard_meta meta = { "n", "s", NULL, 0, 0, 1, 0 };
	char err[ERR_MAX] = "";

	room = limit;
	if (shard_write(path, &meta, 500, 500 * 40, 0, plain_record, NULL, err) == 0)
		return 0;
	return strstr(err, path) && strstr(err, "No space left on device") && !file_exists(path)
		? 1
		: 2;
}

static void a_full_disk_is_reported_and_leaves_nothing(void **state)
{
	const char *folder = test_folder(), *path = test_path(folder, "a.h5");
	long need = 0;
	struct stat st;

	(void)state;
	assert_int_equal(stat(folder, &st), 0);
	full_disk = st.st_dev;
	for (int done = 0; !done; need += 500) {
		pid_t child = fork();
		int status;

		if (child == 0)
			exit(write_within(path, need)); /* by way of HDF5's own end */
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		done = WEXITSTATUS(status) == 0;
		assert_int_equal(WEXITSTATUS(status), !done);
		assert_int_equal(entries(folder), done);
	}
	assert_true(need > 500 * 40);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_full_disk_is_reported_and_leaves_nothing),
};
TEST_MAIN(cases)
