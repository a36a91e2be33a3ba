/* The network's tables against the paper's counts, and its geometry; arithmetic is in
 * test_gradient. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/model.h"

static void tables(struct params *p, struct stats *s, const char *arch, double width)
{
	struct config c;

	config_default(&c);
	xfree(c.model.arch);
	c.model.arch = xstrdup(arch);
	c.model.width = width;
	model_tables(&c, p, s);
	config_free(&c);
}

static void parameter_counts(void **state)
{
	static const struct {
		const char *arch;
		double width;
		size_t encoder;
	} rows[] = {
		{ "resnet50", 1, 23508032 },
		{ "resnet50", 2, 93907072 },
		{ "resnet50", 4, 375378176 },
		{ "resnet101", 1, 42500160 },
		{ "resnet152", 1, 58143808 },
		{ "resnet200", 1, 62624832 },
		{ "resnet200", 2, 250128512 },
		/* torchvision's models without their classifiers: 11689512 - 513000, 21797672 -
		   513000 */
		{ "resnet18", 1, 11176512 },
		{ "resnet34", 1, 21284672 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct params p;
		struct stats s;

		tables(&p, &s, rows[i].arch, rows[i].width);
		assert_int_equal(params_size(&p, "encoder."), rows[i].encoder);
		params_free(&p);
		stats_free(&s);
	}
}

static void head_counts(void **state)
{
	struct params p;
	struct stats s;

	(void)state;
	tables(&p, &s, "resnet50", 1);
	assert_int_equal(params_size(&p, "projector."), 9449472);
	assert_int_equal(params_size(&p, "predictor."), 2109440);
	assert_int_equal(params_size(&p, ""), 23508032 + 9449472 + 2109440);
	params_free(&p);
	stats_free(&s);
}

static void resnet295_has_the_blocks_of_the_spec(void **state)
{
	struct params p;
	struct stats s;

	(void)state;
	tables(&p, &s, "resnet295", 1);
	assert_true(params_find(&p, "encoder.layer2.37.conv3.weight") >= 0);
	assert_true(params_find(&p, "encoder.layer2.38.conv3.weight") < 0);
	assert_true(params_find(&p, "encoder.layer3.53.conv3.weight") >= 0);
	assert_in_range(params_size(&p, "encoder."), 86600000, 86700000); /* 86.66 M */
	params_free(&p);
	stats_free(&s);
}

static void any_width_has_at_least_a_channel(void **state)
{
	struct params p;
	struct stats s;

	(void)state;
	tables(&p, &s, "resnet18", 0.001);
	assert_int_equal(p.table[0].shape[0], 1);
	params_free(&p);
	stats_free(&s);
}

static void tensors_lie_apart_and_aligned(void **state)
{
	struct params p;
	struct stats s;

	(void)state;
	tables(&p, &s, "resnet50", 0.3);
	for (int i = 0; i < p.count; i++) {
		size_t end = p.table[i].offset + p.table[i].count,
		       next = i + 1 < p.count ? p.table[i + 1].offset : p.length;

		assert_int_equal(p.table[i].offset % PARAM_ALIGN, 0);
		assert_true(end <= next && next - end < PARAM_ALIGN);
		assert_int_equal(params_find(&p, p.table[i].name), i);
	}
	params_free(&p);
	stats_free(&s);
}

static void initial_values(void **state)
{
	struct params p;
	struct stats s;
	float *v, *again;

	(void)state;
	tables(&p, &s, "resnet50", 0.5);
	v = xmalloc(p.length * sizeof *v);
	again = xmalloc(p.length * sizeof *again);
	params_init(&p, v, 1, RNG_INIT);
	params_init(&p, again, 1, RNG_INIT);
	assert_memory_equal(v, again, p.length * sizeof *v);
	for (int i = 0; i < p.count; i++) {
		const struct param *t = &p.table[i];
		double sum = 0, square = 0, bound = 2 / sqrt(t->fan_in);

		for (size_t j = 0; j < t->count; j++) {
			sum += v[t->offset + j];
			square += (double)v[t->offset + j] * v[t->offset + j];
			assert_true(t->init != INIT_TRUNCATED_NORMAL ||
				fabs(v[t->offset + j]) <= bound * (1 + 1e-6));
		}
		/* A normal cut at two deviations has variance 0.774; no correction is made
		 * (spec 3.1). */
		if (t->init == INIT_TRUNCATED_NORMAL && t->count > 10000) {
			assert_close(square / (double)t->count * t->fan_in, 0.774, 0.05);
			assert_close(sum / (double)t->count * sqrt(t->fan_in), 0,
				5 * 0.88 / sqrt((double)t->count));
		}
	}
	assert_int_equal(p.table[params_find(&p, "encoder.layer1.0.bn3.weight")].init, INIT_ZERO);
	assert_int_equal(p.table[params_find(&p, "encoder.layer1.0.bn2.weight")].init, INIT_ONE);
	assert_int_equal(
		p.table[params_find(&p, "encoder.layer1.0.downsample.1.weight")].init, INIT_ONE);
	params_init(&p, again, 1, RNG_TARGET_INIT);
	assert_memory_not_equal(v, again, 1000);
	xfree(v);
	xfree(again);
	params_free(&p);
	stats_free(&s);
}

static void padding_as_the_spec_lists(void **state)
{
	int before, after;

	(void)state;
	unit_padding(&before, &after, 224, 7, 2, PADDING_SAME);
	assert_true(before == 2 && after == 3);
	unit_padding(&before, &after, 112, 3, 2, PADDING_SAME);
	assert_true(before == 0 && after == 1);
	unit_padding(&before, &after, 56, 3, 1, PADDING_SAME);
	assert_true(before == 1 && after == 1);
	unit_padding(&before, &after, 56, 1, 2, PADDING_SAME);
	assert_true(before == 0 && after == 0);
	unit_padding(&before, &after, 224, 7, 2, PADDING_SYMMETRIC);
	assert_true(before == 3 && after == 3);
	for (int n = 1; n < 60; n++)
		for (int stride = 1; stride <= 2; stride++)
			for (int kernel = 1; kernel <= 7; kernel += 2)
				for (int kind = 0; kind < 2; kind++) {
					unit_padding(&before, &after, n, kernel, stride,
						kind ? PADDING_SAME : PADDING_SYMMETRIC);
					assert_int_equal(conv_out(n, before, after, kernel, stride),
						(n + stride - 1) / stride);
				}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(parameter_counts),
	cmocka_unit_test(head_counts),
	cmocka_unit_test(resnet295_has_the_blocks_of_the_spec),
	cmocka_unit_test(any_width_has_at_least_a_channel),
	cmocka_unit_test(tensors_lie_apart_and_aligned),
	cmocka_unit_test(initial_values),
	cmocka_unit_test(padding_as_the_spec_lists),
};
TEST_MAIN(cases)
