/* What a run is said to need and do, against published counts and against itself. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/model.h"
#include "train/forecast.h"

static void paper_config(struct config *c, int large, int small, int batch)
{
	config_default(c);
	c->views.large = large;
	c->views.small = small;
	c->train.batch = batch;
}

static struct tally *forecast_of(const struct config *c, int ranks)
{
	char err[ERR_MAX] = "";
	const struct forecast_options o = { .card = card_find("h100", err),
		.ranks = ranks,
		.image_width = 500,
		.image_height = 375 };
	struct tally *t = forecast(c, &o, err);

	if (!t)
		print_error("%s\n", err);
	assert_non_null(t);
	return t;
}

/* ResNet-50 without its classifier: 4.0893 G multiplications of one image of 224 pixels
 * (torchvision's 4.089 G less 2.048 M of the classifier), the first convolution's 118.0 M among
 * them. */
static void operations_are_the_published_ones(void **state)
{
	const double forward = 4.0893e9 - 2.048e6, stem = 118.01e6;
	const double projector = 2048. * 4096 + 4096. * 256, predictor = 256. * 4096 + 4096. * 256;
	/* Online and target forward, gradients of weights and of data, but of the first
	 * convolution's input. */
	const double image = 4 * forward - stem + 4 * projector + 3 * predictor;
	struct config c;
	struct tally *t;
	double sum = 0;

	(void)state;
	paper_config(&c, 1, 0, 8);
	t = forecast_of(&c, 1);
	for (int i = 0; i < t->work_count; i++)
		sum += t->work[i].operations;
	assert_close(sum, 2 * 8 * image, 1e-3 * sum);
	tally_close(t);
	config_free(&c);
}

static const struct tally_message *message(const struct tally *t, const char *word)
{
	const struct tally_message *found = NULL;

	for (int i = 0; i < t->message_count; i++)
		if (strstr(t->messages[i].what, word))
			found = &t->messages[i];
	assert_non_null(found);
	return found;
}

/* 53 batch norms of the encoder: forward and backward of both sizes online, forward of the target.
 * One of each head, which take both sizes at once: the same, but the target has no predictor. */
static void messages_are_those_of_the_network(void **state)
{
	struct config c;
	struct tally *t;
	struct params p;
	struct stats s;

	(void)state;
	paper_config(&c, 4, 2, 64);
	model_tables(&c, &p, &s);
	t = forecast_of(&c, 4);
	assert_int_equal(message(t, "batch norm")->calls, 5 * 53 + 2 * 2 + 1);
	assert_true(message(t, "buckets")->bytes == 4. * (double)p.length);
	assert_true(message(t, "embeddings")->bytes == 4. * 4 * 16 * 256);
	assert_int_equal(t->device.counts.waits, 2); /* one a step, and two were run */
	tally_close(t);
	params_free(&p);
	stats_free(&s);
	config_free(&c);
}

static size_t bytes_of(int large, int small, enum recompute recompute)
{
	struct config c;
	struct tally *t;
	size_t bytes;

	paper_config(&c, large, small, 32);
	c.train.recompute = recompute;
	t = forecast_of(&c, 1);
	bytes = tally_bytes(t);
	tally_close(t);
	config_free(&c);
	return bytes;
}

static void recomputing_makes_memory_flat_in_the_views(void **state)
{
	size_t two = bytes_of(2, 0, RECOMPUTE_VIEWS), six = bytes_of(4, 2, RECOMPUTE_VIEWS);

	(void)state;
	print_message("# 2 views %.3f GB, 6 views %.3f GB; kept: %.3f and %.3f GB\n",
		(double)two / 1e9, (double)six / 1e9, (double)bytes_of(2, 0, RECOMPUTE_NONE) / 1e9,
		(double)bytes_of(4, 2, RECOMPUTE_NONE) / 1e9);
	assert_true(six <= two + two / 10);
	assert_true(2 * six < bytes_of(4, 2, RECOMPUTE_NONE));
}

/* Of what is kept only the convolutions' outputs grow with the views; gradients are one view's, and
 * the target's activations lie in memory that is free while it runs. */
static void outputs_made_again_take_about_half_the_memory(void **state)
{
	size_t none = bytes_of(4, 2, RECOMPUTE_NONE), outputs = bytes_of(4, 2, RECOMPUTE_OUTPUTS);

	(void)state;
	print_message("# %.3f GB, all kept %.3f GB\n", (double)outputs / 1e9, (double)none / 1e9);
	assert_true((double)outputs <= 0.51 * (double)none);
}

static void the_largest_batch_is_the_largest(void **state)
{
	char err[ERR_MAX];
	const struct forecast_options o = {
		.card = card_find("a100", err), .ranks = 2, .image_width = 500, .image_height = 375
	};
	const double limit = 20e9;
	struct config c;
	double bytes[2];
	int n;

	(void)state;
	paper_config(&c, 4, 2, 8);
	n = forecast_largest(&c, &o, limit);
	for (int more = 0; more < 2; more++) {
		struct tally *t;

		c.train.batch = (n + more) * 2;
		t = forecast_of(&c, 2);
		bytes[more] = (double)tally_bytes(t);
		tally_close(t);
	}
	assert_true(n > 1 && bytes[0] <= limit && bytes[1] > limit);
	assert_int_equal(forecast_largest(&c, &o, 1e6), 0);
	config_free(&c);
}

static void what_a_card_cannot_do(void **state)
{
	char err[ERR_MAX] = "";
	const struct card *v100 = card_find("v100", err);

	(void)state;
	assert_null(tally_open(v100, PRECISION_BF16, 1 << 20, err));
	assert_says(err, "V100");
	assert_null(card_find("voodoo", err));
	assert_says(err, "h100");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(operations_are_the_published_ones),
	cmocka_unit_test(messages_are_those_of_the_network),
	cmocka_unit_test(recomputing_makes_memory_flat_in_the_views),
	cmocka_unit_test(outputs_made_again_take_about_half_the_memory),
	cmocka_unit_test(the_largest_batch_is_the_largest),
	cmocka_unit_test(what_a_card_cannot_do),
};
TEST_MAIN(cases)
