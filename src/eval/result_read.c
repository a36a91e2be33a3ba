#include "eval/result_read.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

enum kind { TEXT, RAW, REAL, WHOLE, TRUTH };

static const struct field {
	const char *key;
	enum kind kind;
	size_t offset; /* in struct result_line */
} fields[] = {
	{ "protocol", TEXT, offsetof(struct result_line, protocol) },
	{ "random", TRUTH, offsetof(struct result_line, random) },
	{ "train", TEXT, offsetof(struct result_line, train) },
	{ "test", TEXT, offsetof(struct result_line, test) },
	{ "settings", RAW, offsetof(struct result_line, settings) },
	{ "top1", REAL, offsetof(struct result_line, top1) },
	{ "top5", REAL, offsetof(struct result_line, top5) },
	{ "lr", REAL, offsetof(struct result_line, lr) },
	{ "k", REAL, offsetof(struct result_line, k) },
	{ "checkpoint", TEXT, offsetof(struct result_line, checkpoint) },
	{ "step", WHOLE, offsetof(struct result_line, step) },
	{ "network", TEXT, offsetof(struct result_line, network) },
	{ "time", TEXT, offsetof(struct result_line, time) },
};

enum { FIELDS = sizeof fields / sizeof *fields };

/* ---- one line ---- */

static void line_free(struct result_line *r)
{
	for (int i = 0; i < FIELDS; i++)
		if (fields[i].kind == TEXT || fields[i].kind == RAW)
			xfree(*(char **)((char *)r + fields[i].offset));
}

/* Takes the place of an earlier value of the same key. */
static void set_text(char **to, char *text)
{
	xfree(*to);
	*to = text;
}

static int read_raw(struct json *p, enum kind kind, void *to)
{
	const char *text;

	json_space(p);
	text = p->text + p->at;
	if (json_skip(p) != 0)
		return -1;
	if (kind == RAW)
		set_text(to, xasprintf("%.*s", (int)(p->text + p->at - text), text));
	else if (kind == REAL)
		*(double *)to = *text == 'n' ? NAN : strtod(text, NULL);
	else if (kind == WHOLE)
		*(int64_t *)to = strtoll(text, NULL, 10);
	else
		*(int *)to = *text == 't';
	return 0;
}

static int read_field(struct json *p, const char *key, void *line)
{
	for (int i = 0; i < FIELDS; i++) {
		char *to = (char *)line + fields[i].offset, *text;

		if (strcmp(fields[i].key, key) != 0)
			continue;
		if (fields[i].kind != TEXT)
			return read_raw(p, fields[i].kind, to);
		text = json_string(p);
		if (!text)
			return -1;
		set_text((char **)to, text);
		return 0;
	}
	return json_skip(p);
}

/* 1 when the line is a whole result. */
static int line_parse(struct result_line *r, const char *text, size_t n)
{
	char err[ERR_MAX];
	struct json p = { .name = "results.jsonl", .text = text, .n = n, .err = err };

	*r = (struct result_line){ .lr = NAN, .k = NAN, .top1 = NAN, .top5 = NAN, .step = -1 };
	if (json_object(&p, read_field, r) == 0 && p.at == n && r->protocol && r->train &&
		r->test && r->settings && r->checkpoint && r->network && r->time && r->step >= 0 &&
		isfinite(r->top1))
		return 1;
	line_free(r);
	return 0;
}

/* ---- the file ---- */

static void begin(void *arg)
{
	struct result_list *l = arg;

	for (int i = 0; i < l->count; i++)
		line_free(&l->lines[i]);
	l->count = 0;
}

static void add_line(void *arg, const char *text, size_t n)
{
	struct result_list *l = arg;
	struct result_line line;

	if (!line_parse(&line, text, n))
		return;
	l->lines = xrealloc(l->lines, (size_t)(l->count + 1) * sizeof *l->lines);
	l->lines[l->count++] = line;
}

void result_list_init(struct result_list *l, const char *path)
{
	*l = (struct result_list){ .path = xstrdup(path) };
	l->file.path = l->path;
}

void result_list_free(struct result_list *l)
{
	begin(l);
	xfree(l->lines);
	xfree(l->path);
}

int result_list_read(struct result_list *l, char err[ERR_MAX])
{
	const struct lines_use use = { .begin = begin, .line = add_line, .arg = l };

	return lines_read(&l->file, &use, err);
}

/* ---- looking for one ---- */

/* A run may have been moved, or be named from another folder: its own file tells of it by steps. */
static int same_encoder(
	const struct result_list *l, const struct result_line *r, const struct result_subject *s)
{
	char *own = result_path(s->encoder);
	int in_own = strcmp(own, l->path) == 0;

	xfree(own);
	if (!in_own && strcmp(r->checkpoint, s->encoder) != 0)
		return 0;
	return s->random || (r->step == s->step && strcmp(r->network, s->network) == 0);
}

const struct result_line *result_list_find(
	const struct result_list *l, const char *protocol, const struct result_subject *s)
{
	for (int i = l->count - 1; i >= 0; i--) {
		const struct result_line *r = &l->lines[i];

		if (strcmp(r->protocol, protocol) == 0 && r->random == s->random &&
			strcmp(r->train, s->train) == 0 && strcmp(r->test, s->test) == 0 &&
			strcmp(r->settings, s->settings) == 0 && same_encoder(l, r, s))
			return r;
	}
	return NULL;
}
