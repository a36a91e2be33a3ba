#ifndef BASE_LOG_H
#define BASE_LOG_H

/* What a person reads: plain lines on stderr, and in the run's log file once log_open was called.
 * Rank 0 speaks for all (log_set_rank); the other ranks are silent but for log_warn_here. */

/* Which rank this process is; 0 until it is said. */
void log_set_rank(int rank);
int log_rank(void);

/* Append to the file path too; returns 0, or -1 if it cannot be opened. log_close is for the end.
 */
int log_open(const char *path);
void log_close(void);

/* One line, formatted as by printf; rank 0 alone prints it, and a warning says that it is one. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line for the log file alone: what only an expert looks for. */
void log_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A warning that every rank prints for itself, with its number. */
void log_warn_here(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A progress line.  On a terminal it is rewritten in place, at most 10 times a second; elsewhere (a
 * job's log), and in the log file, a new line at most every 10 seconds.  final prints it in any
 * case and ends the line. */
void log_progress(int final, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
