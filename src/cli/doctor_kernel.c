#include "cli/doctor_kernel.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor_lists.h"

enum { PATH = 1024, LINE = 512 };

int kernel_line(char *text, size_t n, const char *path, const char *key)
{
	FILE *f = fopen(path, "r");
	size_t length = strlen(key);
	char line[LINE];
	int found = 0;

	while (f && !found && fgets(line, sizeof line, f))
		if (strncmp(line, key, length) == 0) {
			line[strcspn(line, "\n")] = 0;
			snprintf(text, n, "%s", line + length);
			found = 1;
		}
	if (f)
		fclose(f);
	return found;
}

/* The number after key; without one ("max", no such file): none. */
static uint64_t number(const char *folder, const char *file, const char *key, uint64_t none)
{
	char path[PATH + LINE], text[64];

	snprintf(path, sizeof path, "%s/%s", folder, file);
	if (!kernel_line(text, sizeof text, path, key) ||
		!isdigit((unsigned char)text[strspn(text, " ")]))
		return none;
	return strtoull(text, NULL, 10);
}

/* ---- control groups ---- */

/* The two versions of the interface: how a line of /proc/self/cgroup that names the group has it,
 * where groups are, and their files. */
static const struct interface {
	const char *line, *mount, *most, *used, *cached;
} interfaces[] = {
	{ ":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
		"total_inactive_file " },
	{ "0::", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file " },
};

/* The name of this process's group, "/slurm/job_7"; 0: it is in none. */
static int find_group(char name[LINE], const struct interface *i, const char *root)
{
	char path[PATH], line[LINE], *at = NULL;
	FILE *f;

	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	f = fopen(path, "r");
	while (f && !at && fgets(line, sizeof line, f))
		at = strstr(line, i->line);
	if (f)
		fclose(f);
	if (!at)
		return 0;
	at += strlen(i->line);
	at[strcspn(at, "\n")] = 0;
	snprintf(name, LINE, "%s", at);
	return 1;
}

/* One group: what of its memory is not used, but for files that the kernel would let go of. */
static void apply(
	uint64_t *memory, uint64_t *available, const struct interface *i, const char *folder)
{
	uint64_t most = number(folder, i->most, "", UINT64_MAX);
	uint64_t used = number(folder, i->used, "", 0);
	uint64_t cached = number(folder, "memory.stat", i->cached, 0);
	uint64_t taken = used > cached ? used - cached : 0, left = most > taken ? most - taken : 0;

	if (most < *memory)
		*memory = most;
	if (left < *available)
		*available = left;
}

/* The group and those above it.  In a container the upper part of the name may not be there. */
static void apply_groups(
	uint64_t *memory, uint64_t *available, const struct interface *i, const char *root)
{
	char name[LINE], folder[PATH], *end;

	if (!find_group(name, i, root))
		return;
	do {
		end = strrchr(name, '/');
		snprintf(folder, sizeof folder, "%s%s%s", root, i->mount, name);
		apply(memory, available, i, folder);
		if (end)
			*end = 0;
	} while (end);
}

void kernel_memory(uint64_t *memory, uint64_t *available, const char *root)
{
	char proc[PATH];

	snprintf(proc, sizeof proc, "%s/proc", root);
	*memory = number(proc, "meminfo", "MemTotal:", 0) << 10;
	*available = number(proc, "meminfo", "MemAvailable:", 0) << 10;
	for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++)
		apply_groups(memory, available, &interfaces[i], root);
}

void kernel_siblings(cpu_set_t *siblings, const cpu_set_t *cores, const char *root)
{
	*siblings = *cores;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		char path[PATH], text[LINE];

		snprintf(path, sizeof path,
			"%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, i);
		if (CPU_ISSET(i, cores) && kernel_line(text, sizeof text, path, ""))
			add_listed_cores(siblings, text);
	}
}
