#ifndef CLI_COMPUTE_H
#define CLI_COMPUTE_H

#include "base/config.h"
#include "comm/comm.h"
#include "nn/backend.h"

/* Settle threads and data.threads where they are 0: the cores that this process may use, shared
 * with the other ranks of the host when they are not bound apart. */
void compute_threads(struct config *c, const struct comm *comm);

/* Open the device that the configuration, threads settled, names for this rank, without the other
 * ranks: it is not connected.  NULL with err. */
struct device *compute_open_alone(
	const struct config *c, const struct comm *comm, char err[ERR_MAX]);

/* Open the device that the configuration names, for this rank.  Settles the threads too
 * (compute_threads).  Collective; NULL on all ranks with err. */
struct device *compute_open(struct config *c, struct comm *comm, char err[ERR_MAX]);

#endif
