/* The commands export and import: a run goes out and in again, and wrong uses are told. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "train/checkpoint.h"
#include "train/safetensors.h"
#include "weights_fixture.h"

/* A run with one checkpoint of the network n, whose target is the online network times 2. */
static void make_run(const struct network *n, const char *run)
{
	struct checkpoint k;
	char err[ERR_MAX] = "", *path = checkpoint_path(run, 7);

	assert_int_equal(file_make_folder(test_path(run, "checkpoints"), err), 0);
	checkpoint_init(&k, &n->p, &n->s);
	k.step = 7;
	k.stats_updates = n->updates;
	memcpy(k.params, n->params, n->p.length * sizeof(float));
	memcpy(k.stats, n->stats, n->s.length * sizeof(float));
	for (size_t i = 0; i < n->p.length; i++)
		k.target[i] = 2 * n->params[i];
	for (size_t i = 0; i < n->s.length; i++)
		k.target_stats[i] = 2 * n->stats[i];
	config_print(&n->c, &k.config);
	checkpoint_write(path, &k, &n->p, &n->s, err);
	assert_string_equal(err, "");
	checkpoint_free(&k);
	xfree(path);
}

enum { WORDS_MAX = 12 };

/* Run a command with both its outputs going to the file said. */
static int command(int (*run)(int argc, char **argv), FILE *said, const char *const *words)
{
	char *argv[WORDS_MAX + 2] = { "command" };
	int argc = 1, out = dup(1), error = dup(2), status;

	for (; *words; words++)
		argv[argc++] = (char *)*words;
	fflush(NULL);
	dup2(fileno(said), 1);
	dup2(fileno(said), 2);
	status = run(argc, argv);
	fflush(NULL);
	dup2(out, 1);
	dup2(error, 2);
	close(out);
	close(error);
	return status;
}

static void expect(
	int (*run)(int argc, char **argv), int status, const char *says, const char *const *words)
{
	FILE *said = tmpfile();
	char text[8192] = "";

	assert_non_null(said);
	assert_int_equal(command(run, said, words), status);
	rewind(said);
	text[fread(text, 1, sizeof text - 1, said)] = 0;
	fclose(said);
	assert_says(text, says);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The one float of a file. */
static float first_value(const char *path, const char *name)
{
	struct safetensors f;
	char err[ERR_MAX] = "";
	float value;

	safetensors_read(path, &f, err);
	assert_string_equal(err, "");
	memcpy(&value, safetensors_find(&f, name)->data, sizeof value);
	safetensors_free(&f);
	return value;
}

static int holds(const char *path, const char *name)
{
	struct safetensors f;
	char err[ERR_MAX] = "";
	int there;

	safetensors_read(path, &f, err);
	assert_string_equal(err, "");
	there = safetensors_find(&f, name) != NULL;
	safetensors_free(&f);
	return there;
}

static void a_run_goes_out_and_in_again(void **state)
{
	const char *run = test_folder(), *folder = test_folder();
	char *online = xasprintf("%s/online", folder), *target = xasprintf("%s/target", folder);
	char *second = xasprintf("%s/run", folder), *again = xasprintf("%s/again", folder);
	struct network n = open_network("resnet18");
	float first;

	(void)state;
	fill_network(&n);
	make_run(&n, run);
	first = n.params[n.p.table[params_find(&n.p, "encoder.conv1.weight")].offset];
	expect(cmd_export, EXIT_DONE, "tensors of the online network after step 7",
		WORDS(run, online));
	assert_true(first_value(online, "conv1.weight") == first);
	assert_false(holds(online, "projector.linear1.weight"));
	expect(cmd_export, EXIT_DONE, "tensors of the target network",
		WORDS("--network", "target", "--heads", run, target));
	assert_true(first_value(target, "conv1.weight") == 2 * first);
	assert_true(holds(target, "projector.linear1.weight"));
	assert_false(holds(target, "predictor.linear1.weight"));
	expect(cmd_export, EXIT_DONE, "online", WORDS(run, online, "--heads", "--network=online"));
	assert_true(holds(online, "predictor.linear1.weight"));
	/* the file names the network; the heads' size is asked for */
	expect(cmd_import, EXIT_INPUT,
		"tensor projector.linear1.weight has the shape (24, 64) there",
		WORDS(online, second));
	expect(cmd_import, EXIT_DONE, "step-000000000.h5: written",
		WORDS(online, second, "--model.hidden=24", "--model.out=12"));
	expect(cmd_export, EXIT_DONE, "after step 0", WORDS(second, again, "--heads"));
	assert_true(first_value(again, "conv1.weight") == first);
	assert_true(first_value(again, "layer4.1.bn2.running_var") ==
		first_value(online, "layer4.1.bn2.running_var"));
	assert_true(first_value(again, "predictor.linear2.weight") ==
		first_value(online, "predictor.linear2.weight"));
	/* nothing is overwritten */
	expect(cmd_import, EXIT_INPUT, "already holds a run",
		WORDS(online, second, "--model.hidden=24", "--model.out=12"));
	xfree(online);
	xfree(target);
	xfree(second);
	xfree(again);
	close_network(&n);
}

static void wrong_commands_are_told(void **state)
{
	const char *folder = test_folder();
	char *out = xasprintf("%s/out", folder), *none = xasprintf("%s/none", folder);
	char *text = xasprintf("%s/text", folder), err[ERR_MAX];

	(void)state;
	assert_int_equal(file_write_atomic(text, "some text", 9, err), 0);
	expect(cmd_export, EXIT_DONE, "usage: reliquary export", WORDS("--help"));
	expect(cmd_export, EXIT_USAGE, "an argument is missing", WORDS(none));
	expect(cmd_export, EXIT_USAGE, "there is no option '--head'", WORDS(none, out, "--head"));
	expect(cmd_export, EXIT_USAGE, "--network is online or target, not 'both'",
		WORDS(none, out, "--network=both"));
	expect(cmd_export, EXIT_USAGE, "--network: a value is missing",
		WORDS(none, out, "--network"));
	expect(cmd_export, EXIT_USAGE, "'more' is one argument too many", WORDS(none, out, "more"));
	expect(cmd_export, EXIT_INPUT, "none: there is no such run or checkpoint",
		WORDS(none, out));
	expect(cmd_export, EXIT_INPUT, "no checkpoint in ", WORDS(folder, out));
	expect(cmd_export, EXIT_INPUT, "text: cannot be read as HDF5", WORDS(text, out));
	expect(cmd_import, EXIT_DONE, "usage: reliquary import", WORDS("--help"));
	expect(cmd_import, EXIT_USAGE, "an argument is missing", WORDS(text));
	expect(cmd_import, EXIT_USAGE, "'more' is one argument too many", WORDS(text, out, "more"));
	expect(cmd_import, EXIT_USAGE, "the nearest is model.arch",
		WORDS(text, out, "--model.arc=resnet18"));
	expect(cmd_import, EXIT_USAGE, "'--force'", WORDS(text, out, "--force"));
	expect(cmd_import, EXIT_INPUT, "none: cannot open: No such file", WORDS(none, out));
	expect(cmd_import, EXIT_INPUT, "text: ", WORDS(text, out));
	assert_false(file_exists(out));
	xfree(out);
	xfree(none);
	xfree(text);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(a_run_goes_out_and_in_again),
	cmocka_unit_test(wrong_commands_are_told),
};
TEST_MAIN(cases)
