/* Signals while products of matrices run: none is lost, and none interrupts a thread that computes.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel.h"
#include "train/signals.h"
#include "winograd_cpu.h"

static const struct conv_shape shape = { 16, 12, 12, 64, 64, 3, 1, 1, 1, 1, 1 };

static const double RAIN_S = 3; /* with handlers on the computing threads it crashes within one */

static void nothing_yet(void **state)
{
	(void)state;
	signals_catch();
	assert_int_equal(signals_caught(), 0);
	assert_true(signals_age() == 0);
}

static void *rain(void *over)
{
	while (!*(atomic_int *)over) {
		kill(getpid(), SIGUSR1);
		usleep(200);
	}
	return NULL;
}

static void products_are_the_same(void **state)
{
	size_t dw_count = (size_t)(shape.k * 9 * shape.c), y_count = (size_t)(16 * 12 * 12 * 64);
	struct device *dev = device_open_bare(2);
	float *x = buffer_random(y_count, 1), *dy = buffer_random(y_count, 2);
	float *dw = buffer(dw_count), *want = buffer(dw_count);
	double began = clock_seconds();
	atomic_int over = 0;
	pthread_t thread;

	(void)state;
	memset(want, 0, dw_count * sizeof *want);
	winograd_backward_weights(cpu_of(dev), &shape, want, dy, x);
	assert_int_equal(pthread_create(&thread, NULL, rain, &over), 0);
	while (clock_seconds() - began < RAIN_S) {
		memset(dw, 0, dw_count * sizeof *dw);
		winograd_backward_weights(cpu_of(dev), &shape, dw, dy, x);
		check_same("dw in the rain", dw, want, dw_count * sizeof *dw);
	}
	over = 1;
	pthread_join(thread, NULL);
	buffers_check();
	device_close(dev);
}

/* The last one counts; the age is the first one's. */
static void it_was_caught(void **state)
{
	double began = clock_seconds();

	(void)state;
	assert_int_equal(signals_caught(), SIGUSR1);
	assert_true(signals_age() > RAIN_S / 2);
	kill(getpid(), SIGTERM);
	while (signals_caught() != SIGTERM && clock_seconds() - began < 10)
		usleep(1000);
	assert_int_equal(signals_caught(), SIGTERM);
	assert_true(signals_age() > RAIN_S / 2);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(nothing_yet),
	cmocka_unit_test(products_are_the_same),
	cmocka_unit_test(it_was_caught),
};

TEST_MAIN(cases)
