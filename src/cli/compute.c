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

void compute_threads(struct config *c, const struct comm *comm)
{
	if (c->threads == 0)
		c->threads = cores(comm);
	if (c->data.threads == 0)
		c->data.threads = c->threads;
}

struct device *compute_open_alone(
	const struct config *c, const struct comm *comm, char err[ERR_MAX])
{
	const struct backend *be = backend_find(c->device, err);
	const struct device_options options = { .index = comm->local_rank,
		.threads = c->threads,
		.precision = c->precision,
		.convolution = c->convolution,
		.workspace = (size_t)c->workspace_mib << 20 };

	if (!be)
		return NULL;
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
	struct device *dev;

	compute_threads(c, comm);
	dev = compute_open_alone(c, comm, err);
	if (comm_agree(comm, dev ? 0 : -1, err) == 0) {
		dev->be->connect(dev, comm);
		return dev;
	}
	if (dev)
		dev->be->close(dev);
	return NULL;
}
