/* knn_protocol.c - neighbours of the test images among the training images, and their vote. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "eval/features.h"
#include "eval/knn.h"
#include "eval/protocol.h"

struct search {
	struct result *r;
	const struct encoder *e;
	struct knn *knn;
	int classes, k; /* k: the most that vote */
	double temperature;
	struct neighbour *found; /* (FEATURES_BATCH, k) */
	double *votes;           /* (classes) */
};

static void keep_batch(struct search *s, const struct feature_batch *b)
{
	knn_add(s->knn, b->x, b->labels, b->count);
	for (int i = 0; i < b->count; i++) {
		s->r->train_images += b->labels[i] >= 0;
		s->r->unreadable += b->labels[i] < 0;
	}
}

static void count_batch(struct search *s, const struct feature_batch *b)
{
	knn_find(s->knn, s->found, b->x, b->count);
	for (int i = 0; i < b->count; i++) {
		const struct neighbour *found = s->found + (size_t)i * (size_t)s->k;

		s->r->test_images += b->labels[i] >= 0;
		s->r->unreadable += b->labels[i] < 0;
		for (int j = 0; b->labels[i] >= 0 && j < s->r->count; j++) {
			knn_vote(s->votes, s->classes, found, (int)s->r->rows[j].setting,
				s->temperature);
			tally_add(
				&s->r->rows[j].test, knn_place(s->votes, s->classes, b->labels[i]));
		}
	}
}

/* Encode a set and hand it on batch by batch. */
static int pass(struct search *s, const struct subset *set, const char *what,
	void (*use)(struct search *, const struct feature_batch *), char err[ERR_MAX])
{
	const struct feature_options o = { .set = set };
	struct feature_stream *stream = features_open(s->e, &o);
	int64_t done = 0, images = 0, steps = features_steps(stream);
	double began = clock_seconds();
	struct feature_batch b;
	int rc;

	while ((rc = features_next(stream, &b, err)) > 0) {
		use(s, &b);
		done++;
		images += b.count;
		log_progress(done == steps, "knn: %s images, %.0f %%  %.0f images/s", what,
			100 * (double)done / (double)steps,
			(double)images / (clock_seconds() - began));
	}
	features_close(stream);
	return rc;
}

/* No more neighbours than there are training images; two rows that became the same stay one. */
static void set_rows(struct search *s, const struct knn_settings *settings, uint64_t images)
{
	s->r->count = 0;
	for (int j = 0; j < settings->k_count; j++) {
		int k = (uint64_t)settings->k[j] > images ? (int)images : settings->k[j];
		int i = 0;

		while (i < s->r->count && (int)s->r->rows[i].setting != k)
			i++;
		if (i == s->r->count)
			s->r->rows[s->r->count++].setting = k;
		if (k != settings->k[j])
			log_warn("knn: %d neighbours asked for, there are %d training images",
				settings->k[j], k);
		s->k = k > s->k ? k : s->k;
	}
}

int knn_protocol(struct result *r, const struct encoder *e, const struct subset *train,
	const struct subset *test, const struct knn_settings *settings, char err[ERR_MAX])
{
	struct search s = { .r = r,
		.e = e,
		.classes = train->data->class_count,
		.temperature = settings->temperature };
	double began = clock_seconds();
	int rc;

	*r = (struct result){ .protocol = "knn", .setting = "k", .chosen_on = "given" };
	set_rows(&s, settings, train->count);
	s.knn = knn_open(e->dev, e->comm,
		&(struct knn_options){ .width = e->width, .k = s.k, .block = FEATURES_BATCH });
	s.found = xcalloc((size_t)FEATURES_BATCH * (size_t)s.k, sizeof *s.found);
	s.votes = xcalloc((size_t)s.classes, sizeof *s.votes);
	rc = pass(&s, train, "training", keep_batch, err);
	if (rc == 0)
		rc = pass(&s, test, "test", count_batch, err);
	knn_close(s.knn);
	xfree(s.found);
	xfree(s.votes);
	r->seconds = clock_seconds() - began;
	return rc;
}
