/* status_text.c - how a run stands, for a person: a screen on one, a line each on several. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "cli/plot.h"
#include "cli/status.h"

/* ---- items that wrap ---- */

struct flow {
	FILE *f;
	int columns, at;
};

/* One more item on the line, or the first on the next where it has no room. */
__attribute__((format(printf, 2, 3))) static void flow_put(struct flow *w, const char *fmt, ...)
{
	char text[512];
	va_list args;
	int width;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	width = terminal_width(text);
	if (w->at > 0 && w->at + 3 + width > w->columns) {
		fputc('\n', w->f);
		w->at = 0;
	}
	w->at += fprintf(w->f, "%s", w->at > 0 ? "   " : "") + width;
	terminal_put(w->f, text, width);
}

static void flow_end(struct flow *w)
{
	if (w->at > 0)
		fputc('\n', w->f);
	w->at = 0;
}

static struct flow flow_begin(FILE *f, const struct status_form *form)
{
	return (struct flow){ .f = f, .columns = form->terminal.columns };
}

/* ---- parts of the screen ---- */

static void put_title(FILE *f, const struct status *s, const struct status_form *form)
{
	int width = terminal_width(s->run);
	struct flow w = flow_begin(f, form);

	fputs(terminal_code(&form->terminal, BOLD), f);
	terminal_put(f, s->run, width < w.columns ? width : w.columns);
	fputs(terminal_code(&form->terminal, PLAIN), f);
	w.at = width < w.columns ? width : w.columns;
	if (s->configured) {
		flow_put(&w, "%s x %g", s->config.model.arch, s->config.model.width);
		flow_put(&w, "%s", s->config.data.train);
		flow_put(&w, "batch %d", s->config.train.batch);
	}
	flow_end(&w);
}

/* What the state's word leaves open. */
static void put_details(struct flow *w, const struct status *s)
{
	char age[32], usual[32];

	status_span(age, s->facts.age_s);
	status_span(usual, s->facts.interval_s);
	if (s->state == STATUS_STARTING && isfinite(s->facts.age_s))
		flow_put(w, "no metrics yet, %s after the last message", age);
	else if (s->state == STATUS_STARTING)
		flow_put(w, "no metrics yet");
	else if (s->state == STATUS_RUNNING && s->facts.interval_s > 0)
		flow_put(w, "last line %s ago, usually every %.3g s", age, s->facts.interval_s);
	else if (s->state == STATUS_RUNNING)
		flow_put(w, "last line %s ago", age);
	else if (s->state == STATUS_STALLED && s->facts.interval_s > 0)
		flow_put(w, "nothing for %s, usually a line every %s: killed, or it hangs", age,
			usual);
	else if (s->state == STATUS_STALLED)
		flow_put(w, "nothing for %s: killed, or it hangs", age);
	else if (s->state == STATUS_STOPPED && *s->log.reason)
		flow_put(w, "by %s, %s ago", s->log.reason, age);
	else
		flow_put(w, "%s ago", age);
	if (s->state == STATUS_STOPPED)
		flow_put(w, "--run.resume=true goes on");
}

static void put_state(FILE *f, const struct status *s, const struct status_form *form)
{
	struct flow w = flow_begin(f, form);
	const char *word = status_word(s->state);

	fprintf(f, "%s%s%s", terminal_code(&form->terminal, status_colour(s->state)), word,
		terminal_code(&form->terminal, PLAIN));
	w.at = (int)strlen(word);
	put_details(&w, s);
	if (s->log.starts > 1)
		flow_put(&w, "started %d times", s->log.starts);
	flow_end(&w);
}

static void put_bar(FILE *f, const struct status *s, const struct status_form *form)
{
	double done = (double)s->facts.step / (double)s->facts.steps;
	int room = form->terminal.columns - 10; /* without brackets and percentage */
	int full = (int)(done * room);

	fputc('[', f);
	fputs(terminal_code(&form->terminal, GREEN), f);
	for (int i = 0; i < full; i++)
		fputc('#', f);
	fputs(terminal_code(&form->terminal, PLAIN), f);
	/* rounded down: 100 % is said of what is done alone */
	fprintf(f, "%*s] %5.1f %%\n", room - full, "", floor(1000 * done) / 10);
}

/* The day too, where it is another one. */
static void print_moment(char text[64], int64_t now, double after)
{
	time_t then = (time_t)(now + llround(after)), at = (time_t)now;
	struct tm end, today;

	localtime_r(&then, &end);
	localtime_r(&at, &today);
	strftime(text, 64,
		end.tm_yday == today.tm_yday && end.tm_year == today.tm_year ? "%H:%M"
									     : "%a %d %b %H:%M",
		&end);
}

static void put_progress(FILE *f, const struct status *s, const struct status_form *form)
{
	const struct metrics *m = metrics_newest(&s->metrics);
	struct flow w = flow_begin(f, form);
	char span[32], moment[64];

	put_bar(f, s, form);
	flow_put(&w, "step %" PRId64 "/%" PRId64, s->facts.step, s->facts.steps);
	flow_put(&w, "epoch %.2f/%.6g", m->epoch,
		m->epoch * (double)s->facts.steps / (double)m->step);
	flow_put(&w, "trained for %s", status_span(span, m->seconds));
	if (s->state != STATUS_FINISHED && isfinite(s->seconds_left))
		flow_put(&w, "%s left", status_span(span, s->seconds_left));
	if (s->state == STATUS_RUNNING && isfinite(s->seconds_left)) {
		print_moment(moment, s->now, s->seconds_left);
		flow_put(&w, "done at %s", moment);
	}
	flow_end(&w);
}

static void put_curve(FILE *f, const struct status *s, const struct status_form *form)
{
	const struct metrics_history *h = &s->metrics;
	struct plot_point *points = xcalloc(h->count, sizeof *points);
	const struct plot_form plot = {
		.columns = form->terminal.columns,
		.rows = form->plot_rows,
		.braille = form->braille,
		.x_name = "step",
		.colour = terminal_code(&form->terminal, CYAN),
		.plain = terminal_code(&form->terminal, PLAIN),
	};

	for (size_t i = 0; i < h->count; i++)
		points[i] = (struct plot_point){ (double)h->points[i].step, h->points[i].loss };
	fputs("\nloss\n", f);
	plot_draw(f, points, h->count, &plot);
	xfree(points);
}

static void put_numbers(FILE *f, const struct status *s, const struct status_form *form)
{
	const struct metrics *m = metrics_newest(&s->metrics);
	struct flow w = flow_begin(f, form);

	fputc('\n', f);
	flow_put(&w, "loss %.4g", m->loss);
	flow_put(&w, "contrast %.3g", m->contrastive);
	flow_put(&w, "invariance %.3g", m->invariance);
	flow_put(&w, "gradient norm %.3g", m->gradient_norm);
	flow_put(&w, "lr %.3g", m->lr);
	flow_put(&w, "images/s %.4g", metrics_recent_images_per_s(&s->metrics));
	if (isfinite(s->run_images_per_s))
		flow_put(&w, "over the run %.4g", s->run_images_per_s);
	flow_put(&w, "data wait %.0f %%", 100 * metrics_recent_data_wait(&s->metrics));
	flow_put(&w, "bad records %ld", m->bad_records);
	flow_end(&w);
}

static void put_checkpoints(FILE *f, const struct status *s, const struct status_form *form)
{
	struct flow w = flow_begin(f, form);
	char age[32];

	if (s->checkpoint_count == 0) {
		flow_put(&w, "no checkpoint yet");
	} else {
		const struct checkpoint_file *c = &s->checkpoints[s->checkpoint_count - 1];

		flow_put(&w, "last checkpoint: step %" PRId64, c->step);
		flow_put(&w, "%.4g MB", 1e-6 * (double)c->bytes);
		flow_put(&w, "%s ago", status_span(age, fmax((double)(s->now - c->written), 0)));
		flow_put(&w, "%d kept", s->checkpoint_count);
	}
	flow_end(&w);
}

void status_print(FILE *f, const struct status *s, const struct status_form *form)
{
	put_title(f, s, form);
	put_state(f, s, form);
	if (metrics_newest(&s->metrics)) {
		put_progress(f, s, form);
		put_curve(f, s, form);
		put_numbers(f, s, form);
	}
	put_checkpoints(f, s, form);
	status_print_evaluations(f, s, form);
}
