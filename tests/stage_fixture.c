#include "stage_fixture.h"

#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "data/stage_copy.h"

const size_t staged_sizes[STAGED_FILES] = { 1, STAGE_BLOCK, STAGE_BLOCK + 1,
	2 * STAGE_BLOCK + 12345 };
static char err[ERR_MAX];

const char *staged_original(const char *source, int i)
{
	char name[32];

	snprintf(name, sizeof name, "shard-%05d.h5", i);
	return test_path(source, name);
}

void staged_source(const char *source)
{
	for (int i = 0; i < STAGED_FILES; i++) {
		uint8_t *bytes = xmalloc(staged_sizes[i]);
		struct rng r = rng_at(7, RNG_PROBE, (uint32_t)i, 0, 0);

		for (size_t k = 0; k < staged_sizes[i]; k++)
			bytes[k] = (uint8_t)rng_below(&r, 256);
		assert_int_equal(
			file_write_atomic(staged_original(source, i), bytes, staged_sizes[i], err),
			0);
		xfree(bytes);
	}
	assert_int_equal(file_write_atomic(test_path(source, "index.json"), source, 8, err), 0);
}

uint64_t staged_bytes(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < STAGED_FILES; i++)
		sum += staged_sizes[i];
	return sum;
}

struct stage *staged_open(const char *dir, const char *source)
{
	struct stage *s = stage_open(dir, source, err);

	if (!s)
		print_error("%s\n", err);
	assert_non_null(s);
	for (int i = 0; i < STAGED_FILES; i++)
		assert_int_equal(stage_add(s, staged_original(source, i), err), 0);
	return s;
}

int staged_same(const char *a, const char *b)
{
	unsigned char *x, *y;
	size_t n, m;
	int same;

	assert_int_equal(file_read_all(a, 1 << 30, &x, &n, err), 0);
	assert_int_equal(file_read_all(b, 1 << 30, &y, &m, err), 0);
	same = n == m && memcmp(x, y, n) == 0;
	xfree(x);
	xfree(y);
	return same;
}

int staged_count(const char *folder, const char *part)
{
	DIR *list = opendir(folder);
	struct dirent *e;
	int n = 0;

	if (!list)
		return -1;
	while ((e = readdir(list)))
		n += e->d_name[0] != '.' && strstr(e->d_name, part) != NULL;
	closedir(list);
	return n;
}

void staged_finish(struct stage *s, const char *source)
{
	int rc;

	while ((rc = stage_work(s, 0, err)) == 1)
		;
	if (rc != 0)
		print_error("%s\n", err);
	assert_int_equal(rc, 0);
	for (int i = 0; i < STAGED_FILES; i++)
		assert_true(staged_same(stage_path(s, i), staged_original(source, i)));
	assert_int_equal(stage_totals(s).done, staged_bytes());
}

void staged_killed(const char *dir, const char *source, int blocks, char folder[512])
{
	int status, pipes[2];
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		struct stage *s = staged_open(dir, source);

		while (blocks-- != 0 && stage_work(s, 0, err) == 1)
			;
		if (write(pipes[1], stage_folder_path(s), strlen(stage_folder_path(s)) + 1) > 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	close(pipes[1]);
	assert_true(read(pipes[0], folder, 512) > 0);
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
