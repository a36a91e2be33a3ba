#include "train/run_log.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static int begins_with(const char *line, const char *words)
{
	return strncmp(line, words, strlen(words)) == 0;
}

static void begin(void *arg)
{
	struct run_log *l = arg;

	l->starts = l->stopped = 0;
	*l->reason = 0;
}

static void add_line(void *arg, const char *line, size_t n)
{
	struct run_log *l = arg;

	(void)n;
	if (begins_with(line, RUN_LOG_BEGINS)) {
		l->starts++;
		l->stopped = 0;
		*l->reason = 0;
	} else if (begins_with(line, RUN_LOG_STOPPED)) {
		l->stopped = 1;
	} else if (begins_with(line, RUN_LOG_STOPPED_BY)) {
		const char *reason = line + strlen(RUN_LOG_STOPPED_BY);

		snprintf(l->reason, sizeof l->reason, "%.*s", (int)strcspn(reason, ":"), reason);
	}
}

void run_log_init(struct run_log *l, const char *run)
{
	*l = (struct run_log){ .path = xasprintf("%s/log.txt", run) };
	l->lines.path = l->path;
}

void run_log_free(struct run_log *l)
{
	xfree(l->path);
}

int run_log_read(struct run_log *l, char err[ERR_MAX])
{
	const struct lines_use use = { .begin = begin, .line = add_line, .arg = l };

	return lines_read(&l->lines, &use, err);
}
