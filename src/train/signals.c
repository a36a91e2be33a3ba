#include "train/signals.h"

#include <signal.h>
#include <stddef.h>

#include "base/clock.h"

static volatile sig_atomic_t caught;
static double caught_at; /* written before caught is */

static void catch (int number)
{
	if (!caught)
		caught_at = clock_seconds();
	caught = number;
}

void signals_catch(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2 };
	struct sigaction action = { .sa_handler = catch, .sa_flags = SA_RESTART };

	/* one after another: caught_at is the first one's */
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaddset(&action.sa_mask, numbers[i]);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaction(numbers[i], &action, NULL);
}

int signals_caught(void)
{
	return caught;
}

double signals_age(void)
{
	return caught ? clock_seconds() - caught_at : 0;
}
