/* The configuration: its table, the command line, checks between values, resuming. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
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

/* Spec 4, 5.2, 5.4 and 9. */
static void defaults_are_the_papers(void **state)
{
	struct config c;

	(void)state;
	config_default(&c);
	assert_int_equal(c.train.batch, 4096);
	assert_close(c.train.epochs, 1000, 0);
	assert_close(c.optim.lr, 0.3, 0);
	assert_close(c.optim.weight_decay, 1.5e-6, 0);
	assert_close(c.optim.warmup_epochs, 10, 0);
	assert_close(c.optim.ema, 0.996, 0);
	assert_close(c.optim.momentum, 0.9, 0);
	assert_close(c.optim.eta, 1e-3, 0);
	assert_int_equal(c.optim.ema_schedule, EMA_CONSTANT);
	assert_close(c.loss.temperature, 0.2, 0);
	assert_close(c.loss.contrast, 0.3, 0);
	assert_close(c.loss.invariance, 2, 0);
	assert_int_equal(c.loss.negatives, 10);
	assert_int_equal(c.loss.small_mode, 1);
	assert_int_equal(c.loss.stop_gradient, STOP_WHOLE);
	assert_int_equal(c.views.large, 4);
	assert_int_equal(c.views.small, 2);
	assert_int_equal(c.views.large_size, 224);
	assert_int_equal(c.views.small_size, 96);
	assert_close(c.views.large_area_min_odd, 0.14, 0);
	assert_close(c.views.large_area_min_even, 0.08, 0);
	assert_close(c.views.small_area_min, 0.05, 0);
	assert_close(c.views.small_area_max, 0.14, 0);
	assert_close(c.views.mask, 0.1, 0);
	assert_int_equal(c.views.solarise, SOLARISE_INVERT);
	assert_int_equal(c.views.exact, 0);
	assert_int_equal(c.data.lanes, 64);
	assert_string_equal(c.model.arch, "resnet50");
	assert_string_equal(c.device, "cpu");
	assert_int_equal(config_check(&c, err), 0);
	config_free(&c);
}

static void words_mean_their_enum(void **state)
{
	struct config c;

	(void)state;
	config_default(&c);
	assert_int_equal(set(&c, "views.solarise", "binarise"), 0);
	assert_int_equal(c.views.solarise, SOLARISE_BINARISE);
	assert_int_equal(set(&c, "views.small_from", "centre"), 0);
	assert_int_equal(c.views.small_from, SMALL_CENTRE);
	assert_int_equal(set(&c, "model.padding", "same"), 0);
	assert_int_equal(c.model.padding, PADDING_SAME);
	assert_int_equal(set(&c, "model.stem", "small"), 0);
	assert_int_equal(c.model.stem, STEM_SMALL);
	assert_int_equal(set(&c, "model.target_init", "copy"), 0);
	assert_int_equal(c.model.target_init, TARGET_COPY);
	assert_int_equal(set(&c, "loss.stop_gradient", "entropy"), 0);
	assert_int_equal(c.loss.stop_gradient, STOP_ENTROPY);
	assert_int_equal(set(&c, "loss.kl", "reverse"), 0);
	assert_int_equal(c.loss.kl, KL_REVERSE);
	assert_int_equal(set(&c, "optim.ema_schedule", "cosine"), 0);
	assert_int_equal(c.optim.ema_schedule, EMA_COSINE);
	assert_int_equal(set(&c, "comm.bootstrap", "tcp"), 0);
	assert_int_equal(c.comm.bootstrap, BOOTSTRAP_TCP);
	config_free(&c);
}

static void bad_values_are_refused_and_change_nothing(void **state)
{
	static const struct {
		const char *name, *value, *says;
	} bad[] = {
		{ "views.flip", "1.5", "0..1" },
		{ "views.flip", "nan", "0..1" },
		{ "views.flip", "", "number" },
		{ "views.flip", "0.5x", "number" },
		{ "loss.temperature", "0", "0.001" },
		{ "loss.temperature", "inf", "0.001" },
		{ "train.batch", "1", "integer, 2" },
		{ "train.batch", "12.5", "integer" },
		{ "train.batch", "99999999999999999999", "integer" },
		{ "train.seed", "9300000000000000000", "integer" },
		{ "train.seed", "-1", "from 0" },
		{ "run.resume", "yes", "true|false" },
		{ "views.exact", "1.0", "true|false" },
		{ "comm.timeout_s", "0.5", "1.." },
		{ "model.arch", "resnet51", "resnet50|resnet101" },
		{ "model.padding", "sa", "symmetric|same" },
		{ "model.padding", "same|", "symmetric|same" },
		{ "run.dir", "a\nb", "control characters" },
		{ "run.dir", "\xff", "UTF-8" },
	};
	struct config c;
	char *before, *after;

	(void)state;
	config_default(&c);
	config_print(&c, &before);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(set(&c, bad[i].name, bad[i].value), -1);
		assert_says(err, bad[i].name);
		assert_says(err, bad[i].says);
	}
	config_print(&c, &after);
	assert_string_equal(before, after);
	xfree(before);
	xfree(after);
	config_free(&c);
}

static void unknown_names_tell_the_nearest(void **state)
{
	static const char *const typed[][2] = {
		{ "loss.temprature", "loss.temperature" },
		{ "data.lane", "data.lanes" },
		{ "batch", "train.batch" },
		{ "view.flip", "views.flip" },
		{ "divice", "device" },
		{ "optim.wd.weight_decay", "optim.weight_decay" },
	};
	struct config c;
	char name[4000];

	(void)state;
	config_default(&c);
	for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
		assert_int_equal(set(&c, typed[i][0], "1"), -1);
		assert_says(err, typed[i][0]);
		assert_says(err, typed[i][1]);
	}
	assert_int_equal(set(&c, "views", "1"), -1);
	assert_says(err, "section");
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	assert_int_equal(set(&c, name, "1"), -1);
	assert_says(err, "no such setting");
	config_free(&c);
}

static void copy_is_apart(void **state)
{
	struct config c, d;

	(void)state;
	config_default(&c);
	assert_int_equal(set(&c, "run.dir", "one"), 0);
	config_copy(&d, &c);
	assert_int_equal(set(&c, "run.dir", "two"), 0);
	assert_string_equal(d.run.dir, "one");
	config_free(&c);
	config_free(&d);
}

static void arguments_are_taken(void **state)
{
	char *path = xstrdup(test_path(test_folder(), "c.yaml"));
	char *argv[] = { "pretrain", "--views.flip=0.25", "in", "--device", "cuda", "--other=1",
		"--config", path, "--run.resume", "--train.dump_step", "-1", "--help",
		"--loss.diagonal", "false", "--", "--views.flip=1", NULL };
	int argc = sizeof argv / sizeof *argv - 1;
	struct config c;

	(void)state;
	assert_int_equal(file_write_atomic(path, "views: {large: 3, flip: 0.75}\n", 30, err), 0);
	config_default(&c);
	assert_int_equal(config_arguments(&c, &argc, argv, err), 0);
	assert_int_equal(argc, 6);
	assert_string_equal(argv[0], "pretrain");
	assert_string_equal(argv[1], "in");
	assert_string_equal(argv[2], "--other=1");
	assert_string_equal(argv[3], "--help");
	assert_string_equal(argv[4], "--");
	assert_string_equal(argv[5], "--views.flip=1");
	assert_close(c.views.flip, 0.75, 0); /* the file came later */
	assert_int_equal(c.views.large, 3);
	assert_string_equal(c.device, "cuda");
	assert_true(c.run.resume);
	assert_false(c.loss.diagonal);
	config_free(&c);
	xfree(path);
}

static void bad_arguments_are_named(void **state)
{
	static const char *const bad[][2] = {
		{ "--views.flipp=1", "views.flip" },
		{ "--views.flip=7", "0..1" },
		{ "--views=7", "section" },
		{ "--train.batch", "value" },
		{ "--config", "value" },
		{ "--config=/nowhere", "/nowhere" },
		{ "--no.such", "no such setting" },
		{ "--views.flip=", "number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *text = xstrdup(bad[i][0]), *argv[] = { "x", text, "--device=cpu", NULL };
		int argc = 3;
		struct config c;

		config_default(&c);
		assert_int_equal(config_arguments(&c, &argc, argv, err), -1);
		assert_says(err, bad[i][1]);
		config_free(&c);
		xfree(text);
	}
}

static void checks_between_values(void **state)
{
	static const struct {
		const char *yaml, *says;
	} bad[] = {
		{ "train: {batch: 100}", "data.lanes" },
		{ "views: {large_area_max: 0.1}", "views.large_area_max" },
		{ "views: {small_area_min: 0.2}", "views.small_area_max" },
		{ "views: {blur_sigma_min: 3}", "views.blur_sigma_max" },
		{ "views: {blur_taps: 22}", "odd" },
		{ "views: {small_from: centre, small_size: 256}", "views.small_size" },
		{ "loss: {contrast: 0, invariance: 0}", "nothing to learn" },
		{ "loss: {diagonal: false}\nviews: {large: 1, small: 0}", "pair" },
		{ "loss: {small_mode: 4}\nviews: {large: 1}", "views.large" },
		{ "loss: {kl: reverse, stop_gradient: entropy}", "loss.kl" },
		{ "comm: {bootstrap: file}", "comm.address" },
		{ "comm: {bootstrap: tcp}", "HOST:PORT" },
		{ "train: {epochs: 0}", "train.steps" },
		{ "train: {epochs: 10}", "optim.warmup_epochs" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct config c;

		config_default(&c);
		assert_int_equal(parse(&c, bad[i].yaml), 0);
		assert_int_equal(config_check(&c, err), -1);
		assert_says(err, bad[i].says);
		config_free(&c);
	}
}

static void a_run_goes_on_only_as_itself(void **state)
{
	struct config a, b;

	(void)state;
	config_default(&a);
	config_copy(&b, &a);
	assert_int_equal(
		parse(&b,
			"run: {dir: x, resume: true}\ncheckpoint: {every: 7}\ndevice: cuda\nthreads: 3\n"
			"views: {exact: true}\n"
			"comm: {bootstrap: tcp, address: 'a:1', timeout_s: 5}\n"
			"data: {train: y, threads: 2, stage_dir: /tmp}\ntrain: {epochs: 2000, steps: 10, stop_after: 5}\n"),
		0);
	assert_int_equal(config_same_run(&a, &b, err), 0);
	assert_int_equal(set(&b, "loss.temperature", "0.1"), 0);
	assert_int_equal(set(&b, "train.epochs", "999"), 0);
	assert_int_equal(set(&b, "model.arch", "resnet18"), 0);
	assert_int_equal(config_same_run(&a, &b, err), -1);
	assert_says(err, "loss.temperature is 0.2 in the run and 0.1 here");
	assert_says(err, "train.epochs is 1000 in the run and 999 here (it may only rise)");
	assert_says(err, "model.arch");
	config_free(&a);
	config_free(&b);
}

static void differing_in_all_fits_the_message(void **state)
{
	struct config a, b;

	(void)state;
	config_default(&a);
	config_copy(&b, &a);
	b.views = (__typeof__(b.views)){ .large = 1 };
	b.loss = (__typeof__(b.loss)){ .negatives = 3 };
	b.optim = (__typeof__(b.optim)){ .lr = 1.0 / 3 };
	assert_int_equal(config_same_run(&a, &b, err), -1);
	assert_in_range(strlen(err), 900, ERR_MAX - 1);
	config_free(&a);
	config_free(&b);
}

static void help_tells_every_setting(void **state)
{
	struct config c;
	char *help, *all, *line, *save;
	size_t n;
	FILE *out = open_memstream(&help, &n);
	int lines = 0;

	(void)state;
	config_help(out, NULL);
	fclose(out);
	config_default(&c);
	config_print(&c, &all);
	for (line = strtok_r(help, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64], value[64];

		assert_int_equal(sscanf(line, "  --%63[^=]=%63s", name, value), 2);
		assert_int_equal(set(&c, name, strcmp(value, "''") == 0 ? "" : value), 0);
		lines++;
	}
	for (line = strtok_r(all, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		lines -= line[strlen(line) - 1] != ':'; /* not a section's name */
	assert_int_equal(lines, 0);
	free(help);
	xfree(all);
	config_free(&c);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(defaults_are_the_papers),
	cmocka_unit_test(words_mean_their_enum),
	cmocka_unit_test(bad_values_are_refused_and_change_nothing),
	cmocka_unit_test(unknown_names_tell_the_nearest),
	cmocka_unit_test(copy_is_apart),
	cmocka_unit_test(arguments_are_taken),
	cmocka_unit_test(bad_arguments_are_named),
	cmocka_unit_test(checks_between_values),
	cmocka_unit_test(a_run_goes_on_only_as_itself),
	cmocka_unit_test(differing_in_all_fits_the_message),
	cmocka_unit_test(help_tells_every_setting),
};
TEST_MAIN(cases)
