#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* Allocation that cannot fail: without memory the job ends (CHECK).  Free with xfree. */
void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t size); /* zeros; ends the job when the product overflows */
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* 64-byte aligned (a cache line, an AVX-512 register), set to zero; free with xfree. */
void *xaligned(size_t bytes);

/* Free p and set it to NULL; NULL is fine. */
#define xfree(p) (xfree_((p)), (p) = NULL)
void xfree_(void *p);

/* How many allocations the x functions have made so far, in all threads: tests assert that a
 * training step makes none. */
long xalloc_count(void);

#endif
