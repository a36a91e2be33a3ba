#include "checkpoint_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data_fixture.h"
#include "test.h"

void fixture_tables(struct params *p, struct stats *s, int scale)
{
	const int conv[4] = { 4 * scale, 3, 3, 5 }, channels = 4 * scale,
		  linear[2] = { 7, 4 * scale };

	*p = (struct params){ 0 };
	*s = (struct stats){ 0 };
	params_add(p, "encoder.conv1.weight", 4, conv, 0, INIT_TRUNCATED_NORMAL);
	params_add(p, "encoder.bn1.weight", 1, &channels, 1, INIT_ONE);
	params_add(p, "encoder.bn1.bias", 1, &channels, 1, INIT_ZERO);
	params_add(p, "projector.linear1.weight", 2, linear, 0, INIT_TRUNCATED_NORMAL);
	stats_add(s, "encoder.bn1", channels);
}

/* Some bits of an integer hash (Knuth's multiplicative one is enough to tell places apart). */
static float value(int64_t step, int group, size_t i)
{
	uint32_t h =
		(uint32_t)((uint64_t)step * 2654435761u + (uint64_t)group * 40503u + i * 69069u);

	return (float)(h >> 8) / 65536 - 100;
}

static void fill_params(float *buffer, const struct params *p, int64_t step, int group)
{
	for (int t = 0; t < p->count; t++)
		for (size_t i = p->table[t].offset; i < p->table[t].offset + p->table[t].count; i++)
			buffer[i] = value(step, group, i);
}

static void fill_stats(float *buffer, const struct stats *s, int64_t step, int group)
{
	for (int t = 0; t < s->count; t++)
		for (size_t i = 0; i < 2 * (size_t)s->table[t].channels; i++)
			buffer[s->table[t].offset + i] = value(step, group, i);
}

void fixture_fill(struct checkpoint *c, const struct params *p, const struct stats *s, int64_t step)
{
	c->step = step;
	c->stats_updates = 4 * step;
	c->images = 4000;
	fill_params(c->params, p, step, 0);
	fill_params(c->momentum, p, step, 1);
	fill_params(c->target, p, step, 2);
	fill_stats(c->stats, s, step, 3);
	fill_stats(c->target_stats, s, step, 4);
	if (!c->config)
		c->config = xstrdup("train:\n  batch: 128\n");
}

int fixture_holds(const struct checkpoint *c, const struct params *p, const struct stats *s)
{
	struct checkpoint want;
	int same;

	checkpoint_init(&want, p, s);
	fixture_fill(&want, p, s, c->step);
	same = c->stats_updates == want.stats_updates && c->images == want.images &&
		strcmp(c->config, want.config) == 0 &&
		memcmp(c->params, want.params, p->length * sizeof(float)) == 0 &&
		memcmp(c->momentum, want.momentum, p->length * sizeof(float)) == 0 &&
		memcmp(c->target, want.target, p->length * sizeof(float)) == 0 &&
		memcmp(c->stats, want.stats, s->length * sizeof(float)) == 0 &&
		memcmp(c->target_stats, want.target_stats, s->length * sizeof(float)) == 0;
	checkpoint_free(&want);
	return same;
}

struct checkpoint_place fixture_open(void)
{
	struct checkpoint_place f = { .run = test_folder() };

	fixture_tables(&f.p, &f.s, 1);
	checkpoint_init(&f.c, &f.p, &f.s);
	assert_int_equal(file_make_folder(test_path(f.run, "checkpoints"), f.err), 0);
	return f;
}

void fixture_close(struct checkpoint_place *f)
{
	checkpoint_free(&f->c);
	params_free(&f->p);
	stats_free(&f->s);
}

const char *fixture_path(const struct checkpoint_place *f, int64_t step)
{
	char name[64];

	snprintf(name, sizeof name, "checkpoints/step-%09" PRId64 ".h5", step);
	return test_path(f->run, name);
}

void fixture_write(struct checkpoint_place *f, int64_t step)
{
	fixture_fill(&f->c, &f->p, &f->s, step);
	f->err[0] = 0;
	checkpoint_write(fixture_path(f, step), &f->c, &f->p, &f->s, f->err);
	assert_string_equal(f->err, "");
}

int fixture_submit(struct checkpoint_writer *w, const struct checkpoint *c, const struct params *p,
	const struct stats *s, char err[ERR_MAX])
{
	struct checkpoint *copy = checkpoint_writer_copy(w, err);

	if (!copy)
		return -1;
	copy->step = c->step;
	copy->stats_updates = c->stats_updates;
	copy->images = c->images;
	memcpy(copy->params, c->params, p->length * sizeof(float));
	memcpy(copy->momentum, c->momentum, p->length * sizeof(float));
	memcpy(copy->target, c->target, p->length * sizeof(float));
	memcpy(copy->stats, c->stats, s->length * sizeof(float));
	memcpy(copy->target_stats, c->target_stats, s->length * sizeof(float));
	xfree(copy->config);
	copy->config = c->config ? xstrdup(c->config) : NULL;
	checkpoint_writer_submit(w);
	return 0;
}

int fixture_read(struct checkpoint_place *f, const char *path)
{
	return checkpoint_read(path, &f->c, &f->p, &f->s, f->err);
}

/* Where the bytes of a value lie in a file. */
static size_t find_bytes(const unsigned char *bytes, size_t n, const void *what, size_t size)
{
	size_t i = 0;

	while (i + size <= n && memcmp(bytes + i, what, size) != 0)
		i++;
	assert_true(i + size <= n);
	return i;
}

void fixture_damage(const char *path, const void *what, size_t size)
{
	unsigned char *bytes;
	char err[ERR_MAX];
	size_t n;

	assert_int_equal(file_read_all(path, 1 << 24, &bytes, &n, err), 0);
	bytes[find_bytes(bytes, n, what, size)] ^= 4;
	assert_int_equal(file_write_atomic(path, bytes, n, err), 0);
	xfree(bytes);
}

void fixture_cut(const char *path)
{
	fixture_truncate(path, fixture_bytes(path) / 2);
}
