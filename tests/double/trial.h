#ifndef DOUBLE_TRIAL_H
#define DOUBLE_TRIAL_H

/* Trials of the doubles: a function runs in a process of its own, in every order that the doubles
 * know, and what becomes of it is compared with what should. */

enum outcome {
	RIGHT, /* in every order */
	WRONG, /* in at least one order: a wrong result, or an end with a message */
	DIES   /* in every order, with the message */
};

struct trial {
	const char *name;
	int (*run)(int which); /* whether the result is right */
	int which;
	enum outcome outcome;
	const char *message;
};

/* Each trial is a case of its own.  What main returns. */
int trial_main(const struct trial *trials, int count);

/* Within a trial. */
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			trial_fails(#condition, __FILE__, __LINE__);                               \
	} while (0)
void trial_fails(const char *what, const char *file, int line) __attribute__((noreturn));
/* Whether this is that order of streams. */
int trial_is_order(const char *order);

#endif
