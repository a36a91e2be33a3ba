/* checkpoint_store.c - the folder of a run's checkpoints: names, the newest valid one, what is
 * kept. */
#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

char *checkpoint_path(const char *run, int64_t step)
{
	return xasprintf("%s/checkpoints/step-%09" PRId64 ".h5", run, step);
}

/* The step of a checkpoint's file name, or -1 for another name; *rest is what follows ".h5". */
static int64_t step_of(const char *name, const char **rest)
{
	int64_t step;
	int end = 0;

	if (sscanf(name, "step-%9" SCNd64 "%n", &step, &end) != 1 || step < 0)
		return -1;
	/* longer numbers than nine digits are names of ours as well */
	while (name[end] >= '0' && name[end] <= '9')
		step = 10 * step + name[end++] - '0';
	if (strncmp(name + end, ".h5", 3) != 0)
		return -1;
	*rest = name + end + 3;
	return step;
}

struct steps {
	int64_t *list; /* newest first */
	int count;
};

static int newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y) - (x > y);
}

static struct steps list_steps(const char *folder)
{
	struct steps s = { 0 };
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *rest;
		int64_t step = step_of(entry->d_name, &rest);

		if (step < 0 || *rest != 0)
			continue;
		s.list = xrealloc(s.list, (size_t)(s.count + 1) * sizeof *s.list);
		s.list[s.count++] = step;
	}
	if (dir)
		closedir(dir);
	if (s.count > 0)
		qsort(s.list, (size_t)s.count, sizeof *s.list, newest_first);
	return s;
}

int checkpoint_list(struct checkpoint_file **list, const char *run)
{
	char *folder = xasprintf("%s/checkpoints", run);
	struct steps s = list_steps(folder);
	int count = 0;

	*list = s.count > 0 ? xcalloc((size_t)s.count, sizeof **list) : NULL;
	for (int i = s.count - 1; i >= 0; i--) {
		char *path = checkpoint_path(run, s.list[i]);
		struct stat file;

		if (stat(path, &file) == 0) /* else it was pruned meanwhile */
			(*list)[count++] =
				(struct checkpoint_file){ s.list[i], file.st_size, file.st_mtime };
		xfree(path);
	}
	xfree(s.list);
	xfree(folder);
	return count;
}

static char *newest_valid(const char *run, const struct steps *s, char err[ERR_MAX])
{
	char why[ERR_MAX];

	for (int i = 0; i < s->count; i++) {
		char *path = checkpoint_path(run, s->list[i]);

		if (checkpoint_verify(path, why) == 0)
			return path;
		xfree(path);
		log_warn("checkpoint passed over: %s", why);
	}
	if (s->count == 0)
		fail(err, "%s: no checkpoint in %s/checkpoints; is it the folder of a run?", run,
			run);
	else
		fail(err, "%s: none of its %d checkpoints is valid; the last one looked at: %.800s",
			run, s->count, why);
	return NULL;
}

char *checkpoint_latest(const char *run_or_file, char err[ERR_MAX])
{
	struct steps steps;
	char *folder, *path;

	if (!file_exists(run_or_file)) {
		fail(err, "%s: there is no such run or checkpoint", run_or_file);
		return NULL;
	}
	if (!file_is_folder(run_or_file))
		return xstrdup(run_or_file);
	folder = xasprintf("%s/checkpoints", run_or_file);
	steps = list_steps(folder);
	path = newest_valid(run_or_file, &steps, err);
	xfree(steps.list);
	xfree(folder);
	return path;
}

void checkpoint_prune(const char *run, int keep, int64_t keep_every)
{
	char *folder = xasprintf("%s/checkpoints", run);
	struct steps s = list_steps(folder);

	/* the newest stays whatever keep says */
	for (int i = keep > 1 ? keep : 1; i < s.count; i++) {
		char *path = checkpoint_path(run, s.list[i]);

		if ((keep_every <= 0 || s.list[i] % keep_every != 0) && unlink(path) != 0)
			log_warn("%s: cannot remove: %s", path, strerror(errno));
		xfree(path);
	}
	xfree(s.list);
	xfree(folder);
}
