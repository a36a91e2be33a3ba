/* One training step of a small network: its gradient against differences of its loss,
 * what it leaves behind, and that it allocates nothing.  Other implementations are compared with
 * through the step dump. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "step_fixture.h"

/* Loss at the parameters moved by a * direction; the step is not applied (learning rate 0, target
 * fixed). */
static double loss_at(
	struct step *s, const struct batch *b, const float *start, const float *direction, double a)
{
	const struct plan plan = { .lr = 0, .ema = 1, .key = 3 };
	float *values = xmalloc(s->state.params->length * sizeof *values);
	struct step_result r;

	for (size_t i = 0; i < s->state.params->length; i++)
		values[i] = start[i] + (float)(a * direction[i]);
	set_values(s, values);
	xfree(values);
	step_run(s, b, &plan, &r);
	assert_true(r.finite);
	return r.loss;
}

/* The contrastive term has no stop-gradient on the online side, so its differences are its
 * gradient.  One kind of tensor at a time is moved along its gradient and a random direction of the
 * same length, by a share h of its own. */
static void make_direction(const struct params *p, float *direction, const float *start,
	const float *gradients, const char *word)
{
	struct rng r = rng_at(4, RNG_PROBE, 0, 0, 0);
	double gradient = 0, own = 0, count = 0;

	for (int i = 0; i < p->count; i++)
		for (size_t j = p->table[i].offset; strstr(p->table[i].name, word) &&
			j < p->table[i].offset + p->table[i].count;
			j++) {
			direction[j] = gradients[j];
			gradient += (double)direction[j] * direction[j];
			own += (double)start[j] * start[j];
			count++;
		}
	assert_true(gradient > 0);
	own = fmax(own, 0.01 * count); /* biases start at 0 */
	for (size_t j = 0; j < p->length; j++)
		if (direction[j] != 0)
			direction[j] = (float)(sqrt(own) *
				(direction[j] / sqrt(gradient) + rng_normal(&r) / sqrt(count)));
}

static void check_direction(
	struct step *s, const struct batch *b, const float *start, const char *word)
{
	size_t length = s->state.params->length;
	float *direction = xcalloc(length, sizeof *direction), *gradients;
	double closed = 0, h, differences;

	loss_at(s, b, start, direction, 0);
	gradients = fetched(s, s->state.gradients);
	make_direction(s->state.params, direction, start, gradients, word);
	for (size_t i = 0; i < length; i++)
		closed += (double)gradients[i] * direction[i];
	h = fmin(5e-5, 2e-4 / fabs(closed));
	differences =
		(8 * (loss_at(s, b, start, direction, h) - loss_at(s, b, start, direction, -h)) -
			(loss_at(s, b, start, direction, 2 * h) -
				loss_at(s, b, start, direction, -2 * h))) /
		(12 * h);
	print_message("# %-24s closed %+.6f differences %+.6f\n", word, closed, differences);
	/* float32 losses carry about 1e-7 each, divided by h; relus that change sign add a few
	 * hundredths. */
	assert_close(differences, closed, 1e-3 + 0.04 * fabs(closed));
	xfree(direction);
	xfree(gradients);
}

static void gradient_is_the_difference_quotient(const char *arch)
{
	static const char *const words[] = { "encoder.conv1", "layer1.0.conv",
		"layer2.0.downsample.0", "layer4.1.conv2", "bn1.weight", "bn2.weight",
		"layer3.0.bn1.bias", "projector.linear1.weight", "predictor" };
	struct config c;
	struct step s;
	struct batch b = make_batch(0);
	float *start;

	small_config(&c, arch);
	c.loss.invariance = 0, c.loss.contrast = 1, c.loss.temperature = 1;
	open_step(&s, &c);
	open_blocks(&s);
	start = fetched(&s, s.state.values);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		check_direction(&s, &b, start, words[i]);
	xfree(start);
	close_step(&s);
	free_batch(&b);
	config_free(&c);
}

static void gradient_of_bottlenecks(void **state)
{
	(void)state;
	gradient_is_the_difference_quotient("resnet50");
}

static void gradient_of_basic_blocks(void **state)
{
	(void)state;
	gradient_is_the_difference_quotient("resnet18");
}

static void steps_allocate_nothing(void **state)
{
	struct plan plan = { .lr = 0.1, .ema = 0.9 };
	struct step_result r;
	struct config c;
	struct step s;
	struct batch b = make_batch(0);
	long before;

	(void)state;
	small_config(&c, "resnet18");
	open_step(&s, &c);
	step_run(&s, &b, &plan, &r);
	before = xalloc_count();
	for (plan.step = 1; plan.step < 4; plan.step++)
		step_run(&s, &b, &plan, &r);
	assert_int_equal(xalloc_count(), before);
	assert_int_equal(s.state.step, 4);
	assert_int_equal(s.state.updates, 4 * 2);
	close_step(&s);
	free_batch(&b);
	config_free(&c);
}

/* The same step twice gives the same bits, and training lowers the loss on a batch that never
 * changes. */
static void repeatable_and_learning(void **state)
{
	enum { STEPS = 30 };
	double losses[2][STEPS];
	struct config c;
	struct batch b = make_batch(0);

	(void)state;
	small_config(&c, "resnet18");
	for (int run = 0; run < 2; run++) {
		struct step s;

		open_step(&s, &c);
		for (int k = 0; k < STEPS; k++) {
			const struct plan plan = { .step = k, .lr = 1, .ema = 0.9 };
			struct step_result r;

			step_run(&s, &b, &plan, &r);
			losses[run][k] = r.loss;
		}
		close_step(&s);
	}
	assert_memory_equal(losses[0], losses[1], sizeof losses[0]);
	assert_true(losses[0][STEPS - 1] < 0.8 * losses[0][0]);
	free_batch(&b);
	config_free(&c);
}

static void a_step_that_is_not_finite_is_not_applied(void **state)
{
	const struct plan plan = { .lr = 1, .ema = 0.5 };
	struct step_result r;
	struct config c;
	struct step s;
	struct batch b = make_batch(0);
	float *before, *target, *values;
	size_t bytes;

	(void)state;
	small_config(&c, "resnet18");
	open_step(&s, &c);
	bytes = s.state.params->length * sizeof(float);
	before = fetched(&s, s.state.values), target = fetched(&s, s.state.target);
	before[5] = NAN;
	set_values(&s, before);
	step_run(&s, &b, &plan, &r);
	assert_int_equal(r.finite, 0);
	assert_int_equal(s.state.step, 0);
	values = fetched(&s, s.state.values);
	assert_memory_equal(before, values, bytes);
	xfree(values);
	values = fetched(&s, s.state.target);
	assert_memory_equal(target, values, bytes);
	xfree(values);
	xfree(before);
	xfree(target);
	close_step(&s);
	free_batch(&b);
	config_free(&c);
}

/* The options of spec 2.4 reach the loss. */
static void every_mode_of_the_objective_runs(void **state)
{
	struct batch b = make_batch(0);

	(void)state;
	for (int mode = 0; mode <= 4; mode++) {
		const struct plan plan = { .lr = 0.1, .ema = 0.9 };
		struct step_result r;
		struct config c;
		struct step s;

		small_config(&c, "resnet18");
		c.loss.small_mode = mode;
		open_step(&s, &c);
		step_run(&s, &b, &plan, &r);
		assert_true(r.finite);
		assert_close(r.loss, 0.3 * r.contrastive + 2 * r.invariance, 1e-12);
		close_step(&s);
		config_free(&c);
	}
	free_batch(&b);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(gradient_of_bottlenecks),
	cmocka_unit_test(gradient_of_basic_blocks),
	cmocka_unit_test(steps_allocate_nothing),
	cmocka_unit_test(repeatable_and_learning),
	cmocka_unit_test(a_step_that_is_not_finite_is_not_applied),
	cmocka_unit_test(every_mode_of_the_objective_runs),
};

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(cases, step_setup, step_teardown);
}
