/* bench_pack.c - packing JPEG files that need no encoding, on one core. */
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/bench.h"
#include "data/jpeg.h"
#include "pack.h"

enum { FILES = 500 };

/* The set's images over and over, in memory and as files. */
struct files {
	int count;
	uint8_t **jpeg;
	size_t *bytes, *capacity;
	char *folder, *in, *out;
};

static int remove_entry(const char *path, const struct stat *s, int kind, struct FTW *place)
{
	(void)s;
	(void)kind;
	(void)place;
	return remove(path);
}

void bench_remove_folder(const char *folder)
{
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

char *bench_make_folder(char err[ERR_MAX])
{
	const char *base = getenv("TMPDIR");
	char *folder = xasprintf("%s/reliquary-bench-XXXXXX", base && *base ? base : "/tmp");

	if (mkdtemp(folder))
		return folder;
	fail(err, "%s: cannot make a temporary folder", folder);
	xfree(folder);
	return NULL;
}

static const char *const classes[2] = { "a", "b" };

static int make_classes(const struct files *f, char err[ERR_MAX])
{
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		char *path = xasprintf("%s/%s", f->in, classes[i]);

		rc = file_make_folder(path, err);
		xfree(path);
	}
	return rc;
}

static int write_file(struct files *f, const struct dataset *d, int i, char err[ERR_MAX])
{
	uint32_t record;
	const struct shard *s = dataset_find(d, (uint64_t)i % d->images, &record);
	long n = shard_read(s, record, &f->jpeg[i], &f->capacity[i], err);
	char *path;
	int rc;

	if (n < 0)
		return -1;
	f->bytes[i] = (size_t)n;
	path = xasprintf("%s/%s/%05d.jpg", f->in, classes[i % 2], i);
	rc = file_write_atomic(path, f->jpeg[i], f->bytes[i], err);
	xfree(path);
	return rc;
}

static int files_open(struct files *f, const struct dataset *d, char err[ERR_MAX])
{
	int rc;

	*f = (struct files){ .count = FILES,
		.jpeg = xcalloc(FILES, sizeof *f->jpeg),
		.bytes = xcalloc(FILES, sizeof *f->bytes),
		.capacity = xcalloc(FILES, sizeof *f->capacity) };
	f->folder = bench_make_folder(err);
	if (!f->folder)
		return -1;
	f->in = xasprintf("%s/in", f->folder);
	f->out = xasprintf("%s/out", f->folder);
	rc = make_classes(f, err);
	for (int i = 0; i < f->count && rc == 0; i++)
		rc = write_file(f, d, i, err);
	return rc;
}

static void files_close(struct files *f)
{
	if (f->folder)
		bench_remove_folder(f->folder);
	for (int i = 0; i < f->count; i++)
		xfree(f->jpeg[i]);
	xfree(f->jpeg);
	xfree(f->bytes);
	xfree(f->capacity);
	xfree(f->folder);
	xfree(f->in);
	xfree(f->out);
}

/* A run's seconds, and those of the processor. */
struct took {
	double passed, work;
};

static int time_pack(struct took *took, const struct files *f, char err[ERR_MAX])
{
	const char *const sources[] = { f->in };
	const struct pack_options o = { .input = { .sources = sources, .source_count = 1 },
		.out = f->out,
		.name = "bench",
		.split = "train",
		.shards = 1,
		.threads = 1 };
	struct pack_outcome outcome;
	double start = clock_seconds(), work = clock_process_work();
	int rc = pack_run(&o, &outcome, err);

	took->passed = clock_seconds() - start;
	took->work = clock_process_work() - work;
	bench_remove_folder(f->out);
	return rc;
}

static double time_decode(const struct files *f)
{
	struct image image = { 0 };
	size_t capacity = 0;
	char err[ERR_MAX];
	double start = clock_process_work(), seconds;

	for (int i = 0; i < f->count; i++)
		CHECK(jpeg_decode(&image, &capacity, f->jpeg[i], f->bytes[i], err) == 0, "%s", err);
	seconds = clock_process_work() - start;
	image_free(&image);
	return seconds;
}

static double time_crc(const struct files *f)
{
	volatile uint32_t crc = 0; /* so that nothing is left out */
	double start = clock_process_work();

	for (int i = 0; i < f->count; i++)
		crc = crc ^ crc32c(0, f->jpeg[i], f->bytes[i]);
	return clock_process_work() - start;
}

static int measure(struct bench_packing *p, const struct files *f, int repeats, char err[ERR_MAX])
{
	double pack[BENCH_REPEATS_MAX], work[BENCH_REPEATS_MAX], decode[BENCH_REPEATS_MAX],
		crc[BENCH_REPEATS_MAX];

	for (int i = 0; i < repeats; i++) {
		struct took took;

		if (time_pack(&took, f, err) != 0)
			return -1;
		pack[i] = took.passed;
		work[i] = took.work;
		decode[i] = time_decode(f);
		crc[i] = time_crc(f);
	}
	*p = (struct bench_packing){ .image_s = bench_median(pack, repeats) / f->count,
		.work_s = bench_median(work, repeats) / f->count,
		.decode_s = bench_median(decode, repeats) / f->count,
		.crc_s = bench_median(crc, repeats) / f->count };
	return 0;
}

int bench_pack(struct bench_packing *p, const struct bench *b, char err[ERR_MAX])
{
	cpu_set_t before, one;
	struct files f;
	int rc = files_open(&f, b->data, err), bound = 0;

	/* One thread decodes while another reads and writes: both on this core. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof before, &before) == 0)
		bound = sched_setaffinity(0, sizeof one, &one) == 0;
	if (rc == 0)
		rc = measure(p, &f, b->repeats, err);
	if (bound)
		sched_setaffinity(0, sizeof before, &before);
	files_close(&f);
	return rc;
}
