/* bench_profile.c - where the time of a training step goes, and how far that is from the least.
 *
 * The least comes from the tally of the same step (train/forecast.h) on a card that is this
 * machine: the larger of bytes / bandwidth and operations / rate, call by call. */
#include <stdio.h>

#include "base/log.h"
#include "cli/bench_step.h"
#include "nn/profile.h"
#include "train/forecast.h"

/* ---- the step ---- */

/* Of one step, the mean of several. */
struct result {
	struct card card;
	double rate; /* the card's, of its precision */
	struct profile_kind kinds[KINDS];
	double floors[KINDS];
	double step, kept, rest; /* seconds: the step, operations and feeding, what is left */
	int steps;
};

static void run_steps(
	struct result *r, const struct bench *b, struct bench_run *run, struct device *dev)
{
	struct profile p = { .wrapped = NULL };

	bench_run_step(run);
	run->feed_s = 0;
	profile_start(dev, &p);
	for (int i = 0; i < b->repeats; i++) {
		double took = bench_run_step(run);

		r->step += took / b->repeats;
		log_progress(i + 1 == b->repeats, "profiled step %d/%d: %.2f s", i + 1, b->repeats,
			took);
	}
	profile_stop(dev);
	/* Drawing the views' numbers belongs to it. */
	p.kinds[KIND_IMAGES].seconds = run->feed_s;
	for (int k = 0; k < KINDS; k++) {
		r->kinds[k].seconds = p.kinds[k].seconds / b->repeats;
		r->kinds[k].calls = p.kinds[k].calls / b->repeats;
		r->kept += r->kinds[k].seconds;
	}
	r->rest = r->step - r->kept;
	r->steps = b->repeats;
}

/* Of a square image with as many pixels as these have on average. */
static int typical_side(const struct batch *batch)
{
	double pixels = 0;
	int side = 1;

	for (int i = 0; i < batch->count; i++)
		pixels += (double)batch->images[i].width * batch->images[i].height / batch->count;
	while ((double)side * side < pixels)
		side++;
	return side;
}

static void count_floors(struct result *r, const struct bench *b, struct device *dev, int side)
{
	char err[ERR_MAX] = "";
	struct config here;
	const struct forecast_options o = { .card = &r->card,
		.ranks = dev->comm->size,
		.image_width = side,
		.image_height = side };
	struct tally *t;

	config_copy(&here, b->config);
	here.train.recompute = step_recompute(&here, dev);
	t = forecast(&here, &o, err);
	CHECK(t, "%s", err);
	for (int k = 0; k < KINDS; k++)
		r->floors[k] = t->kinds[k].floor_s;
	tally_close(t);
	config_free(&here);
}

/* ---- printing ---- */

static const struct {
	const char *key, *title;
	int bound; /* the device's memory and arithmetic bound it */
} rows[KINDS] = {
	[KIND_CONV_FORWARD] = { "conv_forward", "convolution, forward", 1 },
	[KIND_CONV_DATA] = { "conv_data", "convolution, gradient of data", 1 },
	[KIND_CONV_WEIGHTS] = { "conv_weights", "convolution, gradient of weights", 1 },
	[KIND_PRODUCT] = { "product", "matrix products", 1 },
	[KIND_NORM] = { "norm", "batch norm, with ReLU and residual", 1 },
	[KIND_POINTWISE] = { "pointwise", "pointwise and pooling", 1 },
	[KIND_VIEWS] = { "views", "views", 1 },
	[KIND_LOSS] = { "loss", "loss", 1 },
	[KIND_OPTIMISER] = { "optimiser", "optimiser", 1 },
	[KIND_RANKS] = { "ranks", "communication", 0 },
	[KIND_HOST] = { "host", "copies from and to the host", 0 },
	[KIND_IMAGES] = { "feed", "feeding the next step's images", 0 },
};

static void print_json(const struct result *r)
{
	printf("{\"step_s\":%.6g,\"rest_s\":%.6g,\"steps\":%d,\"bytes_per_s\":%.4g,\"operations_per_s\":%.4g,\"kinds\":[",
		r->step, r->rest, r->steps, r->card.bandwidth, r->rate);
	for (int k = 0; k < KINDS; k++) {
		printf("%s{\"kind\":\"%s\",\"seconds\":%.6g,\"calls\":%ld,\"floor_s\":",
			k > 0 ? "," : "", rows[k].key, r->kinds[k].seconds, r->kinds[k].calls);
		if (rows[k].bound)
			printf("%.6g}", r->floors[k]);
		else
			printf("null}");
	}
	printf("]}\n");
}

/* floor 0: there is none. */
static void print_row(const char *title, const char *calls, double taken, double step, double floor)
{
	printf("  %-36s %6s %10.2f %6.1f%%", title, calls, 1e3 * taken, 100 * taken / step);
	if (floor > 0)
		printf(" %10.2f %11.2f\n", 1e3 * floor, taken / floor);
	else
		printf(" %10s %11s\n", "-", "-");
}

static void print_table(const struct result *r, const struct config *c, int ranks)
{
	double floors = 0;

	printf("where a training step goes: %s x %g, batch %d, %d rank%s of %d thread%s\n\n",
		c->model.arch, c->model.width, c->train.batch, ranks, ranks == 1 ? "" : "s",
		c->threads, c->threads == 1 ? "" : "s");
	printf("  %-36s %6s %10s %7s %10s %11s\n", "", "calls", "time, ms", "share", "floor, ms",
		"time/floor");
	for (int k = 0; k < KINDS; k++) {
		double floor = rows[k].bound ? r->floors[k] : 0;
		char calls[24];

		snprintf(calls, sizeof calls, "%ld", r->kinds[k].calls);
		print_row(rows[k].title, calls, r->kinds[k].seconds, r->step, floor);
		floors += floor;
	}
	print_row("rest", "", r->rest, r->step, 0);
	print_row("the step", "", r->step, r->step, floors);
	printf("\nMeans of %d step%s after one that is not counted. Each operation is waited for, so that nothing hides behind\n"
	       "anything. Floor: the sum over calls of the larger of operations / %.4g GFLOP/s (measured: products of large\n"
	       "matrices) and bytes / %.4g GB/s (measured: large arrays copied and added), each array moved once a call; the\n"
	       "best of what was measured before and after the steps. Under 1.00 the cache helped, Winograd's algorithm\n"
	       "saved multiplications, or other work held the measurements back.\n",
		r->steps, r->steps == 1 ? "" : "s", r->rate / 1e9, r->card.bandwidth / 1e9);
}

void bench_profile(const struct bench *b, struct comm *comm, struct device *dev, int json)
{
	struct result r = { .card = { .name = "here", .title = "device at hand" } };
	struct bench_run run;
	int side;

	bench_card(&r.card, dev);
	bench_run_open(&run, b, comm, dev);
	side = typical_side(&run.batch);
	run_steps(&r, b, &run, dev);
	bench_run_close(&run);
	/* Again, lest others took their share of the machine the first time but not the second. */
	bench_card(&r.card, dev);
	r.rate = r.card.rate[dev->precision];
	count_floors(&r, b, dev, side);
	if (comm->rank != 0)
		return;
	if (json)
		print_json(&r);
	else
		print_table(&r, b->config, comm->size);
}
