/* pack_names.c - numbered strings: one block of text, and an open-addressed hash table of numbers.
 */
#include "pack_names.h"

#include <string.h>

#include "base/die.h"
#include "base/memory.h"

struct pack_names {
	char *text;
	size_t used, room;
	uint64_t *start; /* of string i in text */
	uint32_t count, starts;
	uint32_t *slot; /* number + 1 of the string that hashed here; 0: free */
	size_t slots;   /* a power of two, kept at most half full */
};

struct pack_names *names_open(void)
{
	struct pack_names *n = xcalloc(1, sizeof *n);

	n->slots = 64;
	n->slot = xcalloc(n->slots, sizeof *n->slot);
	return n;
}

void names_close(struct pack_names *n)
{
	if (!n)
		return;
	xfree(n->text);
	xfree(n->start);
	xfree(n->slot);
	xfree(n);
}

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h ^ h >> 32;
}

/* The slot that holds text, or the free one where it belongs. */
static size_t find_slot(const struct pack_names *n, const char *text)
{
	size_t i = hash(text) & (n->slots - 1);

	while (n->slot[i] != 0 && strcmp(names_get(n, n->slot[i] - 1), text) != 0)
		i = (i + 1) & (n->slots - 1);
	return i;
}

static void grow_slots(struct pack_names *n)
{
	xfree(n->slot);
	n->slots *= 2;
	n->slot = xcalloc(n->slots, sizeof *n->slot);
	for (uint32_t i = 0; i < n->count; i++)
		n->slot[find_slot(n, names_get(n, i))] = i + 1;
}

static void append(struct pack_names *n, const char *text)
{
	size_t bytes = strlen(text) + 1;

	CHECK(n->count < UINT32_MAX - 1, "more than 4 billion names");
	if (n->used + bytes > n->room) {
		n->room = (n->used + bytes) * 2;
		n->text = xrealloc(n->text, n->room);
	}
	if (n->count == n->starts) {
		n->starts = n->starts ? n->starts + n->starts / 2 : 64;
		n->start = xrealloc(n->start, n->starts * sizeof *n->start);
	}
	n->start[n->count++] = n->used;
	memcpy(n->text + n->used, text, bytes);
	n->used += bytes;
}

uint32_t names_add(struct pack_names *n, const char *text, int *added)
{
	size_t i = find_slot(n, text);
	int is_new = n->slot[i] == 0;

	if (added)
		*added = is_new;
	if (!is_new)
		return n->slot[i] - 1;
	append(n, text);
	n->slot[i] = n->count;
	if (n->count > n->slots / 2)
		grow_slots(n);
	return n->count - 1;
}

int64_t names_find(const struct pack_names *n, const char *text)
{
	return (int64_t)n->slot[find_slot(n, text)] - 1;
}

const char *names_get(const struct pack_names *n, uint32_t i)
{
	CHECK(i < n->count, "name %u of %u", i, n->count);
	return n->text + n->start[i];
}

uint32_t names_count(const struct pack_names *n)
{
	return n->count;
}
