/* weights_load.c - weights from a file that any program may have written, into our parameters. */
#include "train/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "train/weights_names.h"

static int starts(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

struct load {
	const char *path;
	const struct safetensors *f;
	const struct params *p;
	const struct stats *s;
	int parts; /* that are to be read */
	char way_out[160];
	char *err;
};

/* How most messages end: another network is the likely reason. */
static void name_network(struct load *l, const struct config *c)
{
	snprintf(l->way_out, sizeof l->way_out,
		"the network here has model.arch=%.32s, model.width=%g, model.stem=%s",
		c->model.arch, c->model.width, weights_stem(c));
}

/* Padding leaves no trace in shapes; our own files tell it. */
static int check_padding(const struct load *l, const struct config *c)
{
	const char *padding = safetensors_metadata(l->f, "padding");

	if (!padding || strcmp(padding, weights_padding(c)) == 0)
		return 0;
	return fail(l->err,
		"%s: made with model.padding=%.32s, here it is %s: set --model.padding=%.32s",
		l->path, padding, weights_padding(c), padding);
}

static void print_shape(char text[128], int dims, const int64_t *shape)
{
	int n = snprintf(text, 128, "(");

	for (int i = 0; i < dims && n < 128; i++)
		n += snprintf(
			text + n, (size_t)(128 - n), "%s%lld", i ? ", " : "", (long long)shape[i]);
	if (n < 128)
		snprintf(text + n, (size_t)(128 - n), ")");
}

static int check_values(const struct load *l, const struct safetensor *t, int positive)
{
	float value;

	for (size_t i = 0; i < t->bytes / sizeof value; i++) {
		memcpy(&value, (const char *)t->data + i * sizeof value, sizeof value);
		if (!isfinite(value) || (positive && value < 0))
			return fail(l->err,
				"%s: tensor %s: value %zu is %g; the weights are damaged", l->path,
				t->name, i, (double)value);
	}
	return 0;
}

/* The tensor of that name if it is float32 of that shape, else NULL with err. */
static const struct safetensor *wanted(
	const struct load *l, const char *name, int dims, const int64_t *shape)
{
	const struct safetensor *t = safetensors_find(l->f, name);
	char there[128], here[128];

	if (!t) {
		fail(l->err, "%s: tensor %s is missing; %s", l->path, name, l->way_out);
		return NULL;
	}
	if (t->type != SAFETENSORS_F32) {
		fail(l->err, "%s: tensor %s is %s; only F32 is read: convert the file first",
			l->path, name, safetensors_type_name(t->type));
		return NULL;
	}
	if (t->dims == dims && memcmp(t->shape, shape, (size_t)dims * sizeof *shape) == 0)
		return t;
	print_shape(there, t->dims, t->shape);
	print_shape(here, dims, shape);
	fail(l->err, "%s: tensor %s has the shape %s there and %s here; %s", l->path, name, there,
		here, l->way_out);
	return NULL;
}

static int load_param(const struct load *l, float *params, const struct param *p)
{
	const struct safetensor *t;
	int64_t shape[4];
	float *aligned;

	weights_outer_shape(shape, p);
	t = wanted(l, weights_outer_name(p->name), p->dims, shape);
	if (!t || check_values(l, t, 0) != 0)
		return -1;
	aligned = xmalloc(t->bytes);
	memcpy(aligned, t->data, t->bytes);
	weights_copy_in(params + p->offset, aligned, p);
	xfree(aligned);
	return 0;
}

static int load_statistics(const struct load *l, float *stats, const struct norm_stat *s)
{
	const int64_t shape = s->channels;
	char name[WEIGHTS_NAME_BYTES];

	for (int which = WEIGHTS_MEAN; which <= WEIGHTS_VARIANCE; which++) {
		const struct safetensor *t =
			wanted(l, weights_statistic_name(name, s, which), 1, &shape);

		if (!t || check_values(l, t, which == WEIGHTS_VARIANCE) != 0)
			return -1;
		memcpy(stats + s->offset + which * s->channels, t->data, t->bytes);
	}
	return 0;
}

static void reset_statistics(float *stats, const struct norm_stat *s)
{
	for (int i = 0; i < s->channels; i++) {
		stats[s->offset + (size_t)i] = 0;
		stats[s->offset + (size_t)(s->channels + i)] = 1;
	}
}

/* Parts of the network that the file has something of; the encoder in any case. */
static int parts_to_read(const struct load *l)
{
	int in_file = WEIGHTS_ENCODER, in_network = 0;

	for (int i = 0; i < l->f->count; i++)
		in_file |= weights_part_of(l->f->list[i].name);
	for (int i = 0; i < l->p->count; i++)
		in_network |= weights_part_of(l->p->table[i].name);
	return in_file & in_network;
}

static int is_statistic(const struct load *l, const char *name)
{
	char known[WEIGHTS_NAME_BYTES];

	for (int i = 0; i < l->s->count; i++)
		for (int which = 0; which < WEIGHTS_STATISTICS; which++)
			if (strcmp(name, weights_statistic_name(known, &l->s->table[i], which)) ==
				0)
				return 1;
	return 0;
}

static int is_param(const struct load *l, const char *name)
{
	for (int i = 0; i < l->p->count; i++)
		if (strcmp(name, weights_outer_name(l->p->table[i].name)) == 0)
			return 1;
	return 0;
}

/* Every tensor of the file must be of use, or be known to be of none. */
static int check_unknown(const struct load *l)
{
	int passed_over = 0;
	const char *example = NULL;

	for (int i = 0; i < l->f->count; i++) {
		const char *name = l->f->list[i].name;
		int head = weights_part_of(name) & ~l->parts;

		if (starts(name, "fc.") || head) {
			passed_over++;
			example = name;
		} else if (!is_param(l, name) && !is_statistic(l, name)) {
			return fail(l->err, "%s: tensor %s is unknown here; %s", l->path, name,
				l->way_out);
		}
	}
	if (passed_over > 0)
		log_info("%s: %s%s passed over: not of the encoder", l->path, example,
			passed_over > 1 ? " and others" : "");
	return 0;
}

static int load_all(const struct load *l, float *params, float *stats)
{
	for (int i = 0; i < l->p->count; i++)
		if ((weights_part_of(l->p->table[i].name) & l->parts) &&
			load_param(l, params, &l->p->table[i]) != 0)
			return -1;
	for (int i = 0; i < l->s->count; i++) {
		if (!(weights_part_of(l->s->table[i].name) & l->parts))
			reset_statistics(stats, &l->s->table[i]);
		else if (load_statistics(l, stats, &l->s->table[i]) != 0)
			return -1;
	}
	return check_unknown(l);
}

/* Are these the statistics of a network that has never seen a batch? */
static int never_updated(const struct load *l, const float *stats)
{
	for (int i = 0; i < l->s->count; i++) {
		const struct norm_stat *s = &l->s->table[i];

		for (int k = 0; k < s->channels; k++)
			if (stats[s->offset + (size_t)k] != 0 ||
				stats[s->offset + (size_t)(s->channels + k)] != 1)
				return 0;
	}
	return 1;
}

int weights_load_encoder(const char *path, const struct config *c, const struct params *p,
	const struct stats *s, float *params, float *stats, int64_t *updates, char err[ERR_MAX])
{
	struct safetensors f;
	struct load l = { .path = path, .f = &f, .p = p, .s = s, .err = err };
	int rc = -1;

	if (safetensors_read(path, &f, err) != 0)
		return -1;
	name_network(&l, c);
	l.parts = parts_to_read(&l);
	if (check_padding(&l, c) == 0)
		rc = load_all(&l, params, stats);
	safetensors_free(&f);
	*updates = WEIGHTS_UPDATES_IMPORTED;
	if (rc == 0 && never_updated(&l, stats)) {
		memset(stats, 0, s->length * sizeof *stats);
		*updates = 0;
	}
	return rc;
}
