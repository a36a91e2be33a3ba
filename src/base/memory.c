#include "base/memory.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"

static atomic_long allocations;

long xalloc_count(void)
{
	return atomic_load(&allocations);
}

static void *counted(void *p, size_t bytes)
{
	CHECK(p != NULL, "out of memory: %zu bytes asked for", bytes);
	atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
	return p;
}

void *xmalloc(size_t bytes)
{
	return counted(malloc(bytes ? bytes : 1), bytes);
}

void *xcalloc(size_t count, size_t size)
{
	CHECK(size == 0 || count <= SIZE_MAX / size, "%zu elements of %zu bytes overflow", count,
		size);
	return counted(calloc(count ? count : 1, size ? size : 1), count * size);
}

void *xrealloc(void *p, size_t bytes)
{
	return counted(realloc(p, bytes ? bytes : 1), bytes);
}

void *xaligned(size_t bytes)
{
	size_t rounded = (bytes + 63) / 64 * 64;
	void *p = counted(aligned_alloc(64, rounded ? rounded : 64), bytes);

	memset(p, 0, rounded);
	return p;
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

char *xvasprintf(const char *fmt, va_list args)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	CHECK(n >= 0, "bad format '%s'", fmt);
	s = xmalloc((size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = xvasprintf(fmt, args);
	va_end(args);
	return s;
}

void xfree_(void *p)
{
	free(p);
}
