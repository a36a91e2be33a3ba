/* cudart_arena.c - the double of libcudart: ranges of addresses for device memory and pinned
 * memory.
 *
 * Both are carved from a range of addresses each, that starts as a mapping of an empty file:
 * whatever its protection, touching it is a bus error.  An allocation is ordinary memory put into
 * that range so that it ends, to within 64 bytes, where the next untouchable page begins; freed
 * memory is covered by the empty file again and never used again.  One mprotect over the whole
 * range lets the host's instructions at all device memory, and another ends it.
 *
 * New memory is all NaN.  So are the few bytes that alignment leaves before and behind an
 * allocation, which are looked at after each wait. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "cudart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, ALIGN = 64, FILL = 0xff };

struct double_piece {
	char *memory; /* [memory, end): whole pages */
	char *end, *user;
	size_t bytes; /* from user; 0: freed */
};

static void *check_map(void *p)
{
	if (p == MAP_FAILED)
		double_fault("mmap failed: too many allocations (vm.max_map_count)?");
	return p;
}

/* As many addresses as there are: valgrind has few. */
static void arena_begin(struct double_arena *a)
{
	void *p = MAP_FAILED;

	a->empty_file = memfd_create("gpu double", MFD_CLOEXEC);
	for (a->size *= 2; p == MAP_FAILED && a->size > PAGE;) {
		a->size /= 2;
		p = mmap(NULL, a->size, PROT_NONE, MAP_SHARED | MAP_NORESERVE, a->empty_file, 0);
	}
	a->base = check_map(p);
	a->top = a->base + PAGE;
}

static struct double_piece *new_piece(struct double_arena *a)
{
	if (a->count == a->room) {
		a->room = a->room ? 2 * a->room : 64;
		a->pieces = realloc(a->pieces, (size_t)a->room * sizeof *a->pieces);
	}
	return &a->pieces[a->count++];
}

void *double_arena_alloc(struct double_arena *a, size_t bytes)
{
	size_t rounded = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	size_t body = (rounded + PAGE - 1) / PAGE * PAGE;
	struct double_piece *p;

	if (!a->base)
		arena_begin(a);
	if (body + PAGE > (size_t)(a->base + a->size - a->top))
		double_fault("the double's addresses for %s memory are used up", a->what);
	check_map(mmap(a->top, body, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0));
	/* Opening and closing the memory costs by the page; no harm where there are no huge ones.
	 */
	(void)madvise(a->top, body, MADV_HUGEPAGE);
	p = new_piece(a);
	p->memory = a->top;
	p->end = p->memory + body;
	p->user = p->end - rounded;
	p->bytes = bytes;
	a->top = p->end + PAGE;
	if (!double_idle())
		memset(p->memory, FILL, body);
	return p->user;
}

/* The last piece that begins at or before the address, or NULL. */
static struct double_piece *arena_find(const struct double_arena *a, const void *address)
{
	int first = 0, count = a->count;

	while (count > 0) {
		int half = count / 2;

		if ((const char *)address >= a->pieces[first + half].memory) {
			first += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return first > 0 ? &a->pieces[first - 1] : NULL;
}

int double_arena_holds(const struct double_arena *a, const void *p, size_t bytes)
{
	const struct double_piece *piece = arena_find(a, p);
	const char *begin = p;

	return piece && piece->bytes > 0 && begin >= piece->user &&
		begin <= piece->user + piece->bytes &&
		bytes <= (size_t)(piece->user + piece->bytes - begin);
}

size_t double_arena_free(struct double_arena *a, void *p, const char *call)
{
	struct double_piece *piece = arena_find(a, p);
	size_t bytes;

	if (!piece || piece->user != p || piece->bytes == 0)
		double_fault("%s of %p, which is %s", call, p,
			piece && piece->user == p ? "freed already" : "no allocation of it");
	bytes = piece->bytes;
	piece->bytes = 0;
	check_map(mmap(piece->memory, (size_t)(piece->end - piece->memory), PROT_NONE,
		MAP_SHARED | MAP_FIXED | MAP_NORESERVE, a->empty_file, piece->memory - a->base));
	return bytes;
}

void double_arena_protect(const struct double_arena *a, const void *p, int protection)
{
	const struct double_piece *piece = arena_find(a, p);
	char *begin = p ? piece->memory : a->base, *end = p ? piece->end : a->top;

	if (a->base && mprotect(begin, (size_t)(end - begin), protection) != 0)
		double_fault("mprotect failed");
}

static int is_filled(const char *from, const char *to)
{
	for (; from < to; from++)
		if (*(const unsigned char *)from != FILL)
			return 0;
	return 1;
}

const char *double_arena_margins(const struct double_arena *a, size_t *bytes)
{
	for (int i = 0; i < a->count; i++) {
		const struct double_piece *p = &a->pieces[i];
		const char *before = p->user - ALIGN > p->memory ? p->user - ALIGN : p->memory;

		*bytes = p->bytes;
		if (p->bytes > 0 && !is_filled(before, p->user))
			return "before";
		if (p->bytes > 0 && !is_filled(p->user + p->bytes, p->end))
			return "behind";
	}
	return NULL;
}

void double_arena_describe(
	const struct double_arena *a, const char *address, char *text, size_t size)
{
	const struct double_piece *p = arena_find(a, address), *next = p ? p + 1 : a->pieces;
	int is_last = next == a->pieces + a->count;

	if (p && p->bytes > 0 && address >= p->user && address < p->user + p->bytes)
		snprintf(text, size, "%s memory, byte %td of %zu", a->what, address - p->user,
			p->bytes);
	else if (p && p->bytes == 0 && address < p->end)
		snprintf(text, size, "freed %s memory, byte %td", a->what, address - p->user);
	else if (p && (is_last || address - p->end < next->memory - address || next->bytes == 0))
		snprintf(text, size, "%td bytes behind %s memory of %zu bytes",
			address - (p->user + p->bytes), a->what, p->bytes);
	else if (!is_last)
		snprintf(text, size, "%td bytes before %s memory of %zu bytes",
			next->user - address, a->what, next->bytes);
	else
		snprintf(text, size, "%s memory, nowhere", a->what);
}
