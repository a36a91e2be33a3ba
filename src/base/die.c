/* die.c - the end of a job that cannot go on.
 * This file knows MPI so that no rank is left waiting for one that died. Without MPI the other
 * ranks see the closed connection. */
#include "base/die.h"

#include <mpi.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

enum { EXIT_FAULT = 70 }; /* EX_SOFTWARE of sysexits.h */

static int mpi_is_up(void)
{
	int started = 0, ended = 0;

	MPI_Initialized(&started);
	MPI_Finalized(&ended);
	return started && !ended;
}

void die_silently(void)
{
	fflush(NULL);
	if (mpi_is_up())
		MPI_Abort(MPI_COMM_WORLD, EXIT_FAULT);
	/* Not exit: what libraries do at the end may wait for ranks that are gone. */
	_exit(EXIT_FAULT);
}

void die_here(const char *fmt, ...)
{
	char text[ERR_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	fprintf(stderr, "reliquary: %s\n", text);
	_exit(EXIT_FAULT);
}

void die(const char *file, int line, const char *what, const char *fmt, ...)
{
	char text[ERR_MAX], host[256] = "?";
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	gethostname(host, sizeof host - 1);
	/* One write, so that the messages of several ranks do not mix. */
	fprintf(stderr, "reliquary: fault on %s, rank %d, %s:%d: %s\n    (failed: %s)\n", host,
		log_rank(), file, line, text, what);
	die_silently();
}

int fail(char err[ERR_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, ERR_MAX, fmt, args);
	va_end(args);
	return -1;
}
