/* checkpoint_writer.c - checkpoints written behind training.
 * The trainer waits until the state is copied out of the device, not for the disk.  There is one
 * copy, the writer's, which the trainer fills: it waits while a write still runs, so the disk can
 * never fall behind by more than one checkpoint. */
#include "train/checkpoint.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

enum state { OPENING, IDLE, FULL, CLOSING };

struct checkpoint_writer {
	char *run;
	const struct params *params;
	const struct stats *stats;
	int keep;
	int64_t keep_every;
	struct checkpoint copy; /* the thread's while OPENING or FULL, else the trainer's */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* of state */
	enum state state;
	double seconds; /* of the longest write */
	int failed;
	char err[ERR_MAX];
};

static void write_copy(struct checkpoint_writer *w)
{
	char *path = checkpoint_path(w->run, w->copy.step);

	if (checkpoint_write(path, &w->copy, w->params, w->stats, w->err) != 0)
		w->failed = 1;
	else
		checkpoint_prune(w->run, w->keep, w->keep_every);
	xfree(path);
}

static void *work(void *arg)
{
	struct checkpoint_writer *w = arg;
	double began;

	checkpoint_init(&w->copy, w->params, w->stats); /* clears gigabytes; training may begin */
	pthread_mutex_lock(&w->lock);
	w->state = IDLE;
	pthread_cond_signal(&w->changed);
	for (;;) {
		while (w->state == IDLE)
			pthread_cond_wait(&w->changed, &w->lock);
		if (w->state == CLOSING)
			break;
		pthread_mutex_unlock(&w->lock);
		began = clock_seconds();
		write_copy(w);
		pthread_mutex_lock(&w->lock);
		w->seconds = fmax(w->seconds, clock_seconds() - began);
		w->state = IDLE;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void start_thread(struct checkpoint_writer *w)
{
	int rc = pthread_create(&w->thread, NULL, work, w);

	CHECK(rc == 0, "cannot start the thread that writes checkpoints: %s", strerror(rc));
}

struct checkpoint_writer *checkpoint_writer_open(const char *run, const struct params *p,
	const struct stats *s, int keep, int64_t keep_every)
{
	struct checkpoint_writer *w = xcalloc(1, sizeof *w);

	w->run = xstrdup(run);
	w->params = p;
	w->stats = s;
	w->keep = keep;
	w->keep_every = keep_every;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	start_thread(w);
	return w;
}

/* Wait, with the lock held, until the thread is idle; then tell once of a write that failed. */
static int await_idle(struct checkpoint_writer *w, char err[ERR_MAX])
{
	while (w->state == OPENING || w->state == FULL)
		pthread_cond_wait(&w->changed, &w->lock);
	if (!w->failed)
		return 0;
	w->failed = 0;
	return fail(err, "%s", w->err);
}

struct checkpoint *checkpoint_writer_copy(struct checkpoint_writer *w, char err[ERR_MAX])
{
	int rc;

	pthread_mutex_lock(&w->lock);
	rc = await_idle(w, err);
	pthread_mutex_unlock(&w->lock);
	return rc == 0 ? &w->copy : NULL;
}

void checkpoint_writer_submit(struct checkpoint_writer *w)
{
	pthread_mutex_lock(&w->lock);
	CHECK(w->state == IDLE, "a checkpoint is submitted while another is written");
	w->state = FULL;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

double checkpoint_writer_seconds(struct checkpoint_writer *w)
{
	double seconds;

	pthread_mutex_lock(&w->lock);
	seconds = w->seconds;
	pthread_mutex_unlock(&w->lock);
	return seconds;
}

int checkpoint_writer_close(struct checkpoint_writer *w, char err[ERR_MAX])
{
	int rc;

	if (!w)
		return 0;
	pthread_mutex_lock(&w->lock);
	rc = await_idle(w, err);
	w->state = CLOSING;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	checkpoint_free(&w->copy);
	xfree(w->run);
	xfree(w);
	return rc;
}
