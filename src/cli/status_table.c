/* status_table.c - tables: the evaluations of a run, and several runs. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "cli/status.h"

/* ---- evaluations ---- */

enum { ROWS_MAX = 20 }; /* on a screen, but for the best and random ones */

/* Columns of the names of test sets: as many as the longest takes, if there is room. */
static int test_columns(const struct status_evaluation *list, int count, int room)
{
	int widest = 4;

	for (int i = 0; i < count; i++) {
		int width = terminal_width(list[i].line->test);

		widest = width > widest ? width : widest;
	}
	return widest < room ? widest : room > 8 ? room : 8;
}

static void put_evaluation(
	FILE *f, const struct status_evaluation *e, int columns, const struct status_form *form)
{
	const struct result_line *r = e->line;

	if (r->random)
		fputs(" random", f);
	else
		fprintf(f, "%7" PRId64, r->step);
	fputc(' ', f);
	terminal_put(f, r->protocol, 6);
	fputc(' ', f);
	terminal_put(f, r->test, columns);
	fprintf(f, " %5.1f %5.1f", 100 * r->top1, 100 * r->top5);
	if (e->best)
		fprintf(f, " %sbest%s", terminal_code(&form->terminal, GREEN),
			terminal_code(&form->terminal, PLAIN));
	else if (form->terminal.columns >= 70)
		fputs("     ", f);
	if (form->terminal.columns >= 70 && isfinite(r->lr))
		fprintf(f, "  lr %.4g", r->lr);
	if (form->terminal.columns >= 70 && isfinite(r->k))
		fprintf(f, "  k %.0f", r->k);
	if (form->terminal.columns >= 70 && strcmp(r->network, "target") == 0)
		fputs("  target", f);
	fputc('\n', f);
}

void status_print_evaluations(FILE *f, const struct status *s, const struct status_form *form)
{
	struct status_evaluation *list;
	int count = status_evaluations(&list, s), shown = 0;
	int fixed = form->terminal.columns >= 70 ? 52 : 34; /* columns of all but the names */
	int columns = test_columns(list, count, form->terminal.columns - fixed);

	if (count > 0)
		fprintf(f, "\n   step eval   %-*s top-1 top-5\n", columns, "test");
	for (int i = 0; i < count; i++) {
		if (i < count - ROWS_MAX && !list[i].best && !list[i].line->random)
			continue;
		put_evaluation(f, &list[i], columns, form);
		shown++;
	}
	if (shown < count)
		fprintf(f, "%d earlier ones are not shown; --json has all\n", count - shown);
	xfree(list);
}

/* ---- several runs ---- */

/* Columns of a row but for the run's name; a narrow terminal has the most important ones. */
enum { RUN_ROW = 59, RUN_ROW_NARROW = 28, NAME_MIN = 12, NAME_MAX = 40 };

static int is_narrow(const struct status_form *form)
{
	return form->terminal.columns < NAME_MIN + RUN_ROW;
}

static int name_columns(const struct status_form *form)
{
	int room = form->terminal.columns - (is_narrow(form) ? RUN_ROW_NARROW : RUN_ROW);

	return room < NAME_MIN ? NAME_MIN : room > NAME_MAX ? NAME_MAX : room;
}

void status_print_heading(FILE *f, const struct status_form *form)
{
	fprintf(f, "%-*s %-8s %6s", name_columns(form), "run", "state", "done");
	if (!is_narrow(form))
		fprintf(f, " %8s %7s %8s", "loss", "img/s", "step");
	fprintf(f, " %11s", "left");
	if (!is_narrow(form))
		fprintf(f, " %4s", "best");
	fputc('\n', f);
}

/* The best top-1 of any protocol, in percent; NaN: there is no evaluation. */
static double best_top1(const struct status *s)
{
	double best = NAN;

	for (int i = 0; i < s->results.count; i++)
		if (!s->results.lines[i].random)
			best = fmax(best, 100 * s->results.lines[i].top1);
	return best;
}

/* A number in so many columns, or a dash. */
static void put_cell(FILE *f, int columns, int digits, double value)
{
	if (isfinite(value))
		fprintf(f, " %*.*g", columns, digits, value);
	else
		fprintf(f, " %*s", columns, "-");
}

void status_print_row(FILE *f, const struct status *s, const struct status_form *form)
{
	const struct metrics *m = metrics_newest(&s->metrics);
	double done = m ? floor(100 * (double)s->facts.step / (double)s->facts.steps) : 0;
	char span[32] = "-";

	terminal_put(f, s->run, name_columns(form));
	fprintf(f, " %s%-8s%s %4.0f %%", terminal_code(&form->terminal, status_colour(s->state)),
		status_word(s->state), terminal_code(&form->terminal, PLAIN), done);
	if (!is_narrow(form)) {
		put_cell(f, 8, 4, m ? m->loss : NAN);
		put_cell(f, 7, 4, metrics_recent_images_per_s(&s->metrics));
		fprintf(f, " %8" PRId64, s->facts.step);
	}
	if (isfinite(s->seconds_left) && s->state != STATUS_FINISHED)
		status_span(span, s->seconds_left);
	fprintf(f, " %11s", span);
	if (!is_narrow(form))
		put_cell(f, 4, 3, best_top1(s));
	fputc('\n', f);
}
