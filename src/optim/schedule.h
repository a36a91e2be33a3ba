#ifndef OPTIM_SCHEDULE_H
#define OPTIM_SCHEDULE_H

#include <stdint.h>

#include "base/config.h"

/* Learning rate and target decay as functions of the step (spec 4). step counts from 0; steps: of
 * the whole run. */

struct schedule {
	double peak;    /* base rate x batch / 256 */
	int64_t warmup; /* steps */
	int64_t steps;
	double ema;
	enum ema_schedule ema_schedule;
};

/* From the configuration, for a run of so many steps. */
void schedule_init(
	struct schedule *s, const struct config *c, int64_t steps_per_epoch, int64_t steps);

/* Linear from 0 over the warm-up, then half a cosine to 0. */
double schedule_lr(const struct schedule *s, int64_t step);

/* Constant, or 1 - (1 - base) (1 + cos(pi step / steps)) / 2. */
double schedule_ema(const struct schedule *s, int64_t step);

#endif
