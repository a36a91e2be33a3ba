/* The configuration as YAML: reading, printing, and the ready files in jobs/configs. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config_table.h"
#include "base/memory.h"

static char err[ERR_MAX];

static int set(struct config *c, const char *name, const char *value)
{
	err[0] = 0;
	return config_set(c, name, value, err);
}

static int parse(struct config *c, const char *text)
{
	err[0] = 0;
	return config_parse(c, text, strlen(text), "a.yaml", err);
}

static void print_reads_back_the_same(void **state)
{
	struct config c, d;
	char *text, *again;

	(void)state;
	config_default(&c);
	assert_int_equal(set(&c, "optim.lr", "0.1000000000000000055"), 0);
	c.loss.temperature = 1.0 / 3;
	c.optim.weight_decay = 0x1.fffffffffffffp-20;
	c.train.seed = (1ll << 62) - 1;
	c.train.dump_step = -1;
	assert_int_equal(
		set(&c, "run.dir", "a \"quoted\" \\ path: with # signs, 'é' and\ta tab "), 0);
	assert_int_equal(set(&c, "run.init", "~"), 0);
	assert_int_equal(set(&c, "model.stem", "small"), 0);
	config_print(&c, &text);
	config_default(&d);
	assert_int_equal(parse(&d, text), 0);
	config_print(&d, &again);
	assert_string_equal(text, again);
	assert_true(d.loss.temperature == c.loss.temperature);
	assert_true(d.optim.weight_decay == c.optim.weight_decay);
	assert_true(d.train.seed == c.train.seed);
	assert_string_equal(d.run.dir, c.run.dir);
	assert_string_equal(d.run.init, "~");
	assert_int_equal(d.model.stem, STEM_SMALL);
	assert_int_equal(config_same_run(&c, &d, err), 0);
	xfree(text);
	xfree(again);
	config_free(&c);
	config_free(&d);
}

static void yaml_is_read(void **state)
{
	struct config c;

	(void)state;
	config_default(&c);
	assert_int_equal(
		parse(&c,
			"# a comment\nviews:\n  large: 2\n  flip: 0.25\nloss: {diagonal: false}\ndevice: cuda\n"
			"optim:\n  # nothing set\n"),
		0);
	assert_int_equal(c.views.large, 2);
	assert_close(c.views.flip, 0.25, 0);
	assert_int_equal(c.loss.diagonal, 0);
	assert_string_equal(c.device, "cuda");
	assert_int_equal(parse(&c, ""), 0);
	assert_int_equal(parse(&c, "---\n"), 0);
	config_free(&c);
}

static void bad_yaml_names_file_and_line(void **state)
{
	static const struct {
		const char *text, *place, *says;
	} bad[] = {
		{ "views:\n  flip: 0.5\n  flipp: 1\n", "a.yaml:3", "views.flip" },
		{ "views:\n  flip: 2\n", "a.yaml:2", "0..1" },
		{ "views:\n  flip: 0.5\n  flip: 0.5\n", "a.yaml:3", "line 2" },
		{ "views:\n  flip: 0.5\nloss:\n  kl: reverse\nviews:\n  flip: 0.25\n", "a.yaml:6",
			"line 2" },
		{ "views:\n  flip: [0.5]\n", "a.yaml:2", "single value" },
		{ "views:\n  flip:\n    x: 1\n", "a.yaml:3", "single value" },
		{ "views:\n  [1, 2]: 3\n", "a.yaml:2", "setting" },
		{ "views: 3\n", "a.yaml:1", "section" },
		{ "viewz:\n  flip: 1\n", "a.yaml:2", "the nearest is views.flip" },
		{ "viewz: 1\n", "a.yaml:1", "no such setting" },
		{ "device:\n  x: 1\n", "a.yaml:2", "the nearest is device" },
		{ "viewz:\n  flip: [1]\n", "a.yaml:2", "the nearest is views.flip" },
		{ "- 1\n- 2\n", "a.yaml:1", "section" },
		{ "views:\n  flip: 0.5\n---\nviews:\n  flip: 0.5\n", "a.yaml:4",
			"second document" },
		{ "views:\n\tflip: 0.5\n", "a.yaml:2", "not YAML" },
		{ "views: {flip: 0.5\n", "a.yaml", "not YAML" },
		{ "views:\n  flip: \xff\n", "a.yaml", "UTF-8" },
	};
	struct config c;

	(void)state;
	config_default(&c);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (parse(&c, bad[i].text) != -1)
			print_error("accepted: %s\n", bad[i].text);
		assert_says(err, bad[i].place);
		assert_says(err, bad[i].says);
	}
	assert_int_equal(config_load(&c, "/nowhere/x.yaml", err), -1);
	assert_says(err, "/nowhere/x.yaml");
	config_free(&c);
}

/* No text makes the parser crash, and what it accepts prints and reads back. */
static void cut_and_changed_texts_are_survived(void **state)
{
	struct config c, d;
	char *text, *again;
	size_t n;

	(void)state;
	config_default(&c);
	config_print(&c, &text);
	n = strlen(text);
	for (size_t i = 0; i < n; i += 11) {
		char kept = text[i];

		config_default(&d);
		if (config_parse(&d, text, i, "cut", err) == 0) {
			config_print(&d, &again);
			xfree(again);
		}
		text[i] = "\t:-{&*\"\x01"[i % 8];
		config_parse(&d, text, n, "changed", err);
		text[i] = kept;
		config_free(&d);
	}
	xfree(text);
	config_free(&c);
}

/* "key=value " for each setting that is not at its default, in the table's order. */
static void differences(char *text, size_t bytes, const struct config *c)
{
	size_t used = 0;

	text[0] = 0;
	for (int i = 0; i < config_option_count; i++) {
		char *value = option_read(&config_options[i], c);
		struct config standard;
		char *usual;

		config_default(&standard);
		usual = option_read(&config_options[i], &standard);
		if (strcmp(value, usual) != 0)
			used += (size_t)snprintf(
				text + used, bytes - used, "%s=%s ", config_options[i].name, value);
		assert_true(used < bytes);
		config_free(&standard);
		xfree(usual);
		xfree(value);
	}
}

/* Against values written out here: the paper's and BYOL's for each length and encoder. */
static void ready_files_say_what_they_should(void **state)
{
	static const char *const files[][2] = {
		{ "relicv2-r50-1000ep", "" },
		{ "relicv2-r50-300ep",
			"optim.weight_decay=1e-06 optim.ema=0.99 train.epochs=300 " },
		{ "relicv2-r50-100ep",
			"optim.lr=0.45 optim.weight_decay=1e-06 optim.ema=0.99 train.epochs=100 " },
		{ "relicv2-r50x2-1000ep", "model.width=2 " },
		{ "relicv2-r50x4-1000ep", "model.width=4 " },
		{ "relicv2-r101-1000ep", "model.arch=resnet101 " },
		{ "relicv2-r152-1000ep", "model.arch=resnet152 " },
		{ "relicv2-r200-1000ep", "model.arch=resnet200 " },
		{ "relicv2-r200x2-1000ep", "model.arch=resnet200 model.width=2 " },
		{ "relicv2-r295-1000ep", "model.arch=resnet295 " },
		{ "relic-v1-r50",
			"views.large=2 views.small=0 views.large_area_min_odd=0.08 views.mask=0 loss.diagonal=false " },
		{ "jft-r50",
			"views.mask=0.15 optim.warmup_epochs=0.0427 train.steps=312784 checkpoint.keep_epochs=0.427 "
			"checkpoint.every=3000 " },
	};
	const char *top = getenv("abs_top_srcdir");
	char found[2000];

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *path = xasprintf("%s/jobs/configs/%s.yaml", top ? top : ".", files[i][0]);
		struct config c;

		config_default(&c);
		if (config_load(&c, path, err) != 0 || config_check(&c, err) != 0) {
			print_error("%s: %s\n", path, err);
			assert_true(0);
		}
		differences(found, sizeof found, &c);
		assert_string_equal(found, files[i][1]);
		config_free(&c);
		xfree(path);
	}
}

/* The demo's numbers are tuned; what must hold is that it is small, and runs on 1, 2 and 4 ranks.
 */
static void the_demo_is_small(void **state)
{
	const char *top = getenv("abs_top_srcdir");
	char *path = xasprintf("%s/jobs/configs/demo.yaml", top ? top : ".");
	struct config c;

	(void)state;
	config_default(&c);
	assert_int_equal(config_load(&c, path, err), 0);
	assert_int_equal(config_check(&c, err), 0);
	assert_int_equal(c.data.lanes % 4, 0);
	assert_true(c.model.width < 1);
	assert_true(c.views.large_size <= 96);
	assert_string_equal(c.device, "cpu");
	assert_string_equal(c.run.dir, "");
	assert_string_equal(c.data.train, "");
	config_free(&c);
	xfree(path);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(print_reads_back_the_same),
	cmocka_unit_test(yaml_is_read),
	cmocka_unit_test(bad_yaml_names_file_and_line),
	cmocka_unit_test(cut_and_changed_texts_are_survived),
	cmocka_unit_test(ready_files_say_what_they_should),
	cmocka_unit_test(the_demo_is_small),
};
TEST_MAIN(cases)
