#include "pack_classes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pack_names.h"

struct pack_classes {
	struct pack_names *names; /* in order of appearance */
	int are_names;            /* at least one is not a number */
};

struct pack_classes *classes_open(void)
{
	struct pack_classes *c = xcalloc(1, sizeof *c);

	c->names = names_open();
	return c;
}

void classes_close(struct pack_classes *c)
{
	if (!c)
		return;
	names_close(c->names);
	xfree(c);
}

/* The number that text spells, or -1: only digits, no leading zero, below CLASSES_MAX. */
static int32_t as_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long value;

	if (digits == 0 || digits > 9 || text[digits] != 0 || (text[0] == '0' && digits > 1))
		return -1;
	value = strtol(text, NULL, 10);
	return value < CLASSES_MAX ? (int32_t)value : -1;
}

int32_t classes_add_folder(struct pack_classes *c, const char *name)
{
	c->are_names = 1;
	return (int32_t)names_add(c->names, name, NULL);
}

static int32_t add_label(struct pack_classes *c, const char *label)
{
	if (as_number(label) < 0)
		c->are_names = 1;
	return (int32_t)names_add(c->names, label, NULL);
}

int classes_parse(struct pack_classes *c, int32_t **labels, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;
	int count = 0;

	*labels = NULL;
	while ((word = strsep(&rest, ","))) {
		size_t n;

		while (isspace((unsigned char)*word))
			word++;
		for (n = strlen(word); n > 0 && isspace((unsigned char)word[n - 1]); n--)
			word[n - 1] = 0;
		if (n == 0)
			continue;
		*labels = xrealloc(*labels, (size_t)(count + 1) * sizeof **labels);
		(*labels)[count++] = add_label(c, word);
	}
	xfree(copy);
	return count;
}

static struct pack_numbering number_by_value(const struct pack_names *names)
{
	uint32_t n = names_count(names);
	struct pack_numbering r = { .final = xcalloc(n, sizeof *r.final) };

	for (uint32_t i = 0; i < n; i++) {
		r.final[i] = as_number(names_get(names, i));
		if (r.final[i] >= r.count)
			r.count = r.final[i] + 1;
	}
	r.names = xcalloc((size_t)r.count, sizeof *r.names);
	for (int i = 0; i < r.count; i++)
		r.names[i] = xasprintf("%d", i);
	return r;
}

struct named {
	const char *name;
	uint32_t first; /* number of first appearance */
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct pack_numbering number_by_name(const struct pack_names *names)
{
	uint32_t n = names_count(names);
	struct pack_numbering r = { .count = (int)n,
		.names = xcalloc(n, sizeof *r.names),
		.final = xcalloc(n, sizeof *r.final) };
	struct named *sorted = xcalloc(n, sizeof *sorted);

	for (uint32_t i = 0; i < n; i++)
		sorted[i] = (struct named){ names_get(names, i), i };
	qsort(sorted, n, sizeof *sorted, compare_names);
	for (uint32_t i = 0; i < n; i++) {
		r.names[i] = xstrdup(sorted[i].name);
		r.final[sorted[i].first] = (int32_t)i;
	}
	xfree(sorted);
	return r;
}

struct pack_numbering classes_number(const struct pack_classes *c)
{
	return c->are_names ? number_by_name(c->names) : number_by_value(c->names);
}

void numbering_free(struct pack_numbering *n)
{
	for (int i = 0; i < n->count; i++)
		xfree(n->names[i]);
	xfree(n->names);
	xfree(n->final);
}
