#include "optim/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

void schedule_init(
	struct schedule *s, const struct config *c, int64_t steps_per_epoch, int64_t steps)
{
	*s = (struct schedule){ .peak = c->optim.lr * c->train.batch / 256,
		.steps = steps,
		.ema = c->optim.ema,
		.ema_schedule = c->optim.ema_schedule,
		.warmup = llround(c->optim.warmup_epochs * (double)steps_per_epoch) };
}

double schedule_lr(const struct schedule *s, int64_t step)
{
	if (step < s->warmup)
		return s->peak * (double)step / (double)s->warmup;
	return s->peak * 0.5 *
		(1 + cos(pi * (double)(step - s->warmup) / (double)(s->steps - s->warmup)));
}

double schedule_ema(const struct schedule *s, int64_t step)
{
	if (s->ema_schedule == EMA_CONSTANT)
		return s->ema;
	return 1 - (1 - s->ema) * 0.5 * (1 + cos(pi * (double)step / (double)s->steps));
}
