#include "cli/doctor_table.h"

#include <string.h>

#include "autoconfig.h"
#include "base/memory.h"
#include "cli/doctor_files.h"
#include "cli/doctor_lists.h"
#include "data/jpeg.h"
#include "data/shard.h"
#include "nn/backend.h"

enum { LINE = 400 };

#if defined(__clang__)
#define COMPILER ""
#else
#define COMPILER "gcc "
#endif

/* ---- hosts that are alike share a line ---- */

struct line {
	const char *host;
	char text[LINE]; /* empty: nothing to say */
};

/* Print each text once, after the names of its hosts. */
static void print_merged(FILE *out, const struct line *lines, int count)
{
	const char **hosts = xmalloc((size_t)count * sizeof *hosts);
	char names[256];

	for (int i = 0; i < count; i++) {
		int n = 0, seen = !*lines[i].text;

		for (int k = 0; k < i && !seen; k++)
			seen = strcmp(lines[k].text, lines[i].text) == 0;
		for (int k = i; k < count && !seen; k++)
			if (strcmp(lines[k].text, lines[i].text) == 0)
				hosts[n++] = lines[k].host;
		if (seen)
			continue;
		list_hosts(names, sizeof names, hosts, n);
		fprintf(out, "  %-16s %s\n", names, lines[i].text);
	}
	xfree(hosts);
}

/* One line for each host, from its first rank. */
static void print_hosts(FILE *out, const struct doctor_ranks *r,
	void (*describe)(
		char text[LINE], const struct doctor_ranks *r, const struct doctor_rank *first))
{
	struct line *lines = xcalloc((size_t)r->count, sizeof *lines);
	int count = 0;

	for (int i = 0; i < r->count; i++) {
		int k = 0;

		while (k < count && strcmp(lines[k].host, r->all[i].host) != 0)
			k++;
		if (k < count)
			continue;
		lines[count].host = r->all[i].host;
		describe(lines[count++].text, r, &r->all[i]);
	}
	print_merged(out, lines, count);
	xfree(lines);
}

/* ---- versions ---- */

static void describe_system(
	char text[LINE], const struct doctor_ranks *r, const struct doctor_rank *first)
{
	(void)r;
	snprintf(text, LINE, "%s, kernel %s, huge pages: %s", first->system, first->release,
		*first->huge_pages ? first->huge_pages : "unknown");
}

static void print_back_ends(FILE *out)
{
	static const char *const names[] = { "cpu", "cuda" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char err[ERR_MAX], label[32];
		const struct backend *be = backend_find(names[i], err);
		struct device_about about = { .libraries = "not built in" };

		if (be)
			be->about(&about, NULL);
		snprintf(label, sizeof label, "device %s", names[i]);
		fprintf(out, "  %-16s %s\n", label, about.libraries);
	}
}

void doctor_print_versions(FILE *out, const struct doctor_ranks *r, const char *mpi)
{
	char hdf5[32];

	shard_hdf5_version(hdf5);
	fprintf(out, "versions\n");
	fprintf(out, "  %-16s %s, compiled by %s%s\n", "reliquary", PACKAGE_VERSION, COMPILER,
		__VERSION__);
	fprintf(out, "  %-16s %s\n", "MPI", mpi);
	fprintf(out, "  %-16s HDF5 %s, %s\n", "files", hdf5, jpeg_library());
	print_back_ends(out);
	print_hosts(out, r, describe_system);
}

/* ---- hosts ---- */

/* "2: 0-3 | 4-7", or "2: 0-7 each" where all have the same. */
static void describe_cores(
	char *text, size_t n, const struct doctor_ranks *r, const struct doctor_rank *first)
{
	int same = 1, count = 0;
	char cores[64];

	for (int i = 0; i < r->count; i++)
		if (doctor_same_host(&r->all[i], first)) {
			same = same && CPU_EQUAL(&r->all[i].cores, &first->cores);
			count++;
		}
	list_cores(cores, sizeof cores, &first->cores);
	snprintf(text, n, "%s%s", cores, same && count > 1 ? " each" : "");
	for (int i = 0; i < r->count && !same; i++) {
		size_t used = strlen(text);

		if (&r->all[i] == first || !doctor_same_host(&r->all[i], first))
			continue;
		list_cores(cores, sizeof cores, &r->all[i].cores);
		snprintf(text + used, n - used, " | %s", cores);
	}
}

static void describe_count(char *text, size_t n, uint64_t x, uint64_t unit)
{
	if (x == UINT64_MAX)
		snprintf(text, n, "unlimited");
	else
		snprintf(text, n, "%llu", (unsigned long long)(x / unit));
}

static void describe_host(
	char text[LINE], const struct doctor_ranks *r, const struct doctor_rank *first)
{
	char cores[160], files[24], locked[24];
	int ranks = 0;

	for (int i = 0; i < r->count; i++)
		ranks += doctor_same_host(&r->all[i], first);
	describe_cores(cores, sizeof cores, r, first);
	describe_count(files, sizeof files, first->open_files, 1);
	describe_count(locked, sizeof locked, first->locked, 1 << 20);
	snprintf(text, LINE, "%5d  %-20s %5d  %7d %8d  %10s  %10s  %6.0f", ranks, cores,
		first->online, first->threads, first->decoders, files, locked,
		(double)first->memory / 1e9);
}

void doctor_print_hosts(FILE *out, const struct doctor_ranks *r)
{
	fprintf(out, "%-18s %5s  %-20s %5s  %16s  %10s  %10s  %6s\n", "hosts", "ranks",
		"cores of each rank", "of", "threads decoders", "open files", "locked, MiB", "GB");
	print_hosts(out, r, describe_host);
}

/* ---- cards ---- */

void doctor_print_devices(FILE *out, const struct doctor_ranks *r)
{
	struct line *lines = xcalloc((size_t)r->count, sizeof *lines);
	int found = 0;

	for (int i = 0; i < r->count; i++) {
		const struct device_about *a = &r->all[i].device;

		lines[i].host = r->all[i].host;
		if (!*a->name)
			continue;
		found = 1;
		snprintf(lines[i].text, LINE,
			"rank %d: %s at %s, compute capability %d.%d, %.1f of %.1f GB free",
			r->all[i].local_rank, a->name, a->place, a->major, a->minor,
			(double)a->free / 1e9, (double)a->memory / 1e9);
	}
	if (found) {
		fprintf(out, "GPUs, by the rank's number on its host\n");
		print_merged(out, lines, r->count);
	}
	xfree(lines);
}

/* ---- files ---- */

static void describe_data(
	char text[LINE], const struct doctor_ranks *r, const struct doctor_rank *first)
{
	int used = snprintf(text, LINE, "%s%s", *first->data_disk ? first->data_disk : "unknown",
		first->data_shared ? " (over a network)" : "");

	(void)r;
	if (first->shards > 0)
		snprintf(text + used, (size_t)(LINE - used), ": %llu images in %llu shards",
			(unsigned long long)first->images, (unsigned long long)first->shards);
}

/* Slowest and fastest: the hosts read at the same time, so a step waits for the slowest. */
static void print_rates(FILE *out, const struct doctor_ranks *r)
{
	const struct doctor_rank *low = NULL, *high = NULL;

	for (int i = 0; i < r->count; i++) {
		const struct doctor_rank *one = &r->all[i];

		if (one->read_bytes == 0)
			continue;
		if (!low ||
			(double)one->read_bytes * low->read_s <
				(double)low->read_bytes * one->read_s)
			low = one;
		if (!high ||
			(double)one->read_bytes * high->read_s >
				(double)high->read_bytes * one->read_s)
			high = one;
	}
	if (!low)
		return;
	fprintf(out,
		"  %-16s %.0f MB/s (%.0f MB, one reader a host, all hosts at once; what is cached flatters)",
		"read", (double)low->read_bytes / 1e6 / low->read_s, (double)low->read_bytes / 1e6);
	if (high != low)
		fprintf(out, " on %s, the slowest; %.0f MB/s on %s, the fastest", low->host,
			(double)high->read_bytes / 1e6 / high->read_s, high->host);
	fprintf(out, "\n");
}

static void print_run(FILE *out, const struct doctor_rank *r, const struct config *c)
{
	fprintf(out, "run %s\n", c->run.dir);
	fprintf(out, "  %-16s %s%s: %.1f GB free; a checkpoint is %.3f GB\n", r->host,
		*r->run_disk ? r->run_disk : "unknown", r->run_shared ? " (over a network)" : "",
		(double)r->run_free / 1e9, (double)doctor_checkpoint_bytes(c) / 1e9);
	if (r->write_bytes > 0)
		fprintf(out, "  %-16s %.0f MB/s (%.0f MB, synced)\n", "written",
			(double)r->write_bytes / 1e6 / r->write_s, (double)r->write_bytes / 1e6);
}

void doctor_print_files(FILE *out, const struct doctor_ranks *r, const struct config *c)
{
	if (*c->data.train) {
		fprintf(out, "data %s\n", c->data.train);
		print_hosts(out, r, describe_data);
		print_rates(out, r);
	} else {
		fprintf(out, "data: not looked at; --data.train=DIR names the data set\n");
	}
	if (*c->run.dir)
		print_run(out, &r->all[0], c);
	else
		fprintf(out, "run: not looked at; --run.dir=DIR names its folder\n");
}
