/* loader.c - reads and decodes ahead of the trainer.
 * A ring of batches goes round: the trainer's thread numbers the images of a free one, workers fill
 * its slots in order, the trainer takes it and, at its next call but one, frees it.  Workers share
 * the ring's lock for a few instructions an image and nothing else; every buffer belongs to a slot
 * or to a worker and is used again. */
#include "data/loader.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/decode.h"

enum { ATTEMPTS = 100 }; /* draws for one slot until the data set is given up */

struct entry {
	struct batch batch;
	struct image_memory *memory; /* behind each image, kept from batch to batch */
	int taken, done;             /* slots given to workers, slots finished */
};

struct loader {
	const struct dataset *d;
	struct loader_source source;
	struct loader_options options;
	int ring; /* entries: the trainer holds two, the others are decoded ahead */
	struct entry *entries;
	pthread_t *threads;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work, ready;
	int64_t working;  /* the first step with slots not yet taken */
	int64_t numbered; /* steps before this one have their image numbers */
	int64_t held;     /* the step that the trainer has; from - 1: none yet */
	int stopping, failed;
	char why[ERR_MAX];
	uint64_t *bad; /* distinct unreadable images */
	long bad_count, bad_capacity;
};

static struct entry *entry_of(const struct loader *l, int64_t step)
{
	return &l->entries[(step - l->options.from) % l->ring];
}

/* Let the system fetch the images of a batch while those before it are decoded. */
static void fetch_ahead(const struct loader *l, const struct batch *b)
{
	for (int i = 0; i < b->count; i++) {
		uint32_t record;
		const struct shard *s = dataset_find(l->d, b->ids[i], &record);

		shard_advise(s, record, l->options.masks);
	}
}

/* Give the next free entry its image numbers; no worker looks at it before numbered has grown. */
static void number_next(struct loader *l)
{
	struct entry *e = entry_of(l, l->numbered);

	l->source.images(
		l->source.arg, e->batch.ids, l->numbered, l->options.first, l->options.count);
	fetch_ahead(l, &e->batch);
	e->batch.step = l->numbered;
	e->batch.replaced = 0;
	e->taken = e->done = 0;
	pthread_mutex_lock(&l->lock);
	l->numbered++;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
}

/* 1 if the image was not known to be unreadable before. */
static int note_bad(struct loader *l, uint64_t id)
{
	for (long i = 0; i < l->bad_count; i++)
		if (l->bad[i] == id)
			return 0;
	if (l->bad_count == l->bad_capacity) {
		l->bad_capacity = 2 * l->bad_capacity + 16;
		l->bad = xrealloc(l->bad, (size_t)l->bad_capacity * sizeof *l->bad);
	}
	l->bad[l->bad_count++] = id;
	return 1;
}

static void report_bad(struct loader *l, uint64_t id, const char *err)
{
	int first;

	pthread_mutex_lock(&l->lock);
	first = note_bad(l, id);
	pthread_mutex_unlock(&l->lock);
	if (first)
		log_warn_here("%s; another image stands in for it", err);
}

static int read_slot(struct loader *l, struct decoder *c, struct entry *e, int i, char err[ERR_MAX])
{
	struct loader_place place = { e->batch.step, l->options.first + i, e->batch.ids[i], 0, 0 };
	struct image_window window;

	if (l->source.window) {
		decoder_size(c, place.id, &place.width, &place.height);
		l->source.window(l->source.arg, &window, &place);
	}
	return decoder_read(c, &e->batch.images[i], &e->memory[i], place.id,
		l->source.window ? &window : NULL, err);
}

/* Fill one slot; 1 when by a replacement, -1 when none could be read. */
static int fill(struct loader *l, struct decoder *c, struct entry *e, int i)
{
	uint64_t wanted = e->batch.ids[i];
	char err[ERR_MAX];

	for (uint32_t attempt = 0; attempt <= ATTEMPTS; attempt++) {
		if (read_slot(l, c, e, i, err) == 0)
			return attempt > 0;
		report_bad(l, e->batch.ids[i], err);
		e->batch.ids[i] =
			l->source.replacement(l->source.arg, e->batch.step, wanted, attempt);
	}
	pthread_mutex_lock(&l->lock);
	if (!l->failed)
		fail(l->why,
			"%s: too many bad records: image %llu and %d others in its place cannot be "
			"read; the last: %.500s",
			l->d->path, (unsigned long long)wanted, ATTEMPTS, err);
	pthread_mutex_unlock(&l->lock);
	return -1;
}

/* Wait for a slot to fill; 0 when the loader closes.  The lock is held. */
static int take(struct loader *l, struct entry **e, int *i)
{
	while (!l->stopping && !l->failed && l->working == l->numbered)
		pthread_cond_wait(&l->work, &l->lock);
	if (l->stopping || l->failed)
		return 0;
	*e = entry_of(l, l->working);
	*i = (*e)->taken++;
	if ((*e)->taken == l->options.count)
		l->working++;
	return 1;
}

/* The lock is held. */
static void finish(struct loader *l, struct entry *e, int result)
{
	l->failed = l->failed || result < 0;
	e->batch.replaced += result > 0;
	e->done++;
	if (e->done == l->options.count || l->failed)
		pthread_cond_signal(&l->ready);
	if (l->failed)
		pthread_cond_broadcast(&l->work);
}

static void *work(void *arg)
{
	struct loader *l = arg;
	struct decoder c = { .d = l->d, .masks = l->options.masks };
	struct entry *e;
	int i;

	pthread_mutex_lock(&l->lock);
	while (take(l, &e, &i)) {
		int result;

		pthread_mutex_unlock(&l->lock);
		result = fill(l, &c, e, i);
		pthread_mutex_lock(&l->lock);
		finish(l, e, result);
	}
	pthread_mutex_unlock(&l->lock);
	decoder_free(&c);
	return NULL;
}

static void entry_init(struct entry *e, int count)
{
	size_t n = (size_t)count;

	e->batch = (struct batch){ .count = count,
		.images = xcalloc(n, sizeof *e->batch.images),
		.ids = xcalloc(n, sizeof *e->batch.ids) };
	e->memory = xcalloc(n, sizeof *e->memory);
}

static void entry_free(struct entry *e)
{
	for (int i = 0; i < e->batch.count; i++)
		image_memory_free(&e->batch.images[i], &e->memory[i]);
	xfree(e->batch.images);
	xfree(e->batch.ids);
	xfree(e->memory);
}

static void start_threads(struct loader *l)
{
	for (int i = 0; i < l->options.threads; i++) {
		int rc = pthread_create(&l->threads[i], NULL, work, l);

		CHECK(rc == 0, "cannot start decode thread %d of %d: %s", i + 1, l->options.threads,
			strerror(rc));
	}
}

struct loader *loader_open(const struct dataset *d, const struct loader_source *source,
	const struct loader_options *options)
{
	struct loader *l = xcalloc(1, sizeof *l);

	CHECK(options->count > 0 && options->threads > 0 && options->prefetch > 0 &&
			options->from <= options->to,
		"%d images, %d threads, %d ahead", options->count, options->threads,
		options->prefetch);
	*l = (struct loader){
		.d = d, .source = *source, .options = *options, .ring = options->prefetch + 2
	};
	l->working = l->numbered = options->from;
	l->held = options->from - 1;
	l->entries = xcalloc((size_t)l->ring, sizeof *l->entries);
	for (int i = 0; i < l->ring; i++)
		entry_init(&l->entries[i], options->count);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	pthread_cond_init(&l->ready, NULL);
	while (l->numbered < options->to && l->numbered < options->from + l->ring)
		number_next(l);
	l->threads = xcalloc((size_t)options->threads, sizeof *l->threads);
	start_threads(l);
	return l;
}

void loader_close(struct loader *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopping = 1;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
	for (int i = 0; i < l->options.threads; i++)
		pthread_join(l->threads[i], NULL);
	for (int i = 0; i < l->ring; i++)
		entry_free(&l->entries[i]);
	pthread_cond_destroy(&l->ready);
	pthread_cond_destroy(&l->work);
	pthread_mutex_destroy(&l->lock);
	xfree(l->entries);
	xfree(l->threads);
	xfree(l->bad);
	xfree(l);
}

/* The lock is held. */
static void wait_for(struct loader *l, struct entry *e)
{
	while (e->done < l->options.count && !l->failed)
		pthread_cond_wait(&l->ready, &l->lock);
	CHECK(!l->failed, "%s", l->why);
}

const struct batch *loader_next(struct loader *l, double *waited_s)
{
	double start = clock_seconds();
	struct entry *e;

	*waited_s = 0;
	if (l->held > l->options.from && l->numbered < l->options.to)
		number_next(l);
	if (l->held + 1 >= l->options.to)
		return NULL;
	l->held++;
	e = entry_of(l, l->held);
	pthread_mutex_lock(&l->lock);
	wait_for(l, e);
	pthread_mutex_unlock(&l->lock);
	*waited_s = clock_seconds() - start;
	return &e->batch;
}

long loader_bad_records(struct loader *l)
{
	long count;

	pthread_mutex_lock(&l->lock);
	count = l->bad_count;
	pthread_mutex_unlock(&l->lock);
	return count;
}
