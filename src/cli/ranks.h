#ifndef CLI_RANKS_H
#define CLI_RANKS_H

#include "base/config.h"
#include "comm/comm.h"

/* Join the other ranks as the settings comm.* say.  NULL with err: see comm_open. */
struct comm *ranks_open(const struct config *c, char err[ERR_MAX]);

/* Before the ranks have joined: print what is wrong with the command line, which is the same for
 * all of them, on rank 0 alone.  Returns the exit status. */
int ranks_refuse(const char *command, const char *err);

#endif
