#ifndef CLI_COMPUTE_H
#define CLI_COMPUTE_H

#include "base/config.h"
#include "comm/comm.h"
#include "nn/backend.h"

/* Open the device that the configuration names, for this rank.  Settles threads and data.threads
 * where they are 0: the cores that this process may use, shared with the other ranks of the host
 * when they are not bound apart.  Collective; NULL on all ranks with err. */
struct device *compute_open(struct config *c, struct comm *comm, char err[ERR_MAX]);

#endif
