/* ranks_cpu.c - collectives on memory of the CPU: those of the host. */
#include "comm/comm.h"

#include <string.h>

#include "cpu.h"

void connect_cpu(struct device *dev, struct comm *comm)
{
	dev->comm = comm;
}

void sum_double_cpu(struct device *dev, double *x, size_t n)
{
	dev->counts.collectives += dev->comm->size > 1;
	comm_sum_double(dev->comm, x, n);
}

void sum_float_cpu(struct device *dev, float *x, size_t n)
{
	dev->counts.collectives += dev->comm->size > 1;
	comm_sum_float(dev->comm, x, n);
}

void sum_start_cpu(struct device *dev, float *x, size_t n)
{
	dev->counts.collectives += dev->comm->size > 1;
	comm_sum_start(dev->comm, x, n);
}

void sum_finish_cpu(struct device *dev)
{
	comm_sum_finish(dev->comm);
}

void gather_cpu(struct device *dev, float *all, const float *own, int views, size_t n)
{
	size_t total = (size_t)dev->comm->size * n;

	dev->counts.collectives += dev->comm->size > 1;
	for (int v = 0; v < views; v++)
		comm_gather_float(dev->comm, all + (size_t)v * total, own + (size_t)v * n, n);
}
