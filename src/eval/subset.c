/* subset.c - which images of a data set are evaluated. */
#include "eval/subset.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "eval/probe.h"

int subset_labelled(struct subset *s, const struct dataset *d, char err[ERR_MAX])
{
	*s = (struct subset){ .data = d, .images = xcalloc(d->images, sizeof *s->images) };
	for (uint64_t i = 0; i < d->images; i++)
		if (dataset_label(d, i) >= 0)
			s->images[s->count++] = i;
	if (s->count == 0) {
		subset_free(s);
		return fail(err,
			"%s: none of its %" PRIu64
			" images has a label; pack a folder of classes, or a manifest with labels",
			d->path, d->images);
	}
	if (s->count < d->images)
		log_warn("%s: %" PRIu64 " of %" PRIu64 " images have no label and are left out",
			d->path, d->images - s->count, d->images);
	return 0;
}

void subset_free(struct subset *s)
{
	xfree(s->images);
	s->count = 0;
}

int subset_split(struct subset *rest, struct subset *held, const struct subset *all, double share,
	uint64_t seed, char err[ERR_MAX])
{
	struct rng r = rng_at(seed, RNG_PROBE, PROBE_HOLDOUT, 0, 0);
	uint64_t n = (uint64_t)llround(share * (double)all->count);
	uint32_t *order;
	uint8_t *out;

	CHECK(all->count <= UINT32_MAX, "%" PRIu64 " images are too many to shuffle", all->count);
	if (all->count < 2)
		return fail(err, "%s: a single labelled image cannot be split into two sets",
			all->data->path);
	n = n < 1 ? 1 : n > all->count - 1 ? all->count - 1 : n;
	order = xcalloc(all->count, sizeof *order);
	out = xcalloc(all->count, 1);
	rng_permutation(&r, order, (uint32_t)all->count);
	for (uint64_t i = 0; i < n; i++)
		out[order[i]] = 1;
	*rest = (struct subset){ .data = all->data,
		.images = xcalloc(all->count - n, sizeof *rest->images) };
	*held = (struct subset){ .data = all->data, .images = xcalloc(n, sizeof *held->images) };
	for (uint64_t i = 0; i < all->count; i++) {
		struct subset *to = out[i] ? held : rest;

		to->images[to->count++] = all->images[i];
	}
	xfree(order);
	xfree(out);
	return 0;
}

int subset_same_classes(const struct dataset *train, const struct dataset *test, char err[ERR_MAX])
{
	if (train->class_count != test->class_count)
		return fail(err,
			"%s has %d classes and %s has %d; pack both from folders of the same classes",
			train->path, train->class_count, test->path, test->class_count);
	for (int i = 0; i < train->class_count; i++) {
		const char *a = shard_class(train->shards[0], i),
			   *b = shard_class(test->shards[0], i);

		if (strcmp(a, b) != 0)
			return fail(err,
				"class %d is '%s' in %s and '%s' in %s; pack both from folders of the same classes",
				i, a, train->path, b, test->path);
	}
	return 0;
}
