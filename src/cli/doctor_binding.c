/* doctor_binding.c - the verdicts on cores, limits and memory of hosts. */
#include <stdlib.h>

#include "cli/doctor_lists.h"
#include "cli/doctor_verdicts.h"

/* Threads and cores of the ranks of one host together. */
struct host_load {
	int ranks, threads, cores;
};

static struct host_load load_of(const struct doctor_ranks *r, const struct doctor_rank *one)
{
	struct host_load load = { 0 };
	cpu_set_t cores;

	CPU_ZERO(&cores);
	for (int i = 0; i < r->count; i++)
		if (doctor_same_host(&r->all[i], one)) {
			CPU_OR(&cores, &cores, &r->all[i].cores);
			load.ranks++;
			load.threads += r->all[i].threads;
		}
	load.cores = CPU_COUNT(&cores);
	return load;
}

/* Is there an earlier rank of the same host? */
static int is_first(const struct doctor_ranks *r, int i)
{
	for (int k = 0; k < i; k++)
		if (doctor_same_host(&r->all[k], &r->all[i]))
			return 0;
	return 1;
}

/* Bound ranks that share cores as no one can want it: only a part of them, or fewer than there are
 * ranks on just these.  Equal sets that are large enough are what a job's control group gives to
 * ranks that are not bound apart. */
static int in_each_others_way(
	const struct doctor_ranks *r, const struct doctor_rank *a, const struct doctor_rank *b)
{
	cpu_set_t both;
	int sharing = 0;

	CPU_AND(&both, &a->cores, &b->cores);
	if (!doctor_is_bound(a) || !doctor_is_bound(b) || CPU_COUNT(&both) == 0)
		return 0;
	if (!CPU_EQUAL(&a->cores, &b->cores))
		return 1;
	for (int i = 0; i < r->count; i++)
		sharing +=
			doctor_same_host(&r->all[i], a) && CPU_EQUAL(&r->all[i].cores, &a->cores);
	return sharing > CPU_COUNT(&a->cores);
}

/* One verdict a host: the first pair stands for all. */
static int find_clash(struct verdicts *v, const struct doctor_ranks *r, int first)
{
	char a[64], b[64];

	for (int i = first; i < r->count; i++)
		for (int k = i + 1; k < r->count; k++) {
			const struct doctor_rank *x = &r->all[i], *y = &r->all[k];

			if (!doctor_same_host(x, &r->all[first]) || !doctor_same_host(x, y) ||
				!in_each_others_way(r, x, y))
				continue;
			list_cores(a, sizeof a, &x->cores);
			list_cores(b, sizeof b, &y->cores);
			verdict_error(v,
				"%s: ranks %d and %d are bound to the same cores (%s and %s of %d): bind them apart by srun "
				"--cpu-bind=cores --cpus-per-task=N, or not at all by srun --cpu-bind=none, mpirun --bind-to none or "
				"OMPI_MCA_hwloc_base_binding_policy=none",
				x->host, x->rank, y->rank, a, b, x->online);
			return 1;
		}
	return 0;
}

static void check_threads(
	struct verdicts *v, const struct doctor_rank *one, const struct host_load *load)
{
	int fair = load->cores / load->ranks;
	const char *policy = getenv("OMP_WAIT_POLICY");

	if (load->threads <= load->cores)
		return;
	verdict_warning(v,
		"%s: %d rank%s with %d threads in all on %d core%s: set --threads=%d%s, or start fewer ranks there",
		one->host, load->ranks, load->ranks == 1 ? "" : "s", load->threads, load->cores,
		load->cores == 1 ? "" : "s", fair > 0 ? fair : 1,
		policy && (*policy == 'p' || *policy == 'P')
			? ""
			: " and OMP_WAIT_POLICY=passive, else threads that wait take the cores of those that work");
}

/* OpenMP binds the threads of each rank from the same first core on. */
static void check_places(
	struct verdicts *v, const struct doctor_rank *one, const struct host_load *load)
{
	const char *bind = getenv("OMP_PROC_BIND");

	if (bind && *bind && *bind != 'f' && *bind != 'F' && load->ranks > 1 &&
		!doctor_is_bound(one))
		verdict_warning(v,
			"%s: OMP_PROC_BIND=%s binds the threads of its %d ranks, which are not bound themselves, to the same cores: "
			"unset it, or bind the ranks by srun --cpu-bind=cores --cpus-per-task=N",
			one->host, bind, load->ranks);
}

void verdicts_binding(struct verdicts *v, const struct doctor_ranks *r)
{
	for (int i = 0; i < r->count; i++) {
		struct host_load load;

		if (!is_first(r, i))
			continue;
		load = load_of(r, &r->all[i]);
		if (find_clash(v, r, i))
			continue;
		check_threads(v, &r->all[i], &load);
		check_places(v, &r->all[i], &load);
	}
}

static int several_hosts(const struct doctor_ranks *r)
{
	for (int i = 1; i < r->count; i++)
		if (!doctor_same_host(&r->all[0], &r->all[i]))
			return 1;
	return 0;
}

void verdicts_limits(struct verdicts *v, const struct doctor_ranks *r)
{
	enum { BESIDES = 64 };                /* libraries, sockets, the run's own files */
	const uint64_t registered = 64 << 20; /* what fast networks lock for their buffers */

	for (int i = 0; i < r->count; i++) {
		const struct doctor_rank *one = &r->all[i];

		if (!is_first(r, i))
			continue;
		if (one->open_files < one->shards + BESIDES)
			verdict_error(v,
				"%s: a process may open %llu files, and the data set has %llu shards, all open at once: raise it by ulimit "
				"-n %llu (limits.conf, or Slurm's PropagateResourceLimits), or pack fewer shards",
				one->host, (unsigned long long)one->open_files,
				(unsigned long long)one->shards,
				(unsigned long long)one->shards + BESIDES);
		if (several_hosts(r) && one->locked < registered)
			verdict_warning(v,
				"%s: a process may lock %.0f MB of memory: InfiniBand and the like need more: ulimit -l unlimited",
				one->host, (double)one->locked / 1e6);
	}
}

void verdicts_memory(struct verdicts *v, const struct doctor_ranks *r, uint64_t need)
{
	for (int i = 0; i < r->count; i++) {
		const struct doctor_rank *one = &r->all[i];
		struct host_load load = load_of(r, one);
		double all = (double)need * load.ranks;

		if (!is_first(r, i))
			continue;
		if (all > (double)one->memory)
			verdict_error(v,
				"%s: %d rank%s would take about %.1f GB, and the host or job has %.1f GB: a smaller --train.batch, "
				"--train.recompute=views, more hosts, or more memory for the job (sbatch --mem)",
				one->host, load.ranks, load.ranks == 1 ? "" : "s", all / 1e9,
				(double)one->memory / 1e9);
		else if (all > (double)one->available)
			verdict_warning(v,
				"%s: %d rank%s would take about %.1f GB, and %.1f of %.1f GB are free: see what else runs there",
				one->host, load.ranks, load.ranks == 1 ? "" : "s", all / 1e9,
				(double)one->available / 1e9, (double)one->memory / 1e9);
	}
}
