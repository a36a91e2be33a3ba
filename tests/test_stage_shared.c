/* The folder of copies among several processes, other users and full disks; it goes with its last
 * user. */
#include "test.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "stage_fixture.h"

static char err[ERR_MAX];

static void await(const pid_t *children, int count)
{
	for (int k = 0; k < count; k++) {
		int status;

		assert_int_equal(waitpid(children[k], &status, 0), children[k]);
		assert_int_equal(status, 0);
	}
}

static void several_at_once_do_not_disturb_each_other(void **state)
{
	enum { CHILDREN = 4, ROUNDS = 5 };
	const char *source = test_folder(), *dir = test_folder();
	pid_t children[CHILDREN];

	(void)state;
	staged_source(source);
	for (int k = 0; k < CHILDREN; k++) {
		children[k] = fork();
		if (children[k] != 0)
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			struct stage *s = staged_open(dir, source);

			staged_finish(s, source);
			stage_close(s);
		}
		_exit(0);
	}
	await(children, CHILDREN);
	assert_int_equal(staged_count(dir, ""), 0);
}

/* What another process does between our opening a folder and locking it; once. */
static void (*meanwhile)(void);
static char raced[512];

int flock(int fd, int operation)
{
	void (*act)(void) = meanwhile;

	meanwhile = NULL;
	if (act)
		act();
	return (int)syscall(SYS_flock, fd, operation);
}

static void remove_it(void)
{
	assert_int_equal(rmdir(raced), 0);
}

static void remove_it_and_begin_anew(void)
{
	remove_it();
	assert_int_equal(mkdir(raced, 0700), 0);
}

static void a_folder_removed_while_it_is_joined_is_made_again(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	struct stage *s;

	(void)state;
	staged_source(source);
	staged_killed(dir, source, 0, raced);
	assert_int_equal(staged_count(raced, ""), 0);
	meanwhile = remove_it;
	s = staged_open(dir, source);
	assert_true(file_exists(raced));
	staged_finish(s, source);
	stage_close(s);
	assert_int_equal(staged_count(dir, ""), 0);
}

static void a_folder_made_anew_is_not_swept(void **state)
{
	const char *one = test_folder(), *two = test_folder(), *dir = test_folder();

	(void)state;
	staged_source(one);
	staged_source(two);
	staged_killed(dir, two, 0, raced);
	meanwhile = remove_it_and_begin_anew;
	stage_close(staged_open(dir, one));
	assert_true(file_exists(raced));
}

static void folders_that_no_one_uses_are_swept(void **state)
{
	const char *one = test_folder(), *two = test_folder(), *dir = test_folder();
	char dead[512];
	struct stage *alive, *s;

	(void)state;
	staged_source(one);
	staged_source(two);
	staged_killed(dir, two, 3, dead);
	assert_int_equal(mkdir(test_path(dir, "reliquary-notes"), 0700), 0);
	assert_true(file_exists(dead));
	alive = staged_open(dir, one);
	assert_false(file_exists(dead));
	staged_finish(alive, one);
	s = staged_open(dir, two);
	staged_finish(alive, one); /* it was not swept */
	stage_close(s);
	stage_close(alive);
	assert_int_equal(staged_count(dir, ""), 1);
	assert_true(file_exists(test_path(dir, "reliquary-notes")));
}

static void a_folder_that_others_may_write_is_refused(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	char folder[512];

	(void)state;
	staged_source(source);
	staged_killed(dir, source, -1, folder);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_null(stage_open(dir, source, err));
	assert_says(err, folder);
	assert_says(err, "others may write");
	assert_int_equal(
		staged_count(folder, "shard-"), 2 * STAGED_FILES); /* nothing was removed */
	assert_int_equal(rename(folder, test_path(dir, "elsewhere")), 0);
	assert_int_equal(symlink("elsewhere", folder), 0);
	assert_null(stage_open(dir, source, err));
	assert_says(err, "cannot open");
}

static void a_bad_place_is_named(void **state)
{
	const char *source = test_folder();

	(void)state;
	staged_source(source);
	assert_null(stage_open(test_path(source, "nowhere"), source, err));
	assert_says(err, "nowhere: no such folder");
	assert_null(stage_open("/proc", source, err));
	assert_says(err, "cannot make the folder");
	assert_null(stage_open(source, "/nowhere", err));
	assert_says(err, "/nowhere");
}

static void a_full_disk_is_named_and_nothing_half_stays(void **state)
{
	const char *source = test_folder(), *dir = test_folder();
	struct stage *s;
	int rc;

	(void)state;
	/* a mount of this process's own, gone with it */
	if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", dir, "tmpfs", 0, "size=10m") != 0) {
		print_message("# no small disk can be mounted here: %s\n", strerror(errno));
		skip();
	}
	staged_source(source);
	s = staged_open(dir, source);
	while ((rc = stage_work(s, 0, err)) == 1)
		;
	assert_int_equal(rc, -1);
	assert_says(err, "No space left");
	assert_says(err, dir);
	for (int i = 0; i < STAGED_FILES; i++)
		if (stage_path(s, i))
			assert_true(staged_same(stage_path(s, i), staged_original(source, i)));
	assert_non_null(stage_path(s, 1));
	assert_false(file_exists(staged_original(stage_folder_path(s), 3)));
	stage_close(s);
	assert_int_equal(staged_count(dir, ""), 0);
	assert_int_equal(umount(dir), 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(several_at_once_do_not_disturb_each_other),
	cmocka_unit_test(a_folder_removed_while_it_is_joined_is_made_again),
	cmocka_unit_test(a_folder_made_anew_is_not_swept),
	cmocka_unit_test(folders_that_no_one_uses_are_swept),
	cmocka_unit_test(a_folder_that_others_may_write_is_refused),
	cmocka_unit_test(a_bad_place_is_named),
	cmocka_unit_test(a_full_disk_is_named_and_nothing_half_stays),
};
TEST_MAIN(cases)
