#ifndef BASE_DIE_H
#define BASE_DIE_H

/* The two kinds of error.
 *
 * A fault of the machine or of ours (no memory, a library call that cannot fail failing, an array
 * of the wrong length) ends the job on all ranks: CHECK. A fault of the input (configuration,
 * image, shard, checkpoint) is returned: -1, with the reason in the caller's err, written by
 * fail(). */

enum { ERR_MAX = 1024 };

/* End the job unless cond holds.  Always on; cond has no side effects that matter elsewhere. */
#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			die(__FILE__, __LINE__, #cond, __VA_ARGS__);                               \
	} while (0)

/* Print host, rank, place, the statement that failed and the message; end the job on all ranks. */
_Noreturn void die(const char *file, int line, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The end of this rank alone, in a few words, without asking MPI: for a thread that watches MPI
 * itself. */
_Noreturn void die_here(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As die, without a word, where another rank has said why. */
_Noreturn void die_silently(void);

/* Write the reason of an input fault into err and return -1. */
int fail(char err[ERR_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
