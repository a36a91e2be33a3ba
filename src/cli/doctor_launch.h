#ifndef CLI_DOCTOR_LAUNCH_H
#define CLI_DOCTOR_LAUNCH_H

#include <stdio.h>

#include "base/config.h"

/* How this process was started, by its environment as it was before MPI added to it. */
struct doctor_launch {
	const char *launcher; /* constant; NULL: none has numbered the ranks */
	int announced;        /* ranks that it says there are; 0: it does not */
	int step_tasks;       /* of the Slurm step; 0: started by no srun */
	int pmi; /* 1: there is PMIx or PMI, by which MPI finds the others, or it needs none */
	const char *mpi_type; /* srun --mpi=..., NULL: not said */
};

/* Call before comm_open. */
void doctor_launch_look(struct doctor_launch *l);

/* -1 with err when MPI cannot even begin: started by an srun without PMIx, where MPI_Init would end
 * the process with the words of the library. */
int doctor_launch_check(const struct doctor_launch *l, const struct config *c, char err[ERR_MAX]);

/* Launcher, Slurm's job and its end, and those variables that are set and matter. */
void doctor_launch_print(FILE *out, const struct doctor_launch *l);

#endif
