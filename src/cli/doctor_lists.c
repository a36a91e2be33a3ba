#include "cli/doctor_lists.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t n, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list args;
	int more;

	va_start(args, fmt);
	more = vsnprintf(text + used, n - used, fmt, args);
	va_end(args);
	if ((size_t)more >= n - used)
		strcpy(text + n - 4, "...");
}

void list_cores(char *text, size_t n, const cpu_set_t *cores)
{
	text[0] = 0;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		int first = i;

		if (!CPU_ISSET(i, cores))
			continue;
		while (i + 1 < CPU_SETSIZE && CPU_ISSET(i + 1, cores))
			i++;
		add(text, n, "%s%d", *text ? "," : "", first);
		if (i > first)
			add(text, n, "-%d", i);
	}
	if (!*text)
		add(text, n, "none");
}

void add_listed_cores(cpu_set_t *cores, const char *list)
{
	while (isdigit((unsigned char)*list)) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long i = first; i <= last && i < CPU_SETSIZE; i++)
			CPU_SET(i, cores);
		list = *end == ',' ? end + 1 : "";
	}
}

/* A host's name as its beginning and a number; digits 0: it ends in none. */
struct name {
	const char *text;
	size_t prefix, digits;
	long number;
};

static struct name split(const char *host)
{
	enum { DIGITS_MAX = 9 };
	struct name s = { .text = host, .prefix = strlen(host) };

	while (s.prefix > 0 && s.digits < DIGITS_MAX && isdigit((unsigned char)host[s.prefix - 1]))
		s.prefix--, s.digits++;
	if (s.digits > 0)
		s.number = strtol(host + s.prefix, NULL, 10);
	return s;
}

/* May b stand in one bracket with a?  Leading zeros ask for as many digits. */
static int alike(const struct name *a, const struct name *b)
{
	int padded = a->text[a->prefix] == '0' || b->text[b->prefix] == '0';

	return a->digits > 0 && b->digits > 0 && a->prefix == b->prefix &&
		memcmp(a->text, b->text, a->prefix) == 0 && (!padded || a->digits == b->digits);
}

/* The bracket that begins with hosts[i]; returns the first host that is not in it. */
static int add_bracket(char *text, size_t n, const char *const *hosts, int count, int i)
{
	const struct name begin = split(hosts[i]);
	struct name next = { 0 };
	const char *before = "[";

	add(text, n, "%.*s", (int)begin.prefix, hosts[i]);
	for (; i < count; i++) {
		const struct name first = split(hosts[i]);
		long last = first.number;

		if (!alike(&begin, &first))
			break;
		while (i + 1 < count && (next = split(hosts[i + 1]), alike(&begin, &next)) &&
			next.number == last + 1)
			last++, i++;
		add(text, n, "%s%s", before, first.text + first.prefix);
		if (last > first.number)
			add(text, n, "-%s", hosts[i] + split(hosts[i]).prefix);
		before = ",";
	}
	add(text, n, "]");
	return i;
}

void list_hosts(char *text, size_t n, const char *const *hosts, int count)
{
	text[0] = 0;
	for (int i = 0; i < count;) {
		struct name a = split(hosts[i]), b = { 0 };

		if (i > 0)
			add(text, n, ",");
		if (i + 1 < count)
			b = split(hosts[i + 1]);
		if (i + 1 < count && alike(&a, &b))
			i = add_bracket(text, n, hosts, count, i);
		else
			add(text, n, "%s", hosts[i++]);
	}
}
