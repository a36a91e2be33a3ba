#include "train/run_folder.h"

#include <glob.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/checkpoint.h"

static int holds(const char *dir, const char *pattern)
{
	char *path = xasprintf("%s/%s", dir, pattern);
	glob_t found;
	int some = glob(path, GLOB_NOSORT, NULL, &found) == 0;

	if (some)
		globfree(&found);
	xfree(path);
	return some;
}

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

static int has_begun(const char *dir)
{
	return holds(dir, "checkpoints/step-*.h5");
}

int run_folder_check(const struct config *c, char err[ERR_MAX])
{
	const char *dir = c->run.dir;

	if (!*dir)
		return fail(err,
			"run.dir is not set: say where the run shall be, e.g. --run.dir=runs/first");
	if ((has_begun(dir) || holds(dir, "metrics.jsonl")) && !c->run.resume)
		return fail(err,
			"%s already holds a run: go on with it by --run.resume=true, or choose another --run.dir",
			dir);
	return 0;
}

int run_folder_open(const struct config *c, char **from, char err[ERR_MAX])
{
	const char *dir = c->run.dir;
	int begun = has_begun(dir);

	*from = NULL;
	if (run_folder_check(c, err) != 0 || make_folder(dir, err) != 0)
		return -1;
	open_log(dir);
	if (begun)
		*from = checkpoint_latest(dir, err);
	return begun && !*from ? -1 : 0;
}
