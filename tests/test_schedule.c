/* Learning rate and target decay at the steps where the spec fixes them. */
#include "test.h"

#include "optim/schedule.h"

static void imagenet_at_1000_epochs(void **state)
{
	const struct schedule s = { .peak = 0.3 * 4096 / 256, .warmup = 3127, .steps = 312784 };

	(void)state;
	assert_close(schedule_lr(&s, 0), 0, 0);
	assert_close(schedule_lr(&s, 3127), 4.8, 1e-12);
	assert_close(schedule_lr(&s, 1), 4.8 / 3127, 1e-15);
	assert_close(
		schedule_lr(&s, (312784 + 3127) / 2), 2.4, 1e-4); /* half way down the cosine */
	assert_true(schedule_lr(&s, 312783) > 0 && schedule_lr(&s, 312783) < 1e-9);
	assert_close(schedule_lr(&s, 312784), 0, 1e-15);
}

static void without_warmup(void **state)
{
	const struct schedule s = { .peak = 2, .warmup = 0, .steps = 100 };

	(void)state;
	assert_close(schedule_lr(&s, 0), 2, 0);
	assert_close(schedule_lr(&s, 50), 1, 1e-12);
}

static void from_the_configuration(void **state)
{
	struct schedule s;
	struct config c;

	(void)state;
	config_default(&c);
	c.optim.lr = 0.3, c.train.batch = 4096, c.optim.warmup_epochs = 10;
	schedule_init(&s, &c, 312, 312000);
	assert_close(s.peak, 4.8, 1e-12);
	assert_int_equal(s.warmup, 3120);
	config_free(&c);
}

static void target_decay(void **state)
{
	struct schedule s = { .steps = 1000, .ema = 0.99, .ema_schedule = EMA_CONSTANT };

	(void)state;
	assert_close(schedule_ema(&s, 0), 0.99, 0);
	assert_close(schedule_ema(&s, 999), 0.99, 0);
	s.ema_schedule = EMA_COSINE;
	assert_close(schedule_ema(&s, 0), 0.99, 1e-15);
	assert_close(schedule_ema(&s, 500), 0.995, 1e-12);
	assert_close(schedule_ema(&s, 1000), 1, 1e-15);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(imagenet_at_1000_epochs),
	cmocka_unit_test(without_warmup),
	cmocka_unit_test(from_the_configuration),
	cmocka_unit_test(target_decay),
};
TEST_MAIN(cases)
