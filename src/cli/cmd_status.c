/* cmd_status.c - reliquary status. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/status.h"

struct request {
	int json;
	double watch; /* seconds between looks; 0: one look */
	const char *plot;
	char **runs;
	int count;
};

static const double watch_usual = 5, watch_max = 86400;

static int help(void)
{
	struct request r = { .plot = "auto" };
	const struct option_entry table[] = { { "plot", OPTION_TEXT, &r.plot, 0, 0, "HOW",
		"the curve: braille, ascii, or auto by terminal and locale" } };

	printf("usage: reliquary status RUN [--watch [SECONDS]] [--plot HOW] [--json]\n"
	       "       reliquary status RUN RUN ...       a line each\n\n"
	       "How a run stands: progress, loss, speed, checkpoints, evaluations, time left. It reads the folder of the run and\n"
	       "nothing else, so it works while the run goes on, from any host that sees the folder.\n\n");
	options_help(stdout, table, 1);
	printf("  --watch [SECONDS]   look again and again, until all are finished (%g)\n"
	       "  --json              one JSON object a run and line; what is unknown is null\n\n"
	       "The states: starting (no metrics yet), running, stopped (on request), finished, and stalled: no sign of life for\n"
	       "ten times as long as usual, and for %d s.\n\n"
	       "Keys of --json:\n"
	       "  run, arch, width, data, state, finished (true or false)\n"
	       "  step, steps, epoch, loss, contrastive, invariance, lr, gradient_norm, bad_records: of the newest line of metrics\n"
	       "  images_per_s, data_wait (0..1): means over the last %d lines; images_per_s_run: over the whole run\n"
	       "  seconds: trained so far; seconds_left: at the speed of the last lines; age_s: since the last sign of life\n"
	       "  starts: how often training began; checkpoints: how many are kept\n"
	       "  last_checkpoint: null, or an object of step, path, bytes, age_s\n"
	       "  evaluations: a list of objects of step, random, best, protocol, network, train, test, top1, top5 (0..1),\n"
	       "    settings, time\n",
		watch_usual, STATUS_PATIENCE_S, METRICS_RECENT);
	return EXIT_DONE;
}

/* ---- the command line ---- */

/* "--watch", "--watch=SECONDS", or "--watch SECONDS" if what follows is a number. */
static int take_watch(struct request *r, int *argc, char **argv, char err[ERR_MAX])
{
	static const char name[] = "--watch";
	size_t n = sizeof name - 1;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		const char *value = NULL;
		char *end;

		if (strncmp(argv[i], name, n) != 0 || (argv[i][n] && argv[i][n] != '=')) {
			argv[kept++] = argv[i];
			continue;
		}
		if (argv[i][n])
			value = argv[i] + n + 1;
		else if (i + 1 < *argc && argv[i + 1][strspn(argv[i + 1], "0123456789.")] == 0)
			value = argv[++i];
		r->watch = value ? strtod(value, &end) : watch_usual;
		if (value && (end == value || *end || !(r->watch >= 0.1 && r->watch <= watch_max)))
			return fail(err, "--watch: '%s' is not a number of seconds from 0.1 to %g",
				value, watch_max);
	}
	*argc = kept;
	return 0;
}

static int parse(struct request *r, int argc, char **argv, char err[ERR_MAX])
{
	const struct option_entry table[] = { { "plot", OPTION_TEXT, &r->plot, 0, 0, "HOW", "" } };

	*r = (struct request){ .plot = "auto" };
	r->json = options_take_flag("json", &argc, argv);
	if (take_watch(r, &argc, argv, err) != 0 || options_take(table, 1, &argc, argv, err) != 0)
		return -1;
	if (strcmp(r->plot, "auto") != 0 && strcmp(r->plot, "braille") != 0 &&
		strcmp(r->plot, "ascii") != 0)
		return fail(err, "--plot: '%s' is neither braille, ascii nor auto", r->plot);
	if (argc < 2)
		return fail(err, "say which run: reliquary status RUN");
	r->runs = argv + 1;
	r->count = argc - 1;
	return options_end(argc, argv, r->count, err);
}

/* ---- looking ---- */

/* In a view that is drawn in place the curve leaves room for the evaluations. */
static struct status_form form_now(const struct request *r, const struct status *s)
{
	struct status_form form = { .terminal = terminal_look(), .plot_rows = 12 };
	/* what the rest of the screen usually leaves */
	int room = form.terminal.rows - 14 - (r->watch ? s->results.count : 0);

	form.braille = strcmp(r->plot, "auto") == 0 ? form.terminal.utf8 && form.terminal.is_one
						    : strcmp(r->plot, "braille") == 0;
	if (form.terminal.is_one)
		form.plot_rows = room < 6 ? 6 : room > 14 ? 14 : room;
	return form;
}

/* In place on a terminal, as much as it holds; elsewhere one look after the other. */
static void show(const struct request *r, const struct status_form *form, const char *text)
{
	if (!r->watch || !form->terminal.is_one || r->json) {
		fputs(text, stdout);
		if (r->watch && !r->json)
			fputc('\n', stdout);
	} else {
		fputs("\033[H", stdout);
		for (int row = 1; row < form->terminal.rows && *text; row++) {
			size_t n = strcspn(text, "\n");

			printf("%.*s\033[K\n", (int)n, text);
			text += n + (text[n] != 0);
		}
		fputs("\033[J", stdout);
	}
	fflush(stdout);
}

static void print(FILE *f, const struct request *r, const struct status *s, int count,
	const struct status_form *form)
{
	if (!r->json && r->count > 1)
		status_print_heading(f, form);
	for (int i = 0; i < count; i++)
		if (r->json)
			status_print_json(f, &s[i]);
		else if (r->count > 1)
			status_print_row(f, &s[i], form);
		else
			status_print(f, &s[i], form);
}

/* One look at all; 1 when all are finished, -1 with err. */
static int look(const struct request *r, struct status *s, int count, char err[ERR_MAX])
{
	struct status_form form;
	int finished = 0;
	char *text;
	size_t n;
	FILE *f;

	for (int i = 0; i < count; i++) {
		if (status_read(&s[i], err) != 0)
			return -1;
		finished += s[i].state == STATUS_FINISHED;
	}
	form = form_now(r, s);
	f = open_memstream(&text, &n);
	CHECK(f, "out of memory");
	print(f, r, s, count, &form);
	CHECK(fclose(f) == 0, "out of memory");
	show(r, &form, text);
	xfree(text);
	return finished == count;
}

static void pause_for(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)(1e9 * (seconds - (double)t.tv_sec));
	nanosleep(&t, NULL); /* a change of the window's size ends it early, which is right */
}

static int watch(const struct request *r, struct status *s, int count, char err[ERR_MAX])
{
	int rc = 0;

	if (r->watch && !r->json && terminal_look().is_one)
		fputs("\033[2J", stdout);
	while (rc == 0) {
		rc = look(r, s, count, err);
		if (rc != 0 || !r->watch)
			break;
		pause_for(r->watch);
	}
	return rc < 0 ? -1 : 0;
}

/* Runs that are none are told of; the others are shown all the same, but not again and again: that
 * would wipe the message. */
static int open_and_watch(const struct request *r)
{
	struct status *s = xcalloc((size_t)r->count, sizeof *s);
	int count = 0, status = EXIT_DONE;
	char err[ERR_MAX];

	for (int i = 0; i < r->count; i++) {
		if (status_open(&s[count], r->runs[i], err) == 0) {
			count++;
			continue;
		}
		fprintf(stderr, "reliquary status: %s\n", err);
		status_close(&s[count]);
		status = EXIT_INPUT;
	}
	if (count > 0 && !(r->watch && status != EXIT_DONE) && watch(r, s, count, err) != 0) {
		fprintf(stderr, "reliquary status: %s\n", err);
		status = EXIT_INPUT;
	}
	while (count > 0)
		status_close(&s[--count]);
	xfree(s);
	return status;
}

int cmd_status(int argc, char **argv)
{
	char err[ERR_MAX];
	struct request r;

	if (options_want_help(argc, argv))
		return help();
	if (parse(&r, argc, argv, err) == 0)
		return open_and_watch(&r);
	fprintf(stderr, "reliquary status: %s\n", err);
	return EXIT_USAGE;
}
