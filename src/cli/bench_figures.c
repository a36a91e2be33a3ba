/* bench_figures.c - which figures are measured, and how they are told. */
#include "cli/bench_figures.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const char *const names[FIGURES] = { "views", "crops", "reads", "pack", "start", "save",
	"step" };

int figures_choose(unsigned *wanted, const char *words, char err[ERR_MAX])
{
	*wanted = 0;
	while (*words) {
		size_t n = strcspn(words, ",");
		int i = 0;

		while (i < FIGURES && (strlen(names[i]) != n || strncmp(names[i], words, n) != 0))
			i++;
		if (i == FIGURES)
			return fail(err,
				"--only %.*s: name some of views, crops, reads, pack, start, save, step, with commas between",
				(int)n, words);
		*wanted |= 1u << i;
		words += n;
		words += *words == ',';
	}
	if (*wanted == 0)
		*wanted = (1u << FIGURES) - 1;
	return 0;
}

static int wants(unsigned wanted, enum figure figure)
{
	int yes = (wanted >> figure & 1) != 0;

	if (yes)
		log_info("%s", names[figure]);
	return yes;
}

static int measure_core(struct figures *f, const struct bench *b, unsigned wanted,
	const struct device_options *single, const struct backend *be, char err[ERR_MAX])
{
	struct device *one;

	if (!(wanted & (1u << FIGURE_VIEWS | 1u << FIGURE_CROPS | 1u << FIGURE_READS)))
		return 0;
	one = be->open(single, err);
	if (!one)
		return -1;
	if (wants(wanted, FIGURE_VIEWS))
		f->views = bench_views(b, one);
	if (wants(wanted, FIGURE_CROPS))
		f->crops = bench_crops(b, one);
	if (wants(wanted, FIGURE_READS))
		f->reads = bench_reads(b);
	be->close(one);
	return 0;
}

/* What only rank 0 does in a run. */
static int measure_chief(struct figures *f, const struct bench *b, unsigned wanted,
	struct device *dev, char err[ERR_MAX])
{
	if (wants(wanted, FIGURE_PACK) && bench_pack(&f->pack, b, err) != 0)
		return -1;
	if (wants(wanted, FIGURE_START) && (f->first_batch = bench_first_batch(b, err)) < 0)
		return -1;
	if (wants(wanted, FIGURE_SAVE) && (f->save = bench_save(b, dev, err)) < 0)
		return -1;
	return 0;
}

int figures_measure(struct figures *f, const struct bench *b, unsigned wanted, struct comm *comm,
	struct device *dev, char err[ERR_MAX])
{
	const struct device_options single = { .index = comm->local_rank, .threads = 1 };
	int rc = measure_core(f, b, wanted, &single, dev->be, err);

	if (rc == 0 && comm->rank == 0)
		rc = measure_chief(f, b, wanted, dev, err);
	if (comm_agree(comm, rc, err) != 0)
		return -1;
	if (wants(wanted, FIGURE_STEP)) {
		f->step = bench_step(b, comm, dev);
		f->operations =
			bench_operations(b->config, comm->size) * f->step / b->config->train.batch;
	}
	f->peak = bench_peak_bytes();
	return 0;
}

/* Images a second of packing but for its check of each image and for the disk; 0: measured apart,
 * the check took no less than the whole, as on a busy machine it may. */
static double unchecked(const struct bench_packing *p)
{
	double rest = p->work_s - p->decode_s - p->crc_s;

	return rest > 0 ? 1 / rest : 0;
}

static void member(const char *key, double value)
{
	if (value > 0)
		printf("\"%s\":%.6g,", key, value);
}

void figures_print_json(const struct figures *f)
{
	printf("{");
	member("views_per_s_per_core", f->views);
	member("crops_per_s_per_core", f->crops);
	member("shard_reads_per_s_per_core", f->reads);
	if (f->pack.image_s > 0) {
		member("pack_images_per_s_per_core", 1 / f->pack.image_s);
		member("pack_work_s_per_image", f->pack.work_s);
		member("pack_decode_s_per_image", f->pack.decode_s);
		member("pack_crc_s_per_image", f->pack.crc_s);
		member("pack_unchecked_images_per_s_per_core", unchecked(&f->pack));
	}
	member("first_batch_s", f->first_batch);
	member("checkpoint_stall_s", f->save);
	member("step_images_per_s", f->step);
	member("step_operations_per_s", f->operations);
	printf("\"peak_bytes\":%.0f}\n", f->peak);
}

static void print_pack(const struct bench_packing *p)
{
	printf("packing JPEG files as they are              %10.0f images/s per core\n",
		1 / p->image_s);
	printf("  of %.3f ms an image the processor works %.3f ms, %.3f of them to decode it as a check, %.4f for its CRC",
		1e3 * p->image_s, 1e3 * p->work_s, 1e3 * p->decode_s, 1e3 * p->crc_s);
	if (unchecked(p) > 0)
		printf(":\n  %.0f images/s without these two and without waiting for the disk",
			unchecked(p));
	printf("\n");
}

static void print_step(const struct figures *f, const struct config *c, int ranks)
{
	printf("training step, %s x %g, batch %d, %d rank%s of %d thread%s %8.2f images/s\n",
		c->model.arch, c->model.width, c->train.batch, ranks, ranks == 1 ? "" : "s",
		c->threads, c->threads == 1 ? "" : "s", f->step);
	printf("  a step takes %.1f ms and does %.3g GFLOP/s a rank in convolutions and products\n",
		1e3 * c->train.batch / f->step, f->operations / 1e9);
}

void figures_print(const struct figures *f, const struct bench *b, int ranks)
{
	const struct config *c = b->config;

	if (f->views > 0)
		printf("read + decode + all views, %d x %d + %d x %d  %10.0f views/s per core\n",
			c->views.large, c->views.large_size, c->views.small, c->views.small_size,
			f->views);
	if (f->crops > 0)
		printf("read + decode + one crop and flip, %d      %10.0f images/s per core\n",
			c->views.large_size, f->crops);
	if (f->reads > 0)
		printf("random reads from shards                    %10.0f records/s per core\n",
			f->reads);
	if (f->pack.image_s > 0)
		print_pack(&f->pack);
	if (f->first_batch > 0)
		printf("from opening the set to the first batch     %10.3f s\n", f->first_batch);
	if (f->save > 0)
		printf("training stands still for a checkpoint      %10.3f s\n", f->save);
	if (f->step > 0)
		print_step(f, c, ranks);
	printf("peak memory of a rank                       %10.2f GB\n", f->peak / 1e9);
	printf("medians of %d; %llu images\n", b->repeats, (unsigned long long)b->data->images);
}
