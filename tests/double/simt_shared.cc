/* simt_shared.cc - where the __shared__ arrays are, and what a launch hands to its kernel.
 *
 * A __shared__ array is a static within a function, that says its function's name whenever it is
 * entered.  The program's own symbol table tells the rest: the array is an object in .bss with the
 * mangled name _ZZ, function, array.  (A section of their own would be simpler, but g++ ignores the
 * attribute within templates.)  All instances of a template count as one function. */
#include "simt.h"
#include "simt_shared.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cudart.h"
#include "fiber.h"
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { FILL = 0xff, PAGE = 4096, MAX_FUNCTIONS = 500, MAX_ARRAYS = 2000 };

struct array {
	unsigned char *begin;
	size_t bytes;
};

/* Instances of a template have the same name at different addresses: all but the first of them
 * refer to that. */
struct function {
	const char *name;
	int same;         /* the first function with this name */
	int entered;      /* since the fill */
	int first, count; /* of the arrays; none where another is referred to */
};

static struct array arrays[MAX_ARRAYS];
static struct function functions[MAX_FUNCTIONS];
static int array_count, function_count, last;

/* The program's file, mapped. */
static const char *file;
static const ElfW(Shdr) * sections, *table;
static uintptr_t base;

/* The main program is the first that is visited. */
static int note_base(struct dl_phdr_info *info, size_t, void *)
{
	base = info->dlpi_addr;
	return 1;
}

static void open_program(void)
{
	int f = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (f < 0 || fstat(f, &status) != 0)
		double_fault("cannot read /proc/self/exe");
	file = (const char *)mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, f, 0);
	if (file == MAP_FAILED)
		double_fault("cannot map /proc/self/exe");
	close(f);
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)file;

	sections = (const ElfW(Shdr) *)(const void *)(file + header->e_shoff);
	for (int i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			table = &sections[i];
	if (!table)
		double_fault("the program is stripped: shared arrays cannot be found");
	dl_iterate_phdr(note_base, NULL);
}

/* Whether a mangled name is that of a static in the function. */
static int is_within(const char *mangled, const char *function)
{
	char *name;

	if (strncmp(mangled, "_ZZ", 3) != 0)
		return 0;
	mangled += mangled[3] == 'L' ? 4 : 3;
	return strtoul(mangled, &name, 10) == strlen(function) && name > mangled &&
		strncmp(name, function, strlen(function)) == 0;
}

/* AddressSanitizer may count the zone behind an array as part of it. */
static size_t without_zone(const unsigned char *begin, size_t bytes)
{
#ifdef HAVE_ASAN
	while (bytes > 0 && __asan_address_is_poisoned(begin + bytes - 1))
		bytes--;
#else
	(void)begin;
#endif
	return bytes;
}

static void find_arrays(const char *function)
{
	const ElfW(Sym) *symbols = (const ElfW(Sym) *)(const void *)(file + table->sh_offset);
	const char *names = file + sections[table->sh_link].sh_offset;

	for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
		const ElfW(Sym) *s = &symbols[i];

		if (ELF64_ST_TYPE(s->st_info) != STT_OBJECT || s->st_shndx == SHN_UNDEF ||
			s->st_shndx >= SHN_LORESERVE ||
			sections[s->st_shndx].sh_type != SHT_NOBITS ||
			!is_within(names + s->st_name, function))
			continue;
		if (array_count == MAX_ARRAYS)
			double_fault("more than %d shared arrays", MAX_ARRAYS);
		arrays[array_count].begin = (unsigned char *)(base + s->st_value);
		arrays[array_count].bytes = without_zone(arrays[array_count].begin, s->st_size);
		array_count++;
	}
}

static void fill(const struct function *f)
{
	for (int i = f->first; i < f->first + f->count; i++)
		memset(arrays[i].begin, FILL, arrays[i].bytes);
}

static void add(const char *name)
{
	struct function *f = &functions[function_count];

	if (!file)
		open_program();
	if (function_count == MAX_FUNCTIONS)
		double_fault("more than %d functions with shared arrays", MAX_FUNCTIONS);
	f->name = name;
	f->first = array_count;
	while (strcmp(functions[f->same].name, name) != 0)
		f->same++;
	if (f->same == function_count++) {
		find_arrays(name);
		f->count = array_count - f->first;
		if (f->count == 0)
			double_fault("%s: no shared array is found in the program", name);
		fill(f);
	}
}

void simt_shared(const char *function)
{
	if (functions[last].name != function) {
		for (last = 0; last < function_count; last++)
			if (functions[last].name == function)
				break;
		if (last == function_count)
			add(function);
	}
	functions[functions[last].same].entered = 1;
}

void simt_shared_fill(void)
{
	for (int i = 0; i < function_count; i++)
		if (functions[i].entered) {
			fill(&functions[i]);
			functions[i].entered = 0;
		}
}

static int is_filled(const struct array *a)
{
	for (size_t i = 0; i < a->bytes; i++)
		if (a->begin[i] != FILL)
			return 0;
	return 1;
}

size_t simt_shared_bytes(void)
{
	size_t bytes = 0;

	for (int k = 0; k < function_count; k++)
		for (int i = functions[k].first; i < functions[k].first + functions[k].count; i++)
			if (functions[k].entered && !is_filled(&arrays[i]))
				bytes += arrays[i].bytes;
	return bytes;
}

/* ---- arguments of launches ---- */

static int is_mapped(uintptr_t address)
{
	unsigned char in_memory;

	return mincore((void *)(address / PAGE * PAGE), 1, &in_memory) == 0;
}

/* Programs, heaps and stacks lie high; low is AddressSanitizer's shadow, at which two small numbers
 * side by side would seem to point. */
static int is_host(uintptr_t word, int is_pointer)
{
	if (word == 0 || double_place((const void *)word) != PLACE_HOST)
		return 0;
	return is_pointer || (word >> 46 != 0 && word >> 48 == 0 && is_mapped(word));
}

void simt_check_argument(
	const struct simt_launch *launch, int i, const void *p, size_t bytes, int is_pointer)
{
	uintptr_t word;

	for (const char *at = (const char *)p; bytes >= sizeof word; bytes -= sizeof word) {
		memcpy(&word, at, sizeof word);
		at += sizeof word;
		if (is_host(word, is_pointer))
			double_fault("%s:%d: argument %d of %s %s %p, the host's memory%s",
				launch->file, launch->line, i, launch->kernel,
				is_pointer ? "is" : "holds", (const void *)word,
				is_pointer ? "" : " (or what nobody has set)");
	}
}
