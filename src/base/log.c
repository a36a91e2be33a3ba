#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* The one place, with die.c, that knows its rank without being told: messages come from everywhere.
 */
static struct {
	int rank;
	FILE *file;
	int progress_shown; /* the terminal's last line is a progress line */
	double progress_at;
	pthread_mutex_t lock;
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .progress_at = -1e9 };

void log_set_rank(int rank)
{
	out.rank = rank;
}

int log_open(const char *path)
{
	out.file = fopen(path, "a");
	return out.file ? 0 : -1;
}

void log_close(void)
{
	if (out.file)
		fclose(out.file);
	out.file = NULL;
}

__attribute__((format(printf, 2, 0))) static void put(
	const char *prefix, const char *fmt, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof text, fmt, args);
	pthread_mutex_lock(&out.lock);
	if (out.progress_shown)
		fputs("\r\033[K", stderr);
	out.progress_shown = 0;
	fprintf(stderr, "%s%s\n", prefix, text);
	if (out.file) {
		fprintf(out.file, "%s%s\n", prefix, text);
		fflush(out.file);
	}
	pthread_mutex_unlock(&out.lock);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	if (out.rank != 0)
		return;
	va_start(args, fmt);
	put("", fmt, args);
	va_end(args);
}

void log_warn(const char *fmt, ...)
{
	va_list args;

	if (out.rank != 0)
		return;
	va_start(args, fmt);
	put("warning: ", fmt, args);
	va_end(args);
}

void log_warn_here(const char *fmt, ...)
{
	char prefix[48];
	va_list args;

	snprintf(prefix, sizeof prefix, "warning (rank %d): ", out.rank);
	va_start(args, fmt);
	put(prefix, fmt, args);
	va_end(args);
}

void log_progress(int final, const char *fmt, ...)
{
	int terminal = isatty(STDERR_FILENO);
	double now = clock_seconds(), pause = terminal ? 0.1 : 10;
	va_list args;

	if (out.rank != 0 || (!final && now - out.progress_at < pause))
		return;
	pthread_mutex_lock(&out.lock);
	out.progress_at = now;
	if (terminal)
		fputs("\r\033[K", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	out.progress_shown = terminal && !final;
	if (!out.progress_shown)
		fputc('\n', stderr);
	fflush(stderr);
	pthread_mutex_unlock(&out.lock);
}
