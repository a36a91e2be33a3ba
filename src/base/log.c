#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* The one place that knows its rank without being told: messages come from everywhere. */
static struct {
	int rank;
	FILE *file;
	int progress_shown; /* the terminal's last line is a progress line */
	double progress_at, filed_at;
	pthread_mutex_t lock;
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .progress_at = -1e9, .filed_at = -1e9 };

void log_set_rank(int rank)
{
	out.rank = rank;
}

int log_rank(void)
{
	return out.rank;
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

void log_detail(const char *fmt, ...)
{
	va_list args;

	if (out.rank != 0)
		return;
	va_start(args, fmt);
	pthread_mutex_lock(&out.lock);
	if (out.file) {
		vfprintf(out.file, fmt, args);
		fputc('\n', out.file);
		fflush(out.file);
	}
	pthread_mutex_unlock(&out.lock);
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

/* Is it time again, `pause` seconds after the last? */
static int due(double *last, double pause, int final)
{
	double now = clock_seconds();

	if (!final && now - *last < pause)
		return 0;
	*last = now;
	return 1;
}

static void show_progress(const char *text, int terminal, int final)
{
	fprintf(stderr, "%s%s", terminal ? "\r\033[K" : "", text);
	out.progress_shown = terminal && !final;
	if (!out.progress_shown)
		fputc('\n', stderr);
	fflush(stderr);
}

void log_progress(int final, const char *fmt, ...)
{
	enum { SPARING = 10 }; /* seconds between lines that stay */
	int terminal = isatty(STDERR_FILENO);
	char text[1024];
	va_list args;

	if (out.rank != 0)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	pthread_mutex_lock(&out.lock);
	if (due(&out.progress_at, terminal ? 0.1 : SPARING, final))
		show_progress(text, terminal, final);
	if (out.file && due(&out.filed_at, SPARING, final)) {
		fprintf(out.file, "%s\n", text);
		fflush(out.file);
	}
	pthread_mutex_unlock(&out.lock);
}
