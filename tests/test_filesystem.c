/* Which filesystem a path is on. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/filesystem.h"
#include "base/memory.h"

static void proc_is_proc(void **state)
{
	struct filesystem fs;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(filesystem_of("/proc/self/status", &fs, err), 0);
	assert_string_equal(fs.type, "proc");
	assert_string_equal(fs.mount, "/proc");
	assert_int_equal(fs.shared, 0);
}

static void the_free_space_is_the_systems(void **state)
{
	const char *folder = test_folder();
	struct filesystem fs;
	struct statvfs room;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(filesystem_of(folder, &fs, err), 0);
	assert_int_equal(statvfs(folder, &room), 0);
	/* others write too: within 1 GiB */
	assert_true(fs.free_bytes < (uint64_t)room.f_bavail * room.f_frsize + (1 << 30));
	assert_true(fs.free_bytes + (1 << 30) > (uint64_t)room.f_bavail * room.f_frsize);
	assert_true(strncmp(folder, fs.mount, strlen(fs.mount)) == 0);
}

static void what_is_not_there_yet_is_where_its_parent_is(void **state)
{
	struct filesystem fs, parent;
	char err[ERR_MAX];

	(void)state;
	assert_int_equal(filesystem_of("/proc/none/of/this", &fs, err), 0);
	assert_string_equal(fs.mount, "/proc");
	assert_int_equal(filesystem_of("runs/not/yet", &fs, err), 0);
	assert_int_equal(filesystem_of(".", &parent, err), 0);
	assert_string_equal(fs.mount, parent.mount);
}

static void a_working_folder_that_is_gone_is_an_error(void **state)
{
	struct filesystem fs;
	char err[ERR_MAX], *before = getcwd(NULL, 0), *gone = xasprintf("%s/gone", test_folder());

	(void)state;
	assert_non_null(before);
	assert_int_equal(mkdir(gone, 0700), 0);
	assert_int_equal(chdir(gone), 0);
	assert_int_equal(rmdir(gone), 0);
	alarm(10); /* it once looked for a parent of "." for ever */
	assert_int_equal(filesystem_of("runs/first", &fs, err), -1);
	assert_says(err, "runs/first: cannot be resolved: No such file");
	assert_int_equal(filesystem_of("/proc/none", &fs, err), 0);
	alarm(0);
	assert_int_equal(chdir(before), 0);
	xfree(gone);
	free(before);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(proc_is_proc),
	cmocka_unit_test(the_free_space_is_the_systems),
	cmocka_unit_test(what_is_not_there_yet_is_where_its_parent_is),
	cmocka_unit_test(a_working_folder_that_is_gone_is_an_error),
};
TEST_MAIN(cases)
