/* signals.c - signals are waited for by a thread of their own, and interrupt no other.
 * A handler would run on the stack of the thread that it interrupts, and oneDNN's products of
 * matrices have none: before version 3.11.2 they keep other things in the stack pointer, and a
 * frame pushed there overwrites the heap (oneDNN's issue 4845). */
#include "train/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/die.h"

static atomic_int caught;
static double caught_at; /* written before caught is */

static void *wait_for(void *arg)
{
	const sigset_t *awaited = arg;
	int number;

	while (sigwait(awaited, &number) == 0) {
		if (!caught)
			caught_at = clock_seconds();
		caught = number;
	}
	return NULL;
}

void signals_catch(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2 };
	static sigset_t awaited;
	pthread_t thread;
	int rc;

	sigemptyset(&awaited);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaddset(&awaited, numbers[i]);
	pthread_sigmask(SIG_BLOCK, &awaited, NULL);
	rc = pthread_create(&thread, NULL, wait_for, &awaited);
	CHECK(rc == 0, "cannot start the thread that waits for signals: %s", strerror(rc));
	pthread_detach(thread);
}

int signals_caught(void)
{
	return caught;
}

double signals_age(void)
{
	return caught ? clock_seconds() - caught_at : 0;
}
