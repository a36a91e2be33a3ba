#include "cli/compute.h"

#include <sched.h>
#include <unistd.h>

static int cores(const struct comm *comm)
{
	cpu_set_t set;
	int online = (int)sysconf(_SC_NPROCESSORS_ONLN), mine = online;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		mine = CPU_COUNT(&set);
	/* A process that may run anywhere was not bound: its neighbours may too. */
	if (mine >= online)
		mine = online / comm->local_size;
	return mine > 0 ? mine : 1;
}

static struct device *open_device(const struct config *c, const struct comm *comm,
	const struct backend *be, char err[ERR_MAX])
{
	const struct device_options options = { .index = comm->local_rank,
		.threads = c->threads,
		.precision = c->precision,
		.workspace = (size_t)c->workspace_mib << 20 };

	if (c->views.exact && !be->naive_views) {
		fail(err,
			"views.exact=true: device '%s' makes views in one way only; set "
			"views.exact=false, or device=cpu",
			be->name);
		return NULL;
	}
	return be->open(&options, err);
}

struct device *compute_open(struct config *c, struct comm *comm, char err[ERR_MAX])
{
	const struct backend *be = backend_find(c->device, err);
	struct device *dev = NULL;

	if (c->threads == 0)
		c->threads = cores(comm);
	if (c->data.threads == 0)
		c->data.threads = c->threads;
	if (be)
		dev = open_device(c, comm, be, err);
	if (comm_agree(comm, dev ? 0 : -1, err) == 0) {
		be->connect(dev, comm);
		return dev;
	}
	if (dev)
		be->close(dev);
	return NULL;
}
