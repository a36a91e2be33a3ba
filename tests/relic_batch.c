/* relic_batch.c - see relic_batch.h. */
#include "relic_batch.h"

#include <math.h>
#include <string.h>

size_t relic_online(const struct relic_case *b)
{
	return (size_t)((b->options.large + b->options.small) * b->n * b->d);
}

void relic_run(struct device *dev, struct relic_case *b, int ranks)
{
	const struct relic_options *options = &b->options;
	int views = options->large + options->small, count = 1 + options->negatives;
	size_t small = (size_t)(options->small * b->n * b->d), width = (size_t)b->d;
	double *sum = doubles(small);

	b->terms[0] = b->terms[1] = 0;
	for (int rank = 0; rank < ranks; rank++) {
		int first = b->n * rank / ranks, n = b->n * (rank + 1) / ranks - first;
		size_t row = (size_t)n * width;
		float *o = buffer((size_t)views * row), *g = buffer((size_t)views * row);
		float *g_small = options->small_mode == 3 ? buffer(small) : NULL;
		int32_t *candidates = buffer_bytes((size_t)(n * count) * sizeof *candidates);
		double terms[2] = { NAN, NAN };
		const struct relic_batch batch = { o, b->t,
			g_small ? b->o + (size_t)(options->large * b->n) * width : NULL, candidates,
			n, b->n, b->d, first };

		for (int v = 0; v < views; v++)
			memcpy(o + (size_t)v * row, b->o + (size_t)(v * b->n + first) * width,
				row * sizeof *o);
		memcpy(candidates, b->candidates + first * count,
			(size_t)(n * count) * sizeof *candidates);
		dev->be->relic_loss(dev, g, g_small, terms, &batch, options);
		for (int v = 0; v < views; v++)
			memcpy(b->g + (size_t)(v * b->n + first) * width, g + (size_t)v * row,
				row * sizeof *g);
		b->terms[0] += terms[0], b->terms[1] += terms[1];
		for (size_t i = 0; i < small && g_small; i++)
			sum[i] += g_small[i];
	}
	for (size_t i = 0; i < small; i++)
		b->g[(size_t)(options->large * b->n) * width + i] += (float)sum[i];
}

void relic_make(struct relic_case *b, const struct relic_options *options, int n, int d)
{
	int count = 1 + options->negatives;
	size_t online = (size_t)((options->large + options->small) * n);
	size_t target = (size_t)(options->large * n), width = (size_t)d;
	float *raw = buffer_random((online + target) * width, 5);
	double *unit = doubles((online + target) * width), *length = doubles(online + target);

	*b = (struct relic_case){ .options = *options, .n = n, .d = d };
	b->o = buffer(online * width), b->g = buffer(online * width), b->t = buffer(target * width);
	b->candidates = buffer_bytes((size_t)(n * count) * sizeof *b->candidates);
	ref_unit_length(
		unit, length, doubles_of(raw, (online + target) * width), online + target, d);
	for (size_t i = 0; i < online * width; i++)
		b->o[i] = (float)unit[i];
	for (size_t i = 0; i < target * width; i++)
		b->t[i] = (float)unit[online * width + i];
	for (int i = 0; i < n * count; i++)
		b->candidates[i] = (i / count + i % count * (i / count % 3 == 0 ? 1 : n - 1)) % n;
}
