/* die.c - the end of a job that cannot go on.
 * This file knows MPI so that no rank is left waiting for one that died. */
#include "base/die.h"

#include <mpi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_FAULT = 70 }; /* EX_SOFTWARE of sysexits.h */

static int mpi_is_up(void)
{
	int started = 0, ended = 0;

	MPI_Initialized(&started);
	MPI_Finalized(&ended);
	return started && !ended;
}

void die(const char *file, int line, const char *what, const char *fmt, ...)
{
	char text[ERR_MAX], host[256] = "?";
	int rank = 0, up = mpi_is_up();
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	gethostname(host, sizeof host - 1);
	if (up)
		MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	/* One write, so that the messages of several ranks do not mix. */
	fprintf(stderr, "reliquary: fault on %s, rank %d, %s:%d: %s\n    (failed: %s)\n", host,
		rank, file, line, text, what);
	fflush(NULL);
	if (up)
		MPI_Abort(MPI_COMM_WORLD, EXIT_FAULT);
	exit(EXIT_FAULT);
}

int fail(char err[ERR_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, ERR_MAX, fmt, args);
	va_end(args);
	return -1;
}
