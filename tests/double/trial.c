#include "trial.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TRIALS = 100, SECONDS = 60 };
enum { EXIT_RIGHT = 40, EXIT_WRONG, EXIT_FAILS }; /* no sanitizer's, no shell's */

static const struct order {
	const char *simt, *streams;
} orders[] = {
	{ "forward", "lazy" },
	{ "reverse", "lazy" },
	{ "forward", "eager" },
	{ "reverse", "eager" },
	{ "forward", "random:1" },
	{ "reverse", "random:2" },
};

struct result {
	int status;
	char text[8000]; /* stderr */
};

void trial_fails(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	_exit(EXIT_FAILS);
}

int trial_is_order(const char *order)
{
	return strcmp(getenv("CUDA_DOUBLE_ORDER"), order) == 0;
}

static void run_child(const struct trial *trial, const struct order *order, int errors)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	alarm(SECONDS);
	dup2(errors, STDERR_FILENO);
	setenv("SIMT_ORDER", order->simt, 1);
	setenv("CUDA_DOUBLE_ORDER", order->streams, 1);
	_exit(trial->run(trial->which) ? EXIT_RIGHT : EXIT_WRONG);
}

/* Into a file: a pipe would want somebody who reads meanwhile. */
static void run(struct result *result, const struct trial *trial, const struct order *order)
{
	FILE *errors = tmpfile();
	int status;
	size_t n;
	pid_t child;

	assert_non_null(errors);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		run_child(trial, order, fileno(errors));
	assert_int_equal(waitpid(child, &status, 0), child);
	rewind(errors);
	n = fread(result->text, 1, sizeof result->text - 1, errors);
	result->text[n] = 0;
	fclose(errors);
	result->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int died(const struct result *result)
{
	return result->status < EXIT_RIGHT || result->status > EXIT_FAILS;
}

/* Whether this order alone contradicts what is expected. */
static int contradicts(const struct trial *trial, const struct result *result)
{
	if (trial->outcome == RIGHT)
		return result->status != EXIT_RIGHT;
	if (trial->outcome == DIES)
		return !died(result) || !strstr(result->text, trial->message);
	return result->status == EXIT_FAILS ||
		(died(result) && !strstr(result->text, "gpu double: "));
}

static void check(void **state)
{
	const struct trial *trial = *state;
	struct result result;
	int right = 0, count = sizeof orders / sizeof orders[0];

	for (int i = 0; i < count; i++) {
		run(&result, trial, &orders[i]);
		right += result.status == EXIT_RIGHT;
		if (contradicts(trial, &result)) {
			print_error("%s, %s: status %d; expected: %s; it said:\n%s\n",
				orders[i].simt, orders[i].streams, result.status,
				trial->message ? trial->message : "another", result.text);
			_fail(__FILE__, __LINE__);
		}
	}
	if (trial->outcome == WRONG)
		assert_true(right < count);
}

int trial_main(const struct trial *trials, int count)
{
	static struct CMUnitTest cases[MAX_TRIALS];

	assert_true(count <= MAX_TRIALS);
	for (int i = 0; i < count; i++) {
		cases[i].name = trials[i].name;
		cases[i].test_func = check;
		cases[i].initial_state = (void *)(uintptr_t)&trials[i];
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("doubles", cases, (size_t)count, NULL, test_cleanup);
}
