/* linear_protocol.c - train linear classifiers on features, test them, choose one. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "eval/features.h"
#include "eval/protocol.h"
#include "optim/schedule.h"

struct trial {
	struct result *r;
	const struct encoder *e;
	const struct linear_settings *settings;
	const struct subset *train; /* without the images held out */
	struct linear *classifiers;
	int classes, batch;
	float *scores; /* of a batch of a single pass */
};

static void open_trial(struct trial *t)
{
	const struct linear_settings *s = t->settings;
	struct linear_options o = {
		.width = t->e->width, .classes = t->classes, .rates = s->rate_count, .seed = s->seed
	};
	double lr[LINEAR_RATES_MAX];

	t->batch = (uint64_t)s->batch < t->train->count ? s->batch : (int)t->train->count;
	for (int k = 0; k < s->rate_count; k++)
		lr[k] = s->rates[k] * t->batch / 256;
	o.lr = lr;
	o.batch = t->batch > FEATURES_BATCH ? t->batch : FEATURES_BATCH;
	t->classifiers = linear_open(t->e->dev, &o);
	t->scores = xcalloc((size_t)FEATURES_BATCH * (size_t)s->rate_count * (size_t)t->classes,
		sizeof *t->scores);
}

static void close_trial(struct trial *t)
{
	linear_close(t->classifiers);
	xfree(t->scores);
}

static void show_training(
	const struct trial *t, int64_t done, int64_t steps, double loss, double began)
{
	double seconds = clock_seconds() - began,
	       epochs = (double)t->batch / (double)t->train->count;

	log_progress(done == steps,
		"linear: epoch %.2f/%.4g  loss %.4g (lr %.4g)  %.0f images/s  %.0f s left",
		(double)done * epochs, (double)steps * epochs, loss, t->settings->rates[0],
		(double)done * t->batch / seconds, seconds / (double)done * (double)(steps - done));
}

static int train(struct trial *t, char err[ERR_MAX])
{
	int64_t steps = llround(floor(t->settings->epochs * (double)t->train->count / t->batch)),
		step = 0;
	const struct schedule share = { .peak = 1, .steps = steps < 1 ? 1 : steps };
	const struct feature_options o = {
		.set = t->train, .steps = share.steps, .batch = t->batch, .seed = t->settings->seed
	};
	struct feature_stream *stream = features_open(t->e, &o);
	double loss[LINEAR_RATES_MAX], began = clock_seconds();
	struct feature_batch b;
	int rc;

	while ((rc = features_next(stream, &b, err)) > 0) {
		linear_step(
			t->classifiers, loss, b.x, b.labels, b.count, schedule_lr(&share, step));
		show_training(t, ++step, share.steps, loss[0], began);
	}
	features_close(stream);
	for (int k = 0; rc == 0 && k < t->settings->rate_count; k++)
		t->r->rows[k].loss = loss[k];
	return rc;
}

/* Count one batch for each classifier. */
static void count_batch(struct trial *t, const struct feature_batch *b, size_t tally)
{
	linear_scores(t->classifiers, t->scores, b->x, b->count);
	for (int i = 0; i < b->count; i++) {
		t->r->unreadable += b->labels[i] < 0;
		for (int k = 0; b->labels[i] >= 0 && k < t->r->count; k++) {
			const float *scores =
				t->scores + (size_t)(i * t->r->count + k) * (size_t)t->classes;

			tally_add((struct tally *)((char *)&t->r->rows[k] + tally),
				linear_place(scores, t->classes, b->labels[i]));
		}
	}
}

/* Score the images of a set; tally: where in a row their count is kept. */
static int test_on(struct trial *t, const struct subset *set, size_t tally, char err[ERR_MAX])
{
	const struct feature_options o = { .set = set };
	struct feature_stream *stream = features_open(t->e, &o);
	int64_t done = 0, steps = features_steps(stream);
	struct feature_batch b;
	int rc;

	while ((rc = features_next(stream, &b, err)) > 0) {
		count_batch(t, &b, tally);
		done++;
		log_progress(done == steps, "linear: testing, %.0f %%",
			100 * (double)done / (double)steps);
	}
	features_close(stream);
	return rc;
}

/* The best rate, of equals the first given. */
static void choose(struct result *r, int holdout)
{
	r->chosen = 0;
	r->chosen_on = r->count == 1 ? "given" : holdout ? "holdout" : "test";
	for (int k = 1; k < r->count; k++) {
		const struct result_row *best = &r->rows[r->chosen], *row = &r->rows[k];

		if (holdout ? row->held.top1 > best->held.top1 : row->test.top1 > best->test.top1)
			r->chosen = k;
	}
}

static int run(
	struct trial *t, const struct subset *held, const struct subset *test, char err[ERR_MAX])
{
	if (train(t, err) != 0 || test_on(t, test, offsetof(struct result_row, test), err) != 0)
		return -1;
	if (held->count > 0 && test_on(t, held, offsetof(struct result_row, held), err) != 0)
		return -1;
	t->r->train_images = (int64_t)t->train->count;
	t->r->test_images = t->r->rows[0].test.images;
	choose(t->r, held->count > 0);
	return 0;
}

int linear_protocol(struct result *r, const struct encoder *e, const struct subset *all,
	const struct subset *test, const struct linear_settings *settings, char err[ERR_MAX])
{
	struct subset rest = { 0 }, held = { 0 };
	struct trial t = { .r = r,
		.e = e,
		.settings = settings,
		.train = all,
		.classes = all->data->class_count };
	double began = clock_seconds();
	int rc;

	*r = (struct result){
		.protocol = "linear", .setting = "lr", .count = settings->rate_count
	};
	for (int k = 0; k < r->count; k++)
		r->rows[k].setting = settings->rates[k];
	if (settings->holdout) {
		if (subset_split(&rest, &held, all, settings->share, settings->seed, err) != 0)
			return -1;
		t.train = &rest;
	}
	open_trial(&t);
	rc = run(&t, &held, test, err);
	close_trial(&t);
	subset_free(&rest);
	subset_free(&held);
	r->seconds = clock_seconds() - began;
	return rc;
}
