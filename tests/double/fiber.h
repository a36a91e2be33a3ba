#ifndef DOUBLE_FIBER_H
#define DOUBLE_FIBER_H

/* Fibers: functions with a stack each, that hand control to each other within one OS thread.  Known
 * to AddressSanitizer and valgrind. */

#include <stddef.h>

/* Whether this is compiled with AddressSanitizer: gcc's way to say so, and clang's. */
#if defined __SANITIZE_ADDRESS__
#define HAVE_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct fiber; /* a stack; a fiber lives until its stack is started again */

/* A stack with a page below it that cannot be touched; never freed. */
struct fiber *fiber_new(void);
/* What fiber_enter runs when it first enters: run(), on this stack from its top; it must not
 * return. */
void fiber_start(struct fiber *fiber, void (*run)(void));
/* From the scheduler (the ordinary stack) into the fiber, until it calls fiber_leave. */
void fiber_enter(struct fiber *fiber);
/* From a fiber to the scheduler; last: this fiber is not entered again before it is started. */
void fiber_leave(struct fiber *fiber, int last);

#ifdef __cplusplus
}
#endif

#endif
