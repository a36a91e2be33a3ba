/* dry_run.c - a plan before the job: what a run needs and does at least, without its device. */
#include "cli/dry_run.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "train/forecast.h"

/* What the driver, cuDNN and NCCL take of a card beside our own memory: an assumption. */
#define RESERVE 1.5e9

enum { ENTRIES = 3 };

static void fill_table(struct option_entry table[ENTRIES], struct dry_run *d)
{
	const struct option_entry entries[ENTRIES] = {
		{ "ranks", OPTION_LONG, &d->ranks, 1, 65536, "R",
			"of --dry-run: ranks, each with one card" },
		{ "gpu", OPTION_TEXT, &d->gpu, 0, 0, "CARD",
			"of --dry-run: h100, h100-pcie, h200, a100, a100-40, v100, l40s, a10" },
		{ "image", OPTION_TEXT, &d->image, 0, 0, "WxH",
			"of --dry-run: pixels of a typical image of the data set" },
	};

	memcpy(table, entries, sizeof entries);
}

int dry_run_take(struct dry_run *d, int *asked, int *argc, char **argv, char err[ERR_MAX])
{
	struct option_entry table[ENTRIES];

	*d = (struct dry_run){ .gpu = "h100", .image = "500x375", .ranks = 1 };
	fill_table(table, d);
	*asked = options_take_flag("dry-run", argc, argv);
	return *asked ? options_take(table, ENTRIES, argc, argv, err) : 0;
}

void dry_run_help(void)
{
	struct dry_run d = { .gpu = "h100", .image = "500x375", .ranks = 1 };
	struct option_entry table[ENTRIES];

	fill_table(table, &d);
	printf("  --dry-run           print memory, work and messages of a step on such cards; needs none, and no data\n");
	options_help(stdout, table, ENTRIES);
	printf("\n");
}

static void print_memory(const struct tally *t, const struct config *c, int n, int most, int ranks)
{
	double all = (double)tally_bytes(t);

	printf("memory of a rank                               GB\n");
	for (int i = 0; i < t->memory_count; i++)
		printf("  %-38s %8.3f\n", t->memory[i].purpose, (double)t->memory[i].peak / 1e9);
	printf("  %-38s %8.3f\n", "workspace", (double)t->scratch / 1e9);
	printf("  %-38s %8.3f of %.1f: %s\n", "all", all / 1e9, t->card->memory / 1e9,
		all + RESERVE <= t->card->memory ? "fits" : "does not fit");
	printf("%d images a rank; at most %d fit (train.batch=%ld), with %.1f GB left to driver, cuDNN and NCCL\n",
		n, most, (long)most * ranks, RESERVE / 1e9);
	if (all + RESERVE > t->card->memory)
		printf("Less memory: train.recompute=views%s, a smaller train.batch, more ranks.\n",
			c->precision == PRECISION_BF16 ? "" : ", precision=bf16");
	printf("\n");
}

/* Returns the floor of the step's time. */
static double print_work(const struct tally *t)
{
	struct tally_work all = { 0 };

	printf("work of a step                              GFLOP         GB   floor, ms\n");
	for (int i = 0; i < t->work_count; i++) {
		const struct tally_work *w = &t->work[i];

		printf("  %-36s %10.2f %10.3f %11.3f\n", w->layer, w->operations / 1e9,
			w->bytes / 1e9, 1e3 * w->floor_s);
		all.operations += w->operations;
		all.bytes += w->bytes;
		all.floor_s += w->floor_s;
	}
	printf("  %-36s %10.2f %10.3f %11.3f\n\n", "all", all.operations / 1e9, all.bytes / 1e9,
		1e3 * all.floor_s);
	return all.floor_s;
}

static void print_messages(const struct tally *t)
{
	double all = 0;

	if (t->message_count == 0) {
		printf("no messages: one rank\n\n");
		return;
	}
	printf("messages of a rank in a step               number    largest, MB    in all, MB\n");
	for (int i = 0; i < t->message_count; i++) {
		const struct tally_message *m = &t->messages[i];

		printf("  %-38s %8ld %14.3f %13.3f\n", m->what, m->calls, m->largest / 1e6,
			m->bytes / 1e6);
		all += m->bytes;
	}
	printf("  %.1f MB, at %.0f GB/s within a host at least %.2f ms, much of it behind the backward pass\n\n",
		all / 1e6, t->card->link / 1e9, 1e3 * all / t->card->link);
}

static void print_plan(
	const struct tally *t, const struct config *c, const struct dry_run *d, int most)
{
	static const char *const precisions[] = { "float32", "tf32", "bf16" };
	int n = c->train.batch / (int)d->ranks;
	double floor_s;

	printf("%s x %g, %d x %d + %d x %d pixels, batch %d on %ld rank%s of %s\n", c->model.arch,
		c->model.width, c->views.large, c->views.large_size, c->views.small,
		c->views.small_size, c->train.batch, d->ranks, d->ranks == 1 ? "" : "s",
		t->card->title);
	printf("By its data sheet: %.0f TFLOP/s of %s, %.0f GB/s of memory.\n\n",
		t->card->rate[c->precision] / 1e12, precisions[c->precision],
		t->card->bandwidth / 1e9);
	print_memory(t, c, n, most, (int)d->ranks);
	floor_s = print_work(t);
	print_messages(t);
	printf("No step takes less than %.1f ms, so no more than %.0f images/s on %ld rank%s: a bound from the card's peak\n"
	       "rates, each operation's arrays moved once, nothing hidden behind anything. Not a measurement.\n",
		1e3 * floor_s, c->train.batch / floor_s, d->ranks, d->ranks == 1 ? "" : "s");
}

int dry_run_print(const struct dry_run *d, const struct config *c, char err[ERR_MAX])
{
	struct forecast_options o = { .card = card_find(d->gpu, err), .ranks = (int)d->ranks };
	struct tally *t;

	if (!o.card)
		return -1;
	if (sscanf(d->image, "%dx%d", &o.image_width, &o.image_height) != 2 || o.image_width < 1 ||
		o.image_height < 1)
		return fail(err, "--image: '%s' is not WIDTHxHEIGHT, e.g. 500x375", d->image);
	if (c->train.batch % d->ranks != 0)
		return fail(err, "train.batch=%d is not divisible by --ranks=%ld", c->train.batch,
			d->ranks);
	t = forecast(c, &o, err);
	if (!t)
		return -1;
	print_plan(t, c, d, forecast_largest(c, &o, o.card->memory - RESERVE));
	tally_close(t);
	return 0;
}
