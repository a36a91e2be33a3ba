/* status_json.c - how a run stands, for scripts.  'reliquary status --help' names the keys. */
#include <inttypes.h>
#include <math.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/status.h"

/* JSON has no NaN. */
static void put_number(FILE *f, const char *key, double value)
{
	if (isfinite(value))
		fprintf(f, ",\"%s\":%.9g", key, value);
	else
		fprintf(f, ",\"%s\":null", key);
}

static void put_string(FILE *f, const char *key, const char *value)
{
	fprintf(f, ",\"%s\":", key);
	if (value)
		json_put_string(f, value);
	else
		fputs("null", f);
}

static void put_metrics(FILE *f, const struct status *s)
{
	static const struct metrics none = { .epoch = NAN,
		.loss = NAN,
		.contrastive = NAN,
		.invariance = NAN,
		.lr = NAN,
		.gradient_norm = NAN,
		.seconds = NAN };
	const struct metrics *m = metrics_newest(&s->metrics);

	m = m ? m : &none;
	put_number(f, "epoch", m->epoch);
	put_number(f, "loss", m->loss);
	put_number(f, "contrastive", m->contrastive);
	put_number(f, "invariance", m->invariance);
	put_number(f, "lr", m->lr);
	put_number(f, "gradient_norm", m->gradient_norm);
	put_number(f, "images_per_s", metrics_recent_images_per_s(&s->metrics));
	put_number(f, "images_per_s_run", s->run_images_per_s);
	put_number(f, "data_wait", metrics_recent_data_wait(&s->metrics));
	fprintf(f, ",\"bad_records\":%ld", m->bad_records);
	put_number(f, "seconds", m->seconds);
	put_number(f, "seconds_left", s->seconds_left);
}

static void put_checkpoint(FILE *f, const struct status *s)
{
	const struct checkpoint_file *c;
	char *path;

	fprintf(f, ",\"checkpoints\":%d,\"last_checkpoint\":", s->checkpoint_count);
	if (s->checkpoint_count == 0) {
		fputs("null", f);
		return;
	}
	c = &s->checkpoints[s->checkpoint_count - 1];
	path = checkpoint_path(s->run, c->step);
	fprintf(f, "{\"step\":%" PRId64, c->step);
	put_string(f, "path", path);
	fprintf(f, ",\"bytes\":%" PRId64, c->bytes);
	put_number(f, "age_s", fmax((double)(s->now - c->written), 0));
	fputc('}', f);
	xfree(path);
}

static void put_evaluations(FILE *f, const struct status *s)
{
	struct status_evaluation *list;
	int count = status_evaluations(&list, s);

	fputs(",\"evaluations\":[", f);
	for (int i = 0; i < count; i++) {
		const struct result_line *r = list[i].line;

		fprintf(f, "%s{\"step\":%" PRId64 ",\"random\":%s,\"best\":%s", i > 0 ? "," : "",
			r->step, r->random ? "true" : "false", list[i].best ? "true" : "false");
		put_string(f, "protocol", r->protocol);
		put_string(f, "network", r->network);
		put_string(f, "train", r->train);
		put_string(f, "test", r->test);
		put_number(f, "top1", r->top1);
		put_number(f, "top5", r->top5);
		fprintf(f, ",\"settings\":%s", r->settings);
		put_string(f, "time", r->time);
		fputc('}', f);
	}
	fputc(']', f);
	xfree(list);
}

void status_print_json(FILE *f, const struct status *s)
{
	const struct config *c = &s->config;

	fputs("{\"run\":", f);
	json_put_string(f, s->run);
	put_string(f, "arch", s->configured ? c->model.arch : NULL);
	put_number(f, "width", s->configured ? c->model.width : NAN);
	put_string(f, "data", s->configured ? c->data.train : NULL);
	put_string(f, "state", status_word(s->state));
	fprintf(f, ",\"finished\":%s,\"step\":%" PRId64 ",\"steps\":%" PRId64,
		s->state == STATUS_FINISHED ? "true" : "false", s->facts.step, s->facts.steps);
	put_metrics(f, s);
	put_number(f, "age_s", s->facts.age_s);
	fprintf(f, ",\"starts\":%d", s->log.starts);
	put_checkpoint(f, s);
	put_evaluations(f, s);
	fputs("}\n", f);
}
