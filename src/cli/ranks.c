#include "cli/ranks.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"

struct comm *ranks_open(const struct config *c, char err[ERR_MAX])
{
	const struct comm_options o = {
		.bootstrap = c->comm.bootstrap,
		.address = c->comm.address,
		.timeout_s = c->comm.timeout_s,
	};

	return comm_open(&o, err);
}

int ranks_refuse(const char *command, const char *err)
{
	if (comm_environment_rank() == 0)
		fprintf(stderr, "reliquary %s: %s\n", command, err);
	else
		sleep(1); /* launchers end a job with its first rank: rank 0 shall have spoken by
			     then */
	return EXIT_USAGE;
}
