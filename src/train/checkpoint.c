/* checkpoint.c - the state of training as a file.
 * What the file looks like is dump.h's business; here is which arrays make up the state, and
 * whether those of a file are those of this network. */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "train/dump.h"
#include "autoconfig.h"

void checkpoint_init(struct checkpoint *c, const struct params *p, const struct stats *s)
{
	*c = (struct checkpoint){
		.params = xaligned(p->length * sizeof(float)),
		.momentum = xaligned(p->length * sizeof(float)),
		.target = xaligned(p->length * sizeof(float)),
		.stats = xaligned(s->length * sizeof(float)),
		.target_stats = xaligned(s->length * sizeof(float)),
	};
}

void checkpoint_free(struct checkpoint *c)
{
	xfree(c->params);
	xfree(c->momentum);
	xfree(c->target);
	xfree(c->stats);
	xfree(c->target_stats);
	xfree(c->config);
}

/* One array of the file and where it lies in memory. */
struct tensor {
	char name[PARAM_NAME_MAX + 16];
	float *data;
	int dims;
	size_t shape[4], count;
};

struct tensors {
	struct tensor *list;
	int count;
};

static void list_params(struct tensors *t, const char *group, float *buffer, const struct params *p)
{
	for (int i = 0; i < p->count; i++) {
		const struct param *from = &p->table[i];
		struct tensor *to = &t->list[t->count++];

		snprintf(to->name, sizeof to->name, "%s/%s", group, from->name);
		to->data = buffer + from->offset;
		to->count = from->count;
		to->dims = from->dims;
		for (int k = 0; k < from->dims; k++)
			to->shape[k] = (size_t)from->shape[k];
	}
}

static void list_stats(struct tensors *t, const char *group, float *buffer, const struct stats *s)
{
	for (int i = 0; i < s->count; i++) {
		const size_t channels = (size_t)s->table[i].channels;
		struct tensor *to = &t->list[t->count++];

		snprintf(to->name, sizeof to->name, "%s/%s", group, s->table[i].name);
		to->data = buffer + s->table[i].offset;
		to->count = 2 * channels;
		to->dims = 2;
		to->shape[0] = 2;
		to->shape[1] = channels;
	}
}

/* All arrays of a state; the caller frees the list. */
static struct tensors list_tensors(
	const struct checkpoint *c, const struct params *p, const struct stats *s)
{
	struct tensors t = { 0 };

	t.list = xcalloc((size_t)(3 * p->count + 2 * s->count), sizeof *t.list);
	list_params(&t, "params", c->params, p);
	list_params(&t, "momentum", c->momentum, p);
	list_params(&t, "target", c->target, p);
	list_stats(&t, "stats", c->stats, s);
	list_stats(&t, "target_stats", c->target_stats, s);
	return t;
}

/* ---- writing ---- */

static void write_meta(struct dump *d, const struct checkpoint *c)
{
	char text[512];

	snprintf(text, sizeof text,
		"format_version %d\nstep %" PRId64 "\nstats_updates %" PRId64 "\nimages %" PRId64
		"\nprogram %s\n",
		CHECKPOINT_FORMAT, c->step, c->stats_updates, c->images, PACKAGE_STRING);
	dump_array(d, "meta", DUMP_TEXT, text, 0, NULL);
}

int checkpoint_write(const char *path, const struct checkpoint *c, const struct params *p,
	const struct stats *s, char err[ERR_MAX])
{
	struct tensors t = list_tensors(c, p, s);
	struct dump *d = dump_open(path);

	write_meta(d, c);
	dump_array(d, "config", DUMP_TEXT, c->config ? c->config : "", 0, NULL);
	for (int i = 0; i < t.count; i++)
		dump_array(d, t.list[i].name, DUMP_FLOAT, t.list[i].data, t.list[i].dims,
			t.list[i].shape);
	xfree(t.list);
	return dump_close(d, err);
}

/* ---- reading ---- */

static int meta_number(
	const char *path, const char *text, const char *name, int64_t *value, char err[ERR_MAX])
{
	char key[32];
	const char *line = text;

	snprintf(key, sizeof key, "%s ", name);
	while (line && strncmp(line, key, strlen(key)) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line || sscanf(line + strlen(key), "%" SCNd64, value) != 1)
		return fail(err,
			"%s: /meta has no number '%s'; it is not a checkpoint of this program",
			path, name);
	return 0;
}

static int check_format(const char *path, const char *meta, char err[ERR_MAX])
{
	const char *program = strstr(meta, "\nprogram ");
	int64_t version;

	if (meta_number(path, meta, "format_version", &version, err) != 0)
		return -1;
	if (version == CHECKPOINT_FORMAT)
		return 0;
	program = program ? program + strlen("\nprogram ") : "another program";
	return fail(err,
		"%s: checkpoint of format version %" PRId64
		", this program reads version %d; use the one that "
		"wrote it: %.*s",
		path, version, CHECKPOINT_FORMAT, (int)strcspn(program, "\n"), program);
}

static int read_meta(
	const char *path, const struct dump_reader *r, struct checkpoint *c, char err[ERR_MAX])
{
	char *meta = dump_reader_text(r, "meta", err);
	int rc = -1;

	if (!meta)
		return -1;
	if (check_format(path, meta, err) == 0 &&
		meta_number(path, meta, "step", &c->step, err) == 0 &&
		meta_number(path, meta, "stats_updates", &c->stats_updates, err) == 0)
		rc = meta_number(path, meta, "images", &c->images, err);
	xfree(meta);
	return rc;
}

int checkpoint_read_config(const char *path, char **config, int64_t *step, char err[ERR_MAX])
{
	struct dump_reader *r = dump_reader_open(path, err);
	struct checkpoint c = { 0 };

	*config = NULL;
	*step = 0;
	if (!r)
		return -1;
	if (read_meta(path, r, &c, err) == 0)
		c.config = dump_reader_text(r, "config", err);
	dump_reader_close(r);
	*config = c.config;
	*step = c.step;
	return c.config ? 0 : -1;
}

int checkpoint_verify(const char *path, char err[ERR_MAX])
{
	struct dump_reader *r = dump_reader_open(path, err);
	struct checkpoint c = { 0 };
	int rc = -1;

	if (!r)
		return -1;
	if (read_meta(path, r, &c, err) == 0)
		rc = dump_reader_verify(r, err);
	dump_reader_close(r);
	return rc;
}

static void print_shape(char *text, size_t bytes, int dims, const size_t *shape)
{
	size_t n = (size_t)snprintf(text, bytes, "(");

	for (int i = 0; i < dims && n < bytes; i++)
		n += (size_t)snprintf(text + n, bytes - n, "%s%zu", i ? ", " : "", shape[i]);
	if (n < bytes)
		snprintf(text + n, bytes - n, ")");
}

/* A message ends in the way out, the same for all the ways in which a network can differ. */
#define OTHER_NETWORK "; give the model.* settings that the checkpoint was made with"

static int check_tensor(
	const char *path, const struct dump_reader *r, const struct tensor *t, char err[ERR_MAX])
{
	char there[128], here[128];
	struct dump_info info;

	if (!dump_reader_has(r, t->name))
		return fail(err, "%s: checkpoint of another network: /%s is missing" OTHER_NETWORK,
			path, t->name);
	if (dump_reader_info(r, t->name, &info, err) != 0)
		return -1;
	if (info.type == DUMP_FLOAT && info.dims == t->dims &&
		memcmp(info.shape, t->shape, (size_t)t->dims * sizeof *t->shape) == 0)
		return 0;
	print_shape(there, sizeof there, info.dims, info.shape);
	print_shape(here, sizeof here, t->dims, t->shape);
	return fail(err,
		"%s: checkpoint of another network: /%s has the shape %s there and %s "
		"here" OTHER_NETWORK,
		path, t->name, there, here);
}

struct known {
	const char *path;
	const struct tensors *tensors;
	char *err;
};

/* Is this data set one of ours? */
static int check_known(const char *name, void *arg)
{
	const struct known *k = arg;

	if (strcmp(name, "meta") == 0 || strcmp(name, "config") == 0)
		return 0;
	for (int i = 0; i < k->tensors->count; i++)
		if (strcmp(k->tensors->list[i].name, name) == 0)
			return 0;
	return fail(k->err, "%s: checkpoint of another network: /%s is unknown here" OTHER_NETWORK,
		k->path, name);
}

/* All names and shapes are compared before the first byte is read. */
static int read_tensors(
	const char *path, const struct dump_reader *r, const struct tensors *t, char err[ERR_MAX])
{
	struct known known = { path, t, err };

	for (int i = 0; i < t->count; i++)
		if (check_tensor(path, r, &t->list[i], err) != 0)
			return -1;
	if (dump_reader_each(r, check_known, &known, err) != 0)
		return -1;
	for (int i = 0; i < t->count; i++)
		if (dump_reader_read(r, t->list[i].name, t->list[i].data,
			    t->list[i].count * sizeof(float), err))
			return -1;
	return 0;
}

int checkpoint_read(const char *path, struct checkpoint *c, const struct params *p,
	const struct stats *s, char err[ERR_MAX])
{
	struct dump_reader *r = dump_reader_open(path, err);
	struct tensors t;
	int rc = -1;

	if (!r)
		return -1;
	t = list_tensors(c, p, s);
	xfree(c->config);
	if (read_meta(path, r, c, err) == 0 && (c->config = dump_reader_text(r, "config", err)))
		rc = read_tensors(path, r, &t, err);
	xfree(t.list);
	dump_reader_close(r);
	return rc;
}
