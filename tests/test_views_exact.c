/* views.exact: training steps and contact sheets by the plain path of views are those of the fast
 * one, but for the views' rounding. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernel.h"
#include "sheet_fixture.h"
#include "train/step.h"
#include "view_fixture.h"

enum { BATCH = 8, STEPS = 5, SIDE = 65 };

static struct comm *comm;

/* All that can happen to a view does. */
static void small_config(struct config *c, int exact)
{
	config_default(c);
	xfree(c->model.arch);
	c->model.arch = xstrdup("resnet18");
	c->model.width = 0.25, c->model.hidden = 24, c->model.out = 12;
	c->views.large = 2, c->views.small = 1, c->views.large_size = SIDE;
	c->views.small_size = 49, c->views.mask = 0.5, c->views.exact = exact;
	c->train.batch = BATCH, c->loss.negatives = 3;
}

static void open_batch(struct batch *b)
{
	*b = (struct batch){ .count = BATCH };
	b->images = xcalloc(BATCH, sizeof *b->images);
	b->ids = xcalloc(BATCH, sizeof *b->ids);
	for (uint32_t i = 0; i < BATCH; i++) {
		b->images[i] = picture(81 + (int)i, 97 - (int)i, i);
		b->ids[i] = i;
	}
}

static void close_batch(struct batch *b)
{
	for (int i = 0; i < BATCH; i++)
		picture_free(&b->images[i]);
	xfree(b->images);
	xfree(b->ids);
}

/* The first view of the last step, once more and by whichever path. */
static void check_path(struct step *s, const struct batch *b, int exact)
{
	size_t bytes = sizeof(float) * BATCH * SIDE * SIDE * 3;
	float *want = s->dev->be->alloc(s->dev, bytes, "test");
	float *other = s->dev->be->alloc(s->dev, bytes, "test");
	int size;
	const void *fed = step_view(s, 0, &size);

	assert_int_equal(size, SIDE);
	views_of(s->dev, want, b->images, BATCH, s->fed[s->slot].views, 1, exact);
	views_of(s->dev, other, b->images, BATCH, s->fed[s->slot].views, 1, !exact);
	assert_memory_equal(fed, want, bytes);
	assert_memory_not_equal(fed, other, bytes);
	s->dev->be->free(s->dev, want);
	s->dev->be->free(s->dev, other);
}

static void run_steps(double losses[STEPS], int exact)
{
	struct device *dev = device_open_bare(1);
	struct batch b;
	struct config c;
	struct step s;

	open_batch(&b);
	small_config(&c, exact);
	dev->be->connect(dev, comm);
	step_open(&s, &c, comm, dev);
	state_init(&s.state, &c);
	for (int k = 0; k < STEPS; k++) {
		const struct plan plan = { .step = k, .epoch = k, .lr = 0.1, .ema = 0.9 };
		struct step_result r;

		step_run(&s, &b, &plan, &r);
		losses[k] = r.loss;
	}
	check_path(&s, &b, exact);
	step_close(&s);
	dev->be->close(dev);
	close_batch(&b);
	config_free(&c);
}

/* Views differ by some 1e-6, what the network makes of that by more, and more with every update. */
static void a_run_has_the_losses_of_the_fast_path(void **state)
{
	double fast[STEPS], exact[STEPS], worst = 0;

	(void)state;
	run_steps(fast, 0);
	run_steps(exact, 1);
	for (int k = 0; k < STEPS; k++) {
		worst = fmax(worst, fabs(exact[k] - fast[k]) / fast[k]);
		assert_close(exact[k], fast[k], 1e-4 * fast[k]);
	}
	assert_close(exact[0], fast[0], 1e-5 * fast[0]);
	print_message("# losses differ by %.2g of %g in the first step, at most by %.2g of them\n",
		fabs(exact[0] - fast[0]), fast[0], worst);
}

/* Colours are rounded to 255 steps: a few may fall to the other side, by one step. */
static void sheets_are_those_of_the_fast_path(void **state)
{
	static const struct fixture f = { .shards = 2, .per_shard = 6, .masks = 1, .big = 1 };
	struct contact_sheet_options o = sheet_options(&f);
	struct config c = sheet_config();
	struct sheet_picture fast = sheet_draw(&o, &c), exact;
	int bytes = fast.width * fast.height * 3, other = 0;

	(void)state;
	c.views.exact = 1;
	exact = sheet_draw(&o, &c);
	assert_int_equal(exact.width, fast.width);
	assert_int_equal(exact.height, fast.height);
	for (int i = 0; i < bytes; i++) {
		assert_in_range(abs(exact.rgb[i] - fast.rgb[i]), 0, 1);
		other += exact.rgb[i] != fast.rgb[i];
	}
	assert_true(other < bytes / 1000);
	xfree(fast.rgb);
	xfree(exact.rgb);
	config_free(&c);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_run_has_the_losses_of_the_fast_path),
	cmocka_unit_test(sheets_are_those_of_the_fast_path),
};

int main(void)
{
	char err[ERR_MAX];
	int failed;

	comm = comm_open(NULL, err);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(cases, NULL, test_cleanup);
	comm_close(comm);
	return failed;
}
