#include "nn/params.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/die.h"
#include "base/memory.h"

static size_t aligned(size_t floats)
{
	return (floats + PARAM_ALIGN - 1) / PARAM_ALIGN * PARAM_ALIGN;
}

void params_name(char name[PARAM_NAME_MAX], const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(name, PARAM_NAME_MAX, fmt, args);
	va_end(args);
	CHECK(n >= 0 && n < PARAM_NAME_MAX, "the tensor name '%s...' is too long", name);
}

size_t params_add(struct params *p, const char *name, int dims, const int *shape, int plain,
	enum param_init init)
{
	struct param *t;

	CHECK(dims >= 1 && dims <= 4, "%s: %d dimensions", name, dims);
	p->table = xrealloc(p->table, (size_t)(p->count + 1) * sizeof *p->table);
	t = &p->table[p->count];
	*t = (struct param){ .offset = p->length,
		.count = 1,
		.dims = dims,
		.plain = plain,
		.init = init,
		.fan_in = 1 };
	params_name(t->name, "%s", name);
	for (int i = 0; i < dims; i++) {
		t->shape[i] = shape[i];
		t->count *= (size_t)shape[i];
		if (i > 0)
			t->fan_in *= shape[i];
	}
	p->length += aligned(t->count);
	p->count++;
	return t->offset;
}

void params_free(struct params *p)
{
	xfree(p->table);
	*p = (struct params){ 0 };
}

size_t params_size(const struct params *p, const char *prefix)
{
	size_t sum = 0;

	for (int i = 0; i < p->count; i++)
		if (strncmp(p->table[i].name, prefix, strlen(prefix)) == 0)
			sum += p->table[i].count;
	return sum;
}

int params_find(const struct params *p, const char *name)
{
	for (int i = 0; i < p->count; i++)
		if (strcmp(p->table[i].name, name) == 0)
			return i;
	return -1;
}

enum { ROW = 1024, DRAWS = 64 /* at a time: rng_normals likes many */ };

/* Normal deviates within two deviations: draws beyond are drawn again. */
static void draw_row(float *values, size_t n, double deviation, struct rng *r)
{
	double z[DRAWS];
	size_t kept = 0;

	while (kept < n) {
		rng_normals(z, DRAWS, r);
		for (int i = 0; i < DRAWS && kept < n; i++) {
			values[kept] = (float)(deviation * z[i]);
			kept += fabs(z[i]) <= 2;
		}
	}
}

static void draw_tensor(
	float *values, const struct param *t, int index, uint64_t seed, enum rng_purpose purpose)
{
	double deviation = 1 / sqrt(t->fan_in);

	/* A place of its own for each row of elements keeps a tensor's draws apart from how often
	 * others were redrawn. */
#pragma omp parallel for schedule(static)
	for (size_t first = 0; first < t->count; first += ROW) {
		struct rng r = rng_at(seed, purpose, (uint32_t)index, (uint32_t)(first / ROW), 0);
		size_t left = t->count - first;

		draw_row(values + first, left < ROW ? left : ROW, deviation, &r);
	}
}

void params_init_tensor(
	const struct params *p, int index, float *values, uint64_t seed, enum rng_purpose purpose)
{
	const struct param *t = &p->table[index];

	if (t->init == INIT_TRUNCATED_NORMAL)
		draw_tensor(values, t, index, seed, purpose);
	else
		for (size_t i = 0; i < t->count; i++)
			values[i] = t->init == INIT_ONE;
}

void params_init(const struct params *p, float *values, uint64_t seed, enum rng_purpose purpose)
{
	for (int i = 0; i < p->count; i++) {
		const struct param *t = &p->table[i];

		params_init_tensor(p, i, values + t->offset, seed, purpose);
		for (size_t j = t->count; j < aligned(t->count); j++)
			values[t->offset + j] = 0;
	}
}

struct param_span *params_spans(const struct params *p)
{
	struct param_span *spans = xcalloc((size_t)p->count, sizeof *spans);

	for (int i = 0; i < p->count; i++)
		spans[i] = (struct param_span){ p->table[i].offset, p->table[i].count,
			p->table[i].plain };
	return spans;
}

size_t stats_add(struct stats *s, const char *name, int channels)
{
	struct norm_stat *t;

	s->table = xrealloc(s->table, (size_t)(s->count + 1) * sizeof *s->table);
	t = &s->table[s->count];
	*t = (struct norm_stat){ .offset = s->length, .channels = channels };
	params_name(t->name, "%s", name);
	s->length += aligned(2 * (size_t)channels);
	s->count++;
	return t->offset;
}

void stats_free(struct stats *s)
{
	xfree(s->table);
	*s = (struct stats){ 0 };
}
