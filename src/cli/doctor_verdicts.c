/* doctor_verdicts.c - what each finding means for a run. */
#include "cli/doctor_verdicts.h"

#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "cli/doctor_files.h"
#include "cli/doctor_lists.h"

__attribute__((format(printf, 3, 0))) static void put(
	struct verdicts *v, const char *kind, const char *fmt, va_list args)
{
	fprintf(v->out, "%s: ", kind);
	vfprintf(v->out, fmt, args);
	fputc('\n', v->out);
}

void verdict_error(struct verdicts *v, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(v, "error", fmt, args);
	va_end(args);
	v->errors++;
}

void verdict_warning(struct verdicts *v, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(v, "warning", fmt, args);
	va_end(args);
	v->warnings++;
}

/* ---- of hosts ---- */

struct host_verdict {
	const char *host;
	char *text; /* NULL: told */
	int is_error;
};

__attribute__((format(printf, 4, 0))) static void wait_to_tell(
	struct verdicts *v, const char *host, int is_error, const char *fmt, va_list args)
{
	struct host_verdict *one;

	v->waiting = xrealloc(v->waiting, (size_t)(v->waiting_count + 1) * sizeof *v->waiting);
	one = &v->waiting[v->waiting_count++];
	*one = (struct host_verdict){ .host = host, .is_error = is_error };
	one->text = xvasprintf(fmt, args);
}

void host_error(struct verdicts *v, const char *host, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	wait_to_tell(v, host, 1, fmt, args);
	va_end(args);
}

void host_warning(struct verdicts *v, const char *host, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	wait_to_tell(v, host, 0, fmt, args);
	va_end(args);
}

/* Take the names of the hosts of which waiting[i] and those after it say the same; hosts has room
 * for all.  Its own text stays. */
static int take_alike(struct verdicts *v, int i, const char **hosts)
{
	const struct host_verdict *first = &v->waiting[i];
	int count = 0;

	for (int k = i; k < v->waiting_count; k++) {
		struct host_verdict *one = &v->waiting[k];

		if (!one->text || one->is_error != first->is_error ||
			strcmp(one->text, first->text) != 0)
			continue;
		if (count == 0 || strcmp(hosts[count - 1], one->host) != 0)
			hosts[count++] = one->host;
		if (k > i)
			xfree(one->text);
	}
	return count;
}

void verdicts_tell(struct verdicts *v)
{
	const char **hosts = xmalloc((size_t)v->waiting_count * sizeof *hosts);
	char names[256];

	for (int i = 0; i < v->waiting_count; i++) {
		struct host_verdict *one = &v->waiting[i];

		if (!one->text)
			continue;
		list_hosts(names, sizeof names, hosts, take_alike(v, i, hosts));
		(one->is_error ? verdict_error : verdict_warning)(v, "%s: %s", names, one->text);
		xfree(one->text);
	}
	xfree(hosts);
	xfree(v->waiting);
	v->waiting_count = 0;
}

void verdicts_end(const struct verdicts *v)
{
	fprintf(v->out,
		v->errors > 0 ? "A run would fail: %d error%s" : "A run would start: %d warning%s",
		v->errors > 0 ? v->errors : v->warnings,
		(v->errors > 0 ? v->errors : v->warnings) == 1 ? "" : "s");
	if (v->errors > 0 && v->warnings > 0)
		fprintf(v->out, ", %d warning%s", v->warnings, v->warnings == 1 ? "" : "s");
	fputc('\n', v->out);
}

/* ---- launcher, devices, files ---- */

void verdicts_launch(struct verdicts *v, const struct doctor_ranks *r,
	const struct doctor_launch *l, const struct config *c)
{
	if (c->comm.bootstrap != BOOTSTRAP_MPI || l->announced == 0 || l->announced == r->count)
		return;
	if (strcmp(l->launcher, "srun") == 0 && l->step_tasks == 0 && r->count == 1)
		verdict_warning(v,
			"the job has %d tasks, but this is one process that srun did not start: start it by srun --mpi=pmix, "
			"or by mpirun",
			l->announced);
	else
		verdict_error(v,
			"the launcher (%s) started %d ranks, but MPI found %d: each would be a job of its own: start by srun "
			"--mpi=pmix or by mpirun of the MPI that this program was built with, or go without MPI by "
			"--comm.bootstrap=file",
			l->launcher, l->announced, r->count);
}

static void check_card(struct verdicts *v, const struct doctor_rank *a, const struct doctor_rank *b)
{
	if (*a->device.place && doctor_same_host(a, b) &&
		strcmp(a->device.place, b->device.place) == 0)
		host_error(v, a->host,
			"local ranks %d and %d have the same GPU (%s): start one rank a GPU (srun --gpus-per-task=1 "
			"--ntasks-per-node=GPUS, or mpirun --map-by ppr:GPUS:node)",
			a->local_rank, b->local_rank, a->device.place);
}

void verdicts_devices(struct verdicts *v, const struct doctor_ranks *r)
{
	for (int i = 0; i < r->count; i++) {
		if (*r->all[i].device_error)
			host_error(v, r->all[i].host, "%s", r->all[i].device_error);
		for (int k = i + 1; k < r->count; k++)
			check_card(v, &r->all[i], &r->all[k]);
	}
	verdicts_tell(v);
}

/* The same path may hold another set on each host. */
static void compare_data(struct verdicts *v, const struct doctor_ranks *r, const char *path)
{
	const struct doctor_rank *first = NULL;

	for (int i = 0; i < r->count; i++) {
		const struct doctor_rank *one = &r->all[i];

		if (one->shards == 0)
			continue;
		if (!first)
			first = one;
		if (one->images != first->images || one->shards != first->shards)
			verdict_error(v,
				"%s holds %llu images in %llu shards on %s, but %llu in %llu on %s: copy the same data set to all",
				path, (unsigned long long)first->images,
				(unsigned long long)first->shards, first->host,
				(unsigned long long)one->images, (unsigned long long)one->shards,
				one->host);
	}
}

static void check_room(struct verdicts *v, const struct doctor_rank *r, const struct config *c)
{
	uint64_t one = doctor_checkpoint_bytes(c), all = one * ((uint64_t)c->checkpoint.keep + 1);

	if (*r->run_error || !*c->run.dir || r->run_free >= all)
		return;
	if (r->run_free < one)
		verdict_error(v,
			"%s: %.2f GB are free (%s), and a checkpoint is %.2f GB: make room, or choose another --run.dir",
			c->run.dir, (double)r->run_free / 1e9, r->run_disk, (double)one / 1e9);
	else
		verdict_warning(v,
			"%s: %.2f GB are free (%s), and the %d checkpoints that are there at a time take %.2f GB: make room, or lower "
			"--checkpoint.keep",
			c->run.dir, (double)r->run_free / 1e9, r->run_disk, c->checkpoint.keep + 1,
			(double)all / 1e9);
}

/* Every rank reads the checkpoint from which a run goes on. */
static void check_shared(struct verdicts *v, const struct doctor_ranks *r, const struct config *c)
{
	for (int i = 1; i < r->count; i++)
		if (*c->run.dir && !doctor_same_host(&r->all[0], &r->all[i]) &&
			!r->all[0].run_shared) {
			verdict_warning(v,
				"%s: on %s, which other hosts do not seem to see: going on from a checkpoint needs it on all: choose a "
				"--run.dir on a shared filesystem",
				c->run.dir, r->all[0].run_disk);
			return;
		}
}

void verdicts_files(struct verdicts *v, const struct doctor_ranks *r, const struct config *c)
{
	for (int i = 0; i < r->count; i++)
		if (*r->all[i].data_error)
			host_error(v, r->all[i].host, "%s", r->all[i].data_error);
	verdicts_tell(v);
	compare_data(v, r, c->data.train);
	for (int i = 0; i < r->count; i++)
		if (*r->all[i].run_error)
			host_error(v, r->all[i].host, "%s", r->all[i].run_error);
	verdicts_tell(v);
	check_room(v, &r->all[0], c);
	check_shared(v, r, c);
}
