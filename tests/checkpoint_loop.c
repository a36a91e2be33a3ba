/* For checkpoint_kill.sh.
 *
 *   checkpoint_loop write RUN  writes checkpoints, from the one after the newest on, until it is
 *                              killed; prints "K" once the checkpoint of step K is safe
 *   checkpoint_loop check RUN  finds the newest valid one, checks every value in it, prints its
 *                              step */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "checkpoint_fixture.h"

enum { SCALE = 2000 }; /* 5 MB a file: a write lasts long enough to be hit */

static int read_newest(
	const char *run, struct checkpoint *c, const struct params *p, const struct stats *s)
{
	char err[ERR_MAX];
	char *path = checkpoint_latest(run, err);
	int rc = -1;

	if (path && checkpoint_read(path, c, p, s, err) == 0)
		rc = fixture_holds(c, p, s)
			? 0
			: fail(err, "%s holds other values than were written", path);
	if (rc != 0)
		fprintf(stderr, "%s\n", err);
	xfree(path);
	return rc;
}

static int write_on(
	const char *run, struct checkpoint *c, const struct params *p, const struct stats *s)
{
	struct checkpoint_writer *w = checkpoint_writer_open(run, p, s, 2, 0);
	char err[ERR_MAX];

	for (int64_t step = c->step + 1;; step++) {
		fixture_fill(c, p, s, step);
		if (fixture_submit(w, c, p, s, err) != 0)
			break;
		/* submit waited for the one before */
		printf("%" PRId64 "\n", step - 1);
		fflush(stdout);
	}
	fprintf(stderr, "%s\n", err);
	return 1;
}

int main(int argc, char **argv)
{
	struct checkpoint c;
	struct params p;
	struct stats s;
	char err[ERR_MAX], *folder;

	if (argc != 3)
		return 2;
	fixture_tables(&p, &s, SCALE);
	checkpoint_init(&c, &p, &s);
	folder = xasprintf("%s/checkpoints", argv[2]);
	if (file_make_folder(folder, err) != 0)
		return 2;
	if (strcmp(argv[1], "check") == 0) {
		if (read_newest(argv[2], &c, &p, &s) != 0)
			return 1;
		printf("%" PRId64 "\n", c.step);
		return 0;
	}
	if (read_newest(argv[2], &c, &p, &s) != 0)
		c.step = 0;
	return write_on(argv[2], &c, &p, &s);
}
