/* simt_shared.cc - which statics are __shared__ arrays, and what a launch hands to its kernel.
 *
 * A __shared__ array is a static within a function of C++, without initialiser.  The program's own
 * symbol table lists them: objects in .bss whose mangled name begins with _ZZ, "within a function".
 * (An attribute for a section of their own would be simpler, but g++ ignores it within templates.)
 * No file of the double itself may have such a static. */
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

enum { FILL = 0xff, PAGE = 4096 };

struct array {
	unsigned char *begin;
	size_t bytes;
};

int simt_shared_used;

static struct array *arrays;
static int array_count = -1;

/* The main program is the first that is visited. */
static int note_base(struct dl_phdr_info *info, size_t, void *base)
{
	*(uintptr_t *)base = info->dlpi_addr;
	return 1;
}

static void add(uintptr_t address, size_t bytes)
{
	arrays = (struct array *)realloc(arrays, (size_t)(array_count + 1) * sizeof *arrays);
	arrays[array_count].begin = (unsigned char *)address;
	arrays[array_count++].bytes = bytes;
}

/* Those of one symbol table. */
static void add_symbols(
	const char *file, const ElfW(Shdr) * sections, const ElfW(Shdr) * table, uintptr_t base)
{
	const ElfW(Sym) *symbols = (const ElfW(Sym) *)(const void *)(file + table->sh_offset);
	const char *names = file + sections[table->sh_link].sh_offset;

	for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
		const ElfW(Sym) *s = &symbols[i];

		if (ELF64_ST_TYPE(s->st_info) == STT_OBJECT && s->st_size > 0 && s->st_shndx > 0 &&
			s->st_shndx < SHN_LORESERVE &&
			sections[s->st_shndx].sh_type == SHT_NOBITS &&
			strncmp(names + s->st_name, "_ZZ", 3) == 0)
			add(base + s->st_value, s->st_size);
	}
}

static void find_arrays(void)
{
	int f = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), tables = 0;
	uintptr_t base = 0;
	struct stat status;

	if (f < 0 || fstat(f, &status) != 0)
		double_fault("cannot read /proc/self/exe");
	const char *file =
		(const char *)mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, f, 0);
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)file;

	if (file == MAP_FAILED)
		double_fault("cannot map /proc/self/exe");
	const ElfW(Shdr) *sections = (const ElfW(Shdr) *)(const void *)(file + header->e_shoff);

	dl_iterate_phdr(note_base, &base);
	array_count = 0;
	for (int i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB) {
			add_symbols(file, sections, &sections[i], base);
			tables++;
		}
	if (tables == 0)
		double_fault("the program is stripped: shared arrays cannot be found");
	munmap((void *)file, (size_t)status.st_size);
	close(f);
}

__attribute__((no_sanitize("address"))) void simt_shared_fill(void)
{
	if (array_count < 0)
		find_arrays();
	for (int i = 0; i < array_count; i++)
		memset(arrays[i].begin, FILL, arrays[i].bytes);
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

	for (int i = 0; i < array_count; i++)
		bytes += is_filled(&arrays[i]) ? 0 : arrays[i].bytes;
	return bytes;
}

/* ---- arguments of launches ---- */

static int is_mapped(uintptr_t address)
{
	return msync((void *)(address / PAGE * PAGE), 1, MS_ASYNC) == 0;
}

static int is_host(uintptr_t word, int is_pointer)
{
	const void *p = (const void *)word;

	if (word == 0 || double_place(p) != PLACE_HOST)
		return 0;
	return is_pointer || (word >= PAGE && word >> 47 == 0 && is_mapped(word));
}

void simt_check_argument(
	const struct simt_launch *launch, int i, const void *p, size_t bytes, int is_pointer)
{
	const char *at = (const char *)p;
	uintptr_t word;

	for (; bytes >= sizeof word; at += sizeof word, bytes -= sizeof word) {
		memcpy(&word, at, sizeof word);
		if (is_host(word, is_pointer))
			double_fault("%s:%d: argument %d of %s %s %p, the host's memory",
				launch->file, launch->line, i, launch->kernel,
				is_pointer ? "is" : "holds", (const void *)word);
	}
}
