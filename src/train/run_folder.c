#include "train/run_folder.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/checkpoint.h"

int run_folder_write_config(const struct config *c, char err[ERR_MAX])
{
	char *path = xasprintf("%s/config.yaml", c->run.dir), *text;
	int rc;

	config_print(c, &text);
	rc = file_write_atomic(path, text, strlen(text), err);
	xfree(text);
	xfree(path);
	return rc;
}

static int make_folder(const char *dir, char err[ERR_MAX])
{
	char *path = xasprintf("%s/checkpoints", dir);
	int rc = file_make_folder(path, err);

	xfree(path);
	return rc;
}

static void open_log(const char *dir)
{
	char *path = xasprintf("%s/log.txt", dir);

	if (log_open(path) != 0)
		log_warn("%s cannot be opened: messages appear here only", path);
	xfree(path);
}

static int has_checkpoints(const char *dir)
{
	struct checkpoint_file *list;
	int count = checkpoint_list(&list, dir);

	xfree(list);
	return count > 0;
}

static int has_metrics(const char *dir)
{
	char *path = xasprintf("%s/metrics.jsonl", dir);
	int exists = file_exists(path);

	xfree(path);
	return exists;
}

/* Of what the run itself writes: an export to its folder may be under way. */
static void remove_temporaries(const char *dir)
{
	static const char *const names[] = { "config.yaml", "metrics.jsonl", "step-",
		"fault-step-" };
	char *checkpoints = xasprintf("%s/checkpoints", dir);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		file_remove_temporaries(dir, names[i]);
	file_remove_temporaries(checkpoints, "");
	xfree(checkpoints);
}

int run_folder_check(const struct config *c, char err[ERR_MAX])
{
	const char *dir = c->run.dir;

	if (!*dir)
		return fail(err,
			"run.dir is not set: say where the run shall be, e.g. --run.dir=runs/first");
	if (!c->run.resume && (has_checkpoints(dir) || has_metrics(dir)))
		return fail(err,
			"%s already holds a run: go on with it by --run.resume=true, or choose another --run.dir",
			dir);
	return 0;
}

int run_folder_open(const struct config *c, char **from, char err[ERR_MAX])
{
	const char *dir = c->run.dir;

	*from = NULL;
	if (run_folder_check(c, err) != 0 || make_folder(dir, err) != 0)
		return -1;
	open_log(dir);
	remove_temporaries(dir);
	if (!has_checkpoints(dir))
		return 0;
	*from = checkpoint_latest(dir, err);
	return *from ? 0 : -1;
}
