/* A profiled device computes what the plain one does, and its kinds account for calls and time; the
 * tally, another count of the same code, agrees. */
#include "test.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kernel.h"
#include "nn/profile.h"
#include "train/forecast.h"
#include "train/step.h"

enum { BATCH = 4, SIDE = 40, STEPS = 2 };

static struct comm *comm;

static void tiny_config(struct config *c)
{
	config_default(c);
	xfree(c->model.arch);
	c->model.arch = xstrdup("resnet18");
	c->model.width = 0.25, c->model.hidden = 24, c->model.out = 12;
	c->views.large = 2, c->views.small = 1, c->views.large_size = 33, c->views.small_size = 17;
	c->train.batch = BATCH, c->loss.negatives = 2;
	c->train.recompute = RECOMPUTE_OUTPUTS; /* on every device, and in the tally */
}

static struct batch make_batch(void)
{
	struct batch b = { .count = BATCH };

	b.images = xcalloc(BATCH, sizeof *b.images);
	b.ids = xcalloc(BATCH, sizeof *b.ids);
	for (int i = 0; i < BATCH; i++) {
		struct rng r = rng_at(9, RNG_DEMO, (uint32_t)i, 0, 0);
		uint8_t *rgb = xmalloc(SIDE * SIDE * 3);

		for (int p = 0; p < SIDE * SIDE * 3; p++)
			rgb[p] = (uint8_t)rng_below(&r, 256);
		b.images[i] = (struct image){ .width = SIDE, .height = SIDE, .rgb = rgb };
		b.ids[i] = (uint64_t)i;
	}
	return b;
}

static void free_batch(struct batch *b)
{
	for (int i = 0; i < BATCH; i++)
		xfree(b->images[i].rgb);
	xfree(b->images);
	xfree(b->ids);
}

/* What some steps leave behind, on the host. */
struct outcome {
	struct step_result result;
	float *buffers[4]; /* values, momentum, target, gradients */
	size_t bytes;      /* of one */
	double wall;
};

static void free_outcome(struct outcome *o)
{
	for (int i = 0; i < 4; i++)
		xfree(o->buffers[i]);
}

static void fetch(struct outcome *o, const struct step *s)
{
	const float *from[4] = { s->state.values, s->state.momentum, s->state.target,
		s->state.gradients };

	o->bytes = s->state.params->length * sizeof(float);
	for (int i = 0; i < 4; i++) {
		o->buffers[i] = xmalloc(o->bytes);
		s->dev->be->download(s->dev, o->buffers[i], from[i], o->bytes);
	}
}

/* With p: profiled. */
static void run_steps(struct outcome *o, struct profile *p)
{
	struct device *dev = device_open_bare(1);
	const struct backend *be = dev->be;
	struct batch batch = make_batch();
	struct config c;
	struct step s;
	double start;

	tiny_config(&c);
	be->connect(dev, comm);
	step_open(&s, &c, comm, dev);
	state_init(&s.state, &c);
	if (p)
		profile_start(dev, p);
	start = clock_seconds();
	for (int k = 0; k < STEPS; k++) {
		const struct plan plan = { .step = k, .lr = 0.1, .ema = 0.9, .key = 3 };

		step_run(&s, &batch, &plan, &o->result);
	}
	o->wall = clock_seconds() - start;
	if (p)
		profile_stop(dev);
	assert_ptr_equal(dev->be, be);
	assert_null(dev->profile);
	fetch(o, &s);
	step_close(&s);
	be->close(dev);
	free_batch(&batch);
	config_free(&c);
}

static void steps_are_the_same(void **state)
{
	struct profile p = { .wrapped = NULL };
	struct outcome plain = { .wall = 0 }, profiled = { .wall = 0 };

	(void)state;
	run_steps(&plain, NULL);
	run_steps(&profiled, &p);
	assert_true(plain.result.finite && plain.result.loss != 0);
	check_same("results", &plain.result, &profiled.result, sizeof plain.result);
	for (int i = 0; i < 4; i++)
		check_same("buffers", plain.buffers[i], profiled.buffers[i], plain.bytes);
	free_outcome(&plain);
	free_outcome(&profiled);
}

static void kinds_account_for_the_time(void **state)
{
	struct profile p = { .wrapped = NULL };
	struct outcome o = { .wall = 0 };
	double sum = 0;

	(void)state;
	run_steps(&o, &p);
	for (int k = 0; k < KINDS; k++) {
		assert_true(p.kinds[k].calls > 0);
		assert_true(p.kinds[k].seconds > 0);
		sum += p.kinds[k].seconds;
	}
	print_message("# %.1f of %.1f ms\n", 1e3 * sum, 1e3 * o.wall);
	/* What is between the operations is little arithmetic, whatever the machine. */
	assert_true(sum <= o.wall && sum > o.wall / 10);
	free_outcome(&o);
}

static struct tally *tally_of_step(int ranks)
{
	char err[ERR_MAX] = "";
	const struct forecast_options f = { .card = card_find("h100", err),
		.ranks = ranks,
		.image_width = SIDE,
		.image_height = SIDE };
	struct config c;
	struct tally *t;

	tiny_config(&c);
	t = forecast(&c, &f, err);
	assert_non_null(t);
	config_free(&c);
	return t;
}

/* Each has its own list of what is of which kind. */
static void calls_are_those_of_the_tally(void **state)
{
	struct profile p = { .wrapped = NULL };
	struct outcome o = { .wall = 0 };
	struct tally *one = tally_of_step(1), *two = tally_of_step(2);
	long messages = 1; /* sum_finish, which sends nothing */

	(void)state;
	run_steps(&o, &p);
	for (int i = 0; i < two->message_count; i++)
		messages += two->messages[i].calls;
	/* The tally counts param_norms and lars as one with ema. */
	one->kinds[KIND_OPTIMISER].calls += 2;
	one->kinds[KIND_RANKS].calls = messages;
	for (int k = 0; k < KINDS; k++)
		assert_int_equal(p.kinds[k].calls, STEPS * one->kinds[k].calls);
	tally_close(one);
	tally_close(two);
	free_outcome(&o);
}

static void kinds_of_the_tally_add_up_to_its_layers(void **state)
{
	struct tally *t = tally_of_step(1);
	struct tally_work a = { .calls = 0 }, b = { .calls = 0 };

	(void)state;
	for (int i = 0; i < t->work_count; i++) {
		a.operations += t->work[i].operations, a.bytes += t->work[i].bytes;
		a.floor_s += t->work[i].floor_s, a.calls += t->work[i].calls;
	}
	for (int k = 0; k < KINDS; k++) {
		b.operations += t->kinds[k].operations, b.bytes += t->kinds[k].bytes;
		b.floor_s += t->kinds[k].floor_s, b.calls += t->kinds[k].calls;
	}
	assert_true(a.operations == b.operations && a.bytes == b.bytes); /* whole numbers */
	assert_close(a.floor_s, b.floor_s, 1e-12 * a.floor_s);           /* another order */
	assert_int_equal(a.calls, b.calls);
	assert_true(a.operations > 0 && a.floor_s > 0);
	tally_close(t);
}

/* Operations that a step of float32 on one rank does without; n floats in all. */
static void others(struct device *dev, float *host, size_t n)
{
	const struct backend *be = dev->be;
	float *x = be->alloc(dev, n * sizeof *x, "test"),
	      *y = be->alloc(dev, n * sizeof *y, "test");

	for (size_t i = 0; i < n; i++)
		host[i] = (float)i;
	be->upload(dev, x, host, n * sizeof *x);
	be->copy(dev, y, x, (n - 1) * sizeof *x);
	be->axpy(dev, y, 2, x, n - 2);
	be->gemm(dev, y, x, x + 6, 2, 1, 3, 1, 0, 0.5f);
	be->from_float(dev, y + 8, x, 2);
	be->to_float(dev, y + 12, x + 4, 2);
	be->sum_float(dev, y, n);
	be->download(dev, host, y, n * sizeof *y);
	be->free(dev, x);
	be->free(dev, y);
}

static void other_operations_are_passed_on(void **state)
{
	enum { N = 16 };
	static const int calls[KINDS] = { [KIND_HOST] = 2,
		[KIND_POINTWISE] = 3,
		[KIND_LOSS] = 1,
		[KIND_PRODUCT] = 1,
		[KIND_RANKS] = 1 };
	struct profile p = { .wrapped = NULL };
	struct device *dev = device_open_bare(1);
	float plain[N], profiled[N];

	(void)state;
	dev->be->connect(dev, comm);
	others(dev, plain, N);
	profile_start(dev, &p);
	others(dev, profiled, N);
	profile_stop(dev);
	dev->be->close(dev);
	check_same("floats", plain, profiled, sizeof plain);
	assert_true(plain[15] == 0 && plain[14] == 14); /* it is not all zeros */
	for (int k = 0; k < KINDS; k++)
		assert_int_equal(p.kinds[k].calls, calls[k]);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(steps_are_the_same),
		cmocka_unit_test(kinds_account_for_the_time),
		cmocka_unit_test(calls_are_those_of_the_tally),
		cmocka_unit_test(kinds_of_the_tally_add_up_to_its_layers),
		cmocka_unit_test(other_operations_are_passed_on),
	};
	char err[ERR_MAX];
	int failed;

	comm = comm_open(NULL, err);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(cases, NULL, test_cleanup);
	comm_close(comm);
	return failed;
}
