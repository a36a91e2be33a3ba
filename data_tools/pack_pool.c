#include "pack_pool.h"

#include <pthread.h>
#include <sched.h>

#include "base/die.h"
#include "base/memory.h"

/* Jobs are numbered; job k is in slot k % capacity.  taken <= begun <= put: jobs below taken are
 * gone, those below begun are with a thread or done.  The caller is woken for several jobs at a
 * time, not for each. */
struct pool {
	int threads, capacity, stop;
	int ready;  /* jobs that are done and not taken */
	int wanted; /* that the caller waits for, the oldest among them */
	long taken, begun, put;
	void **jobs;
	char *done;
	void (*work)(void *arg, void *job, int thread);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t there, finished;
	struct pool_thread {
		struct pool *pool;
		int number;
		pthread_t id;
	} * thread;
};

static int enough(const struct pool *p)
{
	return p->ready >= p->wanted && p->done[p->taken % p->capacity];
}

static void *run(void *arg)
{
	struct pool_thread *t = arg;
	struct pool *p = t->pool;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		int slot;

		while (!p->stop && p->begun == p->put)
			pthread_cond_wait(&p->there, &p->lock);
		if (p->stop)
			break;
		slot = (int)(p->begun++ % p->capacity);
		pthread_mutex_unlock(&p->lock);
		p->work(p->arg, p->jobs[slot], t->number);
		pthread_mutex_lock(&p->lock);
		p->done[slot] = 1;
		p->ready++;
		if (enough(p))
			pthread_cond_signal(&p->finished);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_open(
	int threads, int capacity, void (*work)(void *arg, void *job, int thread), void *arg)
{
	struct pool *p = xcalloc(1, sizeof *p);

	CHECK(threads > 0 && capacity > 0, "%d threads, room for %d jobs", threads, capacity);
	p->threads = threads;
	p->capacity = capacity;
	p->work = work;
	p->arg = arg;
	p->jobs = xcalloc((size_t)capacity, sizeof *p->jobs);
	p->done = xcalloc((size_t)capacity, 1);
	p->thread = xcalloc((size_t)threads, sizeof *p->thread);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->there, NULL);
	pthread_cond_init(&p->finished, NULL);
	for (int i = 0; i < threads; i++) {
		struct pool_thread *t = &p->thread[i];
		int error;

		t->pool = p;
		t->number = i;
		error = pthread_create(&t->id, NULL, run, t);
		CHECK(error == 0, "cannot start thread %d of %d (error %d)", i, threads, error);
	}
	return p;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = 1;
	pthread_cond_broadcast(&p->there);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->threads; i++)
		pthread_join(p->thread[i].id, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->there);
	pthread_cond_destroy(&p->finished);
	xfree(p->jobs);
	xfree(p->done);
	xfree(p->thread);
	xfree(p);
}

int pool_full(const struct pool *p)
{
	return p->put - p->taken == p->capacity; /* both move in the caller's thread only */
}

int pool_empty(const struct pool *p)
{
	return p->put == p->taken;
}

void pool_put(struct pool *p, void *job)
{
	CHECK(!pool_full(p), "the pool is full");
	pthread_mutex_lock(&p->lock);
	p->jobs[p->put % p->capacity] = job;
	p->done[p->put % p->capacity] = 0;
	p->put++;
	pthread_cond_signal(&p->there);
	pthread_mutex_unlock(&p->lock);
}

static void *take(struct pool *p, int wait)
{
	int slot = (int)(p->taken % p->capacity);
	void *job = NULL;

	CHECK(!pool_empty(p), "the pool is empty");
	pthread_mutex_lock(&p->lock);
	p->wanted = pool_full(p) ? (p->capacity + 1) / 2 : 1;
	while (wait && !enough(p))
		pthread_cond_wait(&p->finished, &p->lock);
	if (p->done[slot]) {
		job = p->jobs[slot];
		p->taken++;
		p->ready--;
	}
	pthread_mutex_unlock(&p->lock);
	return job;
}

void *pool_take(struct pool *p)
{
	return take(p, 1);
}

void *pool_try(struct pool *p)
{
	return take(p, 0);
}

int pool_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}
