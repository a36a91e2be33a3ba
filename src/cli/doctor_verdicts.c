/* doctor_verdicts.c - what each finding means for a run.
 * A fault that several hosts share is one verdict with all their names. */
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

/* ---- messages of ranks, hosts named together ---- */

/* Calls tell once for each different text that text_of gives and that is not empty. */
struct teller {
	const char *(*text_of)(const struct doctor_rank *r);
	void (*tell)(struct verdicts *v, const char *hosts, const struct doctor_rank *first);
};

static int told_before(const struct doctor_ranks *r, const struct teller *t, int i)
{
	for (int k = 0; k < i; k++)
		if (strcmp(t->text_of(&r->all[k]), t->text_of(&r->all[i])) == 0)
			return 1;
	return 0;
}

static void tell_all(struct verdicts *v, const struct doctor_ranks *r, const struct teller *t)
{
	const char **hosts = xmalloc((size_t)r->count * sizeof *hosts);
	char names[256];

	for (int i = 0; i < r->count; i++) {
		int count = 0;

		if (!*t->text_of(&r->all[i]) || told_before(r, t, i))
			continue;
		for (int k = i; k < r->count; k++)
			if (strcmp(t->text_of(&r->all[k]), t->text_of(&r->all[i])) == 0 &&
				(count == 0 || strcmp(hosts[count - 1], r->all[k].host) != 0))
				hosts[count++] = r->all[k].host;
		list_hosts(names, sizeof names, hosts, count);
		t->tell(v, names, &r->all[i]);
	}
	xfree(hosts);
}

static const char *device_error(const struct doctor_rank *r)
{
	return r->device_error;
}

static void tell_device(struct verdicts *v, const char *hosts, const struct doctor_rank *first)
{
	verdict_error(v, "%s: %s", hosts, first->device_error);
}

void verdicts_devices(struct verdicts *v, const struct doctor_ranks *r)
{
	static const struct teller devices = { device_error, tell_device };

	tell_all(v, r, &devices);
	for (int i = 0; i < r->count; i++)
		for (int k = i + 1; k < r->count; k++) {
			const struct doctor_rank *a = &r->all[i], *b = &r->all[k];

			if (*a->device.place && doctor_same_host(a, b) &&
				strcmp(a->device.place, b->device.place) == 0)
				verdict_error(v,
					"%s: ranks %d and %d have the same GPU (%s): start one rank a GPU (srun --gpus-per-task=1 "
					"--ntasks-per-node=GPUS, or mpirun --map-by ppr:GPUS:node)",
					a->host, a->rank, b->rank, a->device.place);
		}
}

static const char *data_error(const struct doctor_rank *r)
{
	return r->data_error;
}

static void tell_data(struct verdicts *v, const char *hosts, const struct doctor_rank *first)
{
	verdict_error(v, "%s: %s", hosts, first->data_error);
}

static const char *run_error(const struct doctor_rank *r)
{
	return r->run_error;
}

static void tell_run(struct verdicts *v, const char *hosts, const struct doctor_rank *first)
{
	verdict_error(v, "%s: %s", hosts, first->run_error);
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
	static const struct teller data = { data_error, tell_data }, run = { run_error, tell_run };

	tell_all(v, r, &data);
	compare_data(v, r, c->data.train);
	tell_all(v, r, &run);
	check_room(v, &r->all[0], c);
	check_shared(v, r, c);
}
