/* doctor_host.c - what a rank can say of its host without help. */
#include "cli/doctor_host.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/compute.h"
#include "cli/doctor_kernel.h"

static uint64_t limit(int which)
{
	struct rlimit l;

	if (getrlimit(which, &l) != 0 || l.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return l.rlim_cur;
}

/* The word in brackets of "always [madvise] never". */
static void read_huge_pages(struct doctor_rank *r)
{
	char text[64], *begin;

	if (!kernel_line(text, sizeof text, "/sys/kernel/mm/transparent_hugepage/enabled", ""))
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
	if (kernel_line(r->system, sizeof r->system, "/etc/os-release", "PRETTY_NAME=\""))
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
	kernel_siblings(&r->siblings, &r->cores, "");
	r->open_files = limit(RLIMIT_NOFILE);
	r->locked = limit(RLIMIT_MEMLOCK);
	kernel_memory(&r->memory, &r->available, "");
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
