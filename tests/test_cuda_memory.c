/* The memory that a dry run prints is what the CUDA back end takes, at the paper's sizes: the
 * double of the runtime counts it, idle. */
#include "test.h"

#include <stdlib.h>

#include "base/memory.h"
#include "comm/comm.h"
#include "kernel.h"
#include "double/queue.h"
#include "train/forecast.h"
#include "train/step.h"

enum { BATCH = 16, WIDTH = 500, HEIGHT = 375 };

static struct comm *comm;

static size_t bytes_taken(const struct config *c)
{
	const struct device_options options = {
		.threads = 1, .precision = c->precision, .workspace = (size_t)c->workspace_mib << 20
	};
	char err[ERR_MAX] = "";
	struct device *dev = backend_find("cuda", err)->open(&options, err);
	struct batch batch = { .count = BATCH };
	struct step s;
	size_t bytes;

	assert_non_null(dev);
	dev->be->connect(dev, comm);
	batch.images = xcalloc(BATCH, sizeof *batch.images);
	batch.ids = xcalloc(BATCH, sizeof *batch.ids);
	for (int i = 0; i < BATCH; i++)
		batch.images[i] = (struct image){
			.width = WIDTH, .height = HEIGHT, .rgb = xcalloc(WIDTH * HEIGHT, 3)
		};
	step_open(&s, c, comm, dev);
	for (int64_t k = 0; k < 3; k++) {
		const struct plan plan = { .step = k, .ema = 1 };
		struct step_result r;

		step_run(&s, &batch, &plan, &r);
		assert_int_equal(
			s.state.step, k + 1); /* idle: the loss is 0, and the step is applied */
	}
	bytes = double_trace()->bytes;
	step_close(&s);
	dev->be->close(dev);
	assert_int_equal(double_trace()->bytes, 0);
	for (int i = 0; i < BATCH; i++)
		xfree(batch.images[i].rgb);
	xfree(batch.images);
	xfree(batch.ids);
	return bytes;
}

static void the_forecast_is_what_is_taken(void **state)
{
	static const enum precision precisions[] = { PRECISION_FLOAT32, PRECISION_BF16 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		char err[ERR_MAX] = "";
		const struct forecast_options o = { .card = card_find("h100", err),
			.ranks = 1,
			.image_width = WIDTH,
			.image_height = HEIGHT };
		struct config c;
		struct tally *t;
		double taken, said;

		config_default(&c);
		c.train.batch = BATCH;
		c.precision = precisions[i % 2];
		c.train.recompute = i / 2 ? RECOMPUTE_VIEWS : RECOMPUTE_NONE;
		t = forecast(&c, &o, err);
		assert_non_null(t);
		said = (double)tally_bytes(t);
		taken = (double)bytes_taken(&c);
		print_message("# said %.4f GB, taken %.4f GB\n", said / 1e9, taken / 1e9);
		assert_close(said, taken, 0.01 * taken);
		tally_close(t);
		config_free(&c);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = { cmocka_unit_test(
		the_forecast_is_what_is_taken) };
	char err[ERR_MAX];
	int failed;

	setenv("CUDA_DOUBLE_IDLE", "1", 1);
	comm = comm_open(NULL, err);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(cases, NULL, test_cleanup);
	comm_close(comm);
	return failed;
}
