#include "comm/guard.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/memory.h"

static const double LOOK_S = 0.5;

struct guard {
	const char *what;
	double began, timeout_s;
	pid_t parent;
	int over;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* of over */
	pthread_t thread;
};

static void look(const struct guard *g)
{
	double waited = clock_seconds() - g->began;

	if (getppid() != g->parent)
		die_here("%s: the launcher that started this rank is gone", g->what);
	if (waited > g->timeout_s)
		die_here(
			"waited %.0f s for %s: a rank or a host does not answer (see comm.timeout_s)",
			waited, g->what);
}

static void *watch(void *arg)
{
	struct guard *g = arg;

	pthread_mutex_lock(&g->lock);
	while (!g->over) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += (long)(1e9 * LOOK_S);
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&g->changed, &g->lock, &until);
		if (!g->over)
			look(g);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

struct guard *guard_start(const char *what, double timeout_s)
{
	struct guard *g = xcalloc(1, sizeof *g);
	int rc;

	*g = (struct guard){
		.what = what, .began = clock_seconds(), .timeout_s = timeout_s, .parent = getppid()
	};
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	rc = pthread_create(&g->thread, NULL, watch, g);
	CHECK(rc == 0, "cannot start the thread that watches %s: %s", what, strerror(rc));
	return g;
}

void guard_end(struct guard *g)
{
	pthread_mutex_lock(&g->lock);
	g->over = 1;
	pthread_cond_signal(&g->changed);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->thread, NULL);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	xfree(g);
}
