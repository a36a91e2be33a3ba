#include "cli/doctor_launch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "comm/comm.h"

/* Variables by which MPI libraries are told where the other ranks are; PALS is Cray's. */
static const char *const pmi_variables[] = { "PMIX_RANK", "PMIX_NAMESPACE", "PMI_RANK", "PMI_FD",
	"PALS_RANKID", "OMPI_COMM_WORLD_SIZE" };

static const char *const shown_variables[] = { "OMP_NUM_THREADS", "OMP_WAIT_POLICY",
	"GOMP_SPINCOUNT", "OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY",
	"HDF5_USE_FILE_LOCKING", "CUDA_VISIBLE_DEVICES", "CUDA_MPS_PIPE_DIRECTORY",
	"NCCL_SOCKET_IFNAME", "NCCL_IB_HCA", "NCCL_IB_DISABLE", "NCCL_P2P_DISABLE", "NCCL_DEBUG",
	"UCX_TLS", "UCX_NET_DEVICES", "OMPI_MCA_btl", "OMPI_MCA_pml",
	"OMPI_MCA_hwloc_base_binding_policy", "SLURM_CPU_BIND", "SLURM_CPUS_PER_TASK",
	"LD_LIBRARY_PATH", "LD_PRELOAD" };

enum {
	PMI_VARIABLES = sizeof pmi_variables / sizeof *pmi_variables,
	SHOWN_VARIABLES = sizeof shown_variables / sizeof *shown_variables
};

static int number(const char *name)
{
	const char *text = getenv(name);

	return text ? atoi(text) : 0;
}

void doctor_launch_look(struct doctor_launch *l)
{
	*l = (struct doctor_launch){ .mpi_type = getenv("SLURM_MPI_TYPE") };
	l->launcher = comm_environment_launcher(&l->announced);
	/* The script of a batch job has numbers of its tasks too, but is in no step. */
	if (getenv("SLURM_STEP_ID"))
		l->step_tasks = number("SLURM_STEP_NUM_TASKS");
	l->pmi = !comm_mpi_needs_pmi();
	for (int i = 0; i < PMI_VARIABLES; i++)
		l->pmi |= getenv(pmi_variables[i]) != NULL;
}

int doctor_launch_check(const struct doctor_launch *l, const struct config *c, char err[ERR_MAX])
{
	if (c->comm.bootstrap != BOOTSTRAP_MPI || l->step_tasks == 0 || l->pmi)
		return 0;
	return fail(err,
		"srun%s%s started %d task%s and tells MPI nothing of them: it would fail, or make each a job of one rank: "
		"start by srun --mpi=pmix (srun --mpi=list tells what there is), or without MPI by --comm.bootstrap=file "
		"--comm.address=PATH that all nodes see",
		l->mpi_type ? " --mpi=" : "", l->mpi_type ? l->mpi_type : "", l->step_tasks,
		l->step_tasks == 1 ? "" : "s");
}

static void print_end(FILE *out)
{
	const char *text = getenv("SLURM_JOB_END_TIME");
	time_t end = text ? (time_t)atoll(text) : 0, left = end - time(NULL);
	struct tm local;
	char when[64];

	if (end <= 0 || !localtime_r(&end, &local))
		return;
	strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
	fprintf(out, "  %-16s %s, in %lld h %02d min\n", "end of the job", when,
		(long long)left / 3600, (int)(left % 3600 / 60));
}

static void print_job(FILE *out)
{
	static const struct {
		const char *what, *variable;
	} lines[] = { { "Slurm job", "SLURM_JOB_ID" }, { "partition", "SLURM_JOB_PARTITION" },
		{ "nodes", "SLURM_JOB_NODELIST" } };

	if (!getenv("SLURM_JOB_ID"))
		return;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (getenv(lines[i].variable))
			fprintf(out, "  %-16s %s\n", lines[i].what, getenv(lines[i].variable));
	print_end(out);
}

void doctor_launch_print(FILE *out, const struct doctor_launch *l)
{
	fprintf(out, "  %-16s %s", "launcher", l->launcher ? l->launcher : "none");
	if (l->mpi_type)
		fprintf(out, " --mpi=%s", l->mpi_type);
	if (l->announced > 0)
		fprintf(out, ", which says %d rank%s", l->announced, l->announced == 1 ? "" : "s");
	fprintf(out, "\n");
	print_job(out);
	for (int i = 0; i < SHOWN_VARIABLES; i++)
		if (getenv(shown_variables[i]))
			fprintf(out, "  %s=%s\n", shown_variables[i], getenv(shown_variables[i]));
}
