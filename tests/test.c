#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folders[32][64];
static int folder_count;
static struct path {
	struct path *next;
	char name[];
} * paths;

const char *test_folder(void)
{
	char *name = folders[folder_count];

	assert_true(folder_count < 32);
	snprintf(name, sizeof folders[0], "/tmp/reliquary-test-XXXXXX");
	assert_non_null(mkdtemp(name));
	folder_count++;
	return name;
}

int test_cleanup(void **state)
{
	char command[sizeof folders +
		16]; /* the compiler cannot see that a name ends within its row */

	(void)state;
	for (int i = 0; i < folder_count; i++) {
		snprintf(command, sizeof command, "rm -rf '%s'", folders[i]);
		if (system(command) != 0)
			return -1;
	}
	while (paths) {
		struct path *p = paths;

		paths = p->next;
		free(p);
	}
	return 0;
}

const char *test_path(const char *folder, const char *name)
{
	size_t bytes = strlen(folder) + strlen(name) + 2;
	struct path *p = malloc(sizeof *p + bytes);

	assert_non_null(p);
	snprintf(p->name, bytes, "%s/%s", folder, name);
	p->next = paths;
	paths = p;
	return p->name;
}

void test_close(double a, double b, double tolerance, const char *what, const char *file, int line)
{
	if (!(fabs(a - b) <= tolerance)) {
		print_error("%s: %.17g, expected %.17g, differs by %g (allowed %g)\n", what, a, b,
			a - b, tolerance);
		_fail(file, line);
	}
}

void test_says(const char *err, const char *word, const char *file, int line)
{
	if (!strstr(err, word)) {
		print_error("the message '%s' does not say '%s'\n", err, word);
		_fail(file, line);
	}
}
