/* cudart_absence.c - the double of libcudart: what runs while the host does something else.
 *
 * A GPU goes on by itself.  The double runs when the host waits, so a rank that stands in a barrier
 * of MPI, with a collective queued that another rank waits for, would stand for ever.  So after
 * seconds without any call, which no work of the host between two calls should take, all that is
 * queued runs (CUDA_DOUBLE_ABSENCE). */
#include "cudart.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static double seconds = 5;

static void *watch(void *arg)
{
	const struct timespec pause = { 0, 50000000 };

	for (;;) {
		nanosleep(&pause, NULL);
		if (double_enter_if_absent(seconds)) {
			double_go_on();
			double_leave(cudaSuccess);
		}
	}
	return arg;
}

void double_watch_absence(void)
{
	const char *setting = getenv("CUDA_DOUBLE_ABSENCE");
	pthread_t thread;

	if (setting)
		seconds = atof(setting);
	if (seconds <= 0)
		return;
	if (pthread_create(&thread, NULL, watch, NULL) != 0)
		double_fault("cannot start a thread");
	pthread_detach(thread);
}
