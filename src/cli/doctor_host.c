/* doctor_host.c - what a rank can say of its host without help. */
#include "cli/doctor_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/compute.h"

static uint64_t limit(int which)
{
	struct rlimit l;

	if (getrlimit(which, &l) != 0 || l.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return l.rlim_cur;
}

/* The first line of a file that begins with key: what follows; 0 if there is none. */
static int line_of(char *text, int n, const char *path, const char *key)
{
	FILE *f = fopen(path, "r");
	size_t length = strlen(key);
	char line[512];
	int found = 0;

	while (f && !found && fgets(line, sizeof line, f))
		if (strncmp(line, key, length) == 0) {
			line[strcspn(line, "\n")] = 0;
			snprintf(text, (size_t)n, "%s", line + length);
			found = 1;
		}
	if (f)
		fclose(f);
	return found;
}

/* Kibibytes of /proc/meminfo, as bytes. */
static uint64_t meminfo(const char *key)
{
	char text[64];

	return line_of(text, sizeof text, "/proc/meminfo", key)
		? (uint64_t)strtoull(text, NULL, 10) << 10
		: 0;
}

/* A file of one number in a control group's folder; "max" and no file: no limit. */
static uint64_t group_number(const char *folder, const char *name)
{
	char path[640], text[64];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!line_of(text, sizeof text, path, "") || *text < '0' || *text > '9')
		return UINT64_MAX;
	return strtoull(text, NULL, 10);
}

/* The control group of this process and those above it limit its memory; version 2 of the kernel's
 * interface, which has one tree. */
static void limit_by_groups(struct doctor_rank *r)
{
	char own[256], folder[512];

	if (!line_of(own, sizeof own, "/proc/self/cgroup", "0::"))
		return;
	for (;;) {
		uint64_t most, used;
		char *end = strrchr(own, '/');

		snprintf(folder, sizeof folder, "/sys/fs/cgroup%s", own);
		most = group_number(folder, "memory.max");
		used = group_number(folder, "memory.current");
		if (most < r->memory)
			r->memory = most;
		if (most != UINT64_MAX && used != UINT64_MAX &&
			r->available > (most > used ? most - used : 0))
			r->available = most > used ? most - used : 0;
		if (!end || !*own)
			return;
		*end = 0;
	}
}

/* The word in brackets of "always [madvise] never". */
static void read_huge_pages(struct doctor_rank *r)
{
	char text[64], *begin;

	if (!line_of(text, sizeof text, "/sys/kernel/mm/transparent_hugepage/enabled", ""))
		return;
	begin = strchr(text, '[');
	if (begin)
		snprintf(r->huge_pages, sizeof r->huge_pages, "%.*s", (int)strcspn(begin + 1, "]"),
			begin + 1);
}

static void read_system(struct doctor_rank *r)
{
	struct utsname kernel;

	if (uname(&kernel) == 0)
		snprintf(r->release, sizeof r->release, "%.63s", kernel.release);
	if (line_of(r->system, sizeof r->system, "/etc/os-release", "PRETTY_NAME=\""))
		r->system[strcspn(r->system, "\"")] = 0;
}

void doctor_look(struct doctor_rank *r, const struct comm *comm, const struct config *c)
{
	memset(r, 0, sizeof *r);
	gethostname(r->host, sizeof r->host - 1);
	r->rank = comm->rank;
	r->local_rank = comm->local_rank;
	r->online = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
	r->threads = c->threads;
	r->decoders = c->data.threads;
	if (sched_getaffinity(0, sizeof r->cores, &r->cores) != 0)
		for (int i = 0; i < r->online; i++)
			CPU_SET((size_t)i, &r->cores);
	r->open_files = limit(RLIMIT_NOFILE);
	r->locked = limit(RLIMIT_MEMLOCK);
	r->memory = meminfo("MemTotal:");
	r->available = meminfo("MemAvailable:");
	limit_by_groups(r);
	read_huge_pages(r);
	read_system(r);
}

void doctor_look_at_device(struct doctor_rank *r, const struct comm *comm, const struct config *c)
{
	char err[ERR_MAX];
	struct device *dev = compute_open_alone(c, comm, err);

	if (!dev) {
		snprintf(r->device_error, sizeof r->device_error, "%.*s", DISK_ERROR - 1, err);
		return;
	}
	dev->be->about(&r->device, dev);
	dev->be->close(dev);
}

int doctor_is_bound(const struct doctor_rank *r)
{
	return CPU_COUNT(&r->cores) < r->online;
}

int doctor_same_host(const struct doctor_rank *a, const struct doctor_rank *b)
{
	return strcmp(a->host, b->host) == 0;
}
