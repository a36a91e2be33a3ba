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

/* Bound apart, but to hyperthreads that take turns on one core. */
static int share_a_core(
	const struct doctor_ranks *r, const struct doctor_rank *a, const struct doctor_rank *b)
{
	cpu_set_t both;

	(void)r;
	CPU_AND(&both, &a->cores, &b->cores);
	if (!doctor_is_bound(a) || !doctor_is_bound(b) || CPU_COUNT(&both) > 0)
		return 0;
	CPU_AND(&both, &a->siblings, &b->cores);
	return CPU_COUNT(&both) > 0;
}

/* Two ranks of a host, and their cores as people write them. */
struct pair {
	const struct doctor_rank *a, *b;
	char cores_a[64], cores_b[64];
};

/* The first pair of the host of rank `first` of which test says yes stands for all; 0: none. */
static int find_pair(struct pair *p, const struct doctor_ranks *r, int first,
	int (*test)(const struct doctor_ranks *r, const struct doctor_rank *a,
		const struct doctor_rank *b))
{
	for (int i = first; i < r->count; i++)
		for (int k = i + 1; k < r->count && doctor_same_host(&r->all[first], &r->all[i]);
			k++) {
			p->a = &r->all[i];
			p->b = &r->all[k];
			if (!doctor_same_host(p->a, p->b) || !test(r, p->a, p->b))
				continue;
			list_cores(p->cores_a, sizeof p->cores_a, &p->a->cores);
			list_cores(p->cores_b, sizeof p->cores_b, &p->b->cores);
			return 1;
		}
	return 0;
}

/* 1: there was an error, beside which more need not be said of the host's cores. */
static int check_cores(struct verdicts *v, const struct doctor_ranks *r, int first)
{
	struct pair p;

	if (find_pair(&p, r, first, in_each_others_way)) {
		host_error(v, p.a->host,
			"local ranks %d and %d are bound to the same cores (%s and %s of %d): bind them apart by srun "
			"--cpu-bind=cores --cpus-per-task=N, or not at all by srun --cpu-bind=none, mpirun --bind-to none or "
			"OMPI_MCA_hwloc_base_binding_policy=none",
			p.a->local_rank, p.b->local_rank, p.cores_a, p.cores_b, p.a->online);
		return 1;
	}
	if (find_pair(&p, r, first, share_a_core))
		host_warning(v, p.a->host,
			"local ranks %d and %d are bound to hyperthreads of the same core (%s and %s of %d): give each whole cores by "
			"srun --hint=nomultithread or --cpus-per-task=N with an even N, or mpirun --map-by core --bind-to core",
			p.a->local_rank, p.b->local_rank, p.cores_a, p.cores_b, p.a->online);
	return 0;
}

static void check_threads(
	struct verdicts *v, const struct doctor_rank *one, const struct host_load *load)
{
	int fair = load->cores / load->ranks;
	const char *policy = getenv("OMP_WAIT_POLICY");

	if (load->threads <= load->cores)
		return;
	host_warning(v, one->host,
		"%d rank%s with %d threads in all on %d core%s: set --threads=%d%s, or start fewer ranks there",
		load->ranks, load->ranks == 1 ? "" : "s", load->threads, load->cores,
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
		host_warning(v, one->host,
			"OMP_PROC_BIND=%s binds the threads of its %d ranks, which are not bound themselves, to the same cores: "
			"unset it, or bind the ranks by srun --cpu-bind=cores --cpus-per-task=N",
			bind, load->ranks);
}

void verdicts_binding(struct verdicts *v, const struct doctor_ranks *r)
{
	for (int i = 0; i < r->count; i++) {
		struct host_load load;

		if (!is_first(r, i))
			continue;
		load = load_of(r, &r->all[i]);
		if (check_cores(v, r, i))
			continue;
		check_threads(v, &r->all[i], &load);
		check_places(v, &r->all[i], &load);
	}
	verdicts_tell(v);
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
			host_error(v, one->host,
				"a process may open %llu files, and the data set has %llu shards, all open at once: raise it by ulimit "
				"-n %llu (limits.conf, or Slurm's PropagateResourceLimits), or pack fewer shards",
				(unsigned long long)one->open_files,
				(unsigned long long)one->shards,
				(unsigned long long)one->shards + BESIDES);
		if (several_hosts(r) && one->locked < registered)
			host_warning(v, one->host,
				"a process may lock %.0f MB of memory: InfiniBand and the like need more: ulimit -l unlimited",
				(double)one->locked / 1e6);
	}
	verdicts_tell(v);
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
			host_error(v, one->host,
				"%d rank%s would take about %.1f GB, and the host or job has %.1f GB: a smaller --train.batch, "
				"--train.recompute=views, more hosts, or more memory for the job (sbatch --mem)",
				load.ranks, load.ranks == 1 ? "" : "s", all / 1e9,
				(double)one->memory / 1e9);
		else if (all > (double)one->available)
			host_warning(v, one->host,
				"%d rank%s would take about %.1f GB, and %.1f of %.1f GB are free: see what else runs there",
				load.ranks, load.ranks == 1 ? "" : "s", all / 1e9,
				(double)one->available / 1e9, (double)one->memory / 1e9);
	}
	verdicts_tell(v);
}
