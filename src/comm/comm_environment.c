/* comm_environment.c - which rank this is, by what launchers put into the environment. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "comm/comm_ops.h"

/* In the order of trying: set by hand, then from the launcher nearest to the rank outwards. */
static const struct launcher {
	const char *name, *rank, *size, *local_rank;
	const char *local_size; /* as text that of the size when all ranks are on this host */
} launchers[] = {
	{ "by hand", "RELIQUARY_RANK", "RELIQUARY_RANKS", "RELIQUARY_LOCAL_RANK", "" },
	{ "torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE" },
	{ "mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
		"OMPI_COMM_WORLD_LOCAL_SIZE" },
	{ "srun", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE" },
	{ "PMI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "" },
};

enum { LAUNCHERS = sizeof launchers / sizeof *launchers, RANKS_MAX = 1 << 20 };

/* The first launcher that has numbered the ranks; NULL: none. */
static const struct launcher *find_launcher(void)
{
	for (int i = 0; i < LAUNCHERS; i++)
		if (getenv(launchers[i].rank))
			return &launchers[i];
	return NULL;
}

/* A variable that is set, as a number from lo to hi. */
static int number(int *to, const char *name, int lo, int hi, char err[ERR_MAX])
{
	const char *text = getenv(name);
	char *end;
	long x;

	errno = 0;
	x = strtol(text, &end, 10);
	if (end == text || *end || errno || x < lo || x > hi)
		return fail(err, "%s=%.100s in the environment is not a whole number from %d to %d",
			name, text, lo, hi);
	*to = (int)x;
	return 0;
}

int comm_environment(struct comm_place *p, char err[ERR_MAX])
{
	const struct launcher *l = find_launcher();

	p->local_rank = -1;
	if (!l)
		return fail(err,
			"without MPI the environment must say which rank this is: set RELIQUARY_RANK (0, 1, ...) and "
			"RELIQUARY_RANKS (how many), or start by torchrun or srun");
	if (!getenv(l->size))
		return fail(err, "%s is in the environment, but not %s, the number of ranks",
			l->rank, l->size);
	if (number(&p->size, l->size, 1, RANKS_MAX, err) != 0 ||
		number(&p->rank, l->rank, 0, p->size - 1, err) != 0)
		return -1;
	return getenv(l->local_rank) ? number(&p->local_rank, l->local_rank, 0, p->size - 1, err)
				     : 0;
}

const char *comm_environment_launcher(int *ranks)
{
	const struct launcher *l = find_launcher();
	const char *size = l ? getenv(l->size) : NULL;

	*ranks = size ? atoi(size) : 0;
	return l ? l->name : NULL;
}

int comm_environment_one_host(void)
{
	const struct launcher *l = find_launcher();
	const char *size = l ? getenv(l->size) : NULL, *here = l ? getenv(l->local_size) : NULL;

	return l ? size && here && strcmp(size, here) == 0 : !getenv("PMIX_RANK");
}

int comm_environment_rank(void)
{
	const struct launcher *l = find_launcher();
	const char *text = l ? getenv(l->rank) : getenv("PMIX_RANK");

	return text ? atoi(text) : 0;
}
