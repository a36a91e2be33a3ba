/* calibrate.c - running statistics for an encoder that has none. */
#include "eval/calibrate.h"

#include "base/memory.h"
#include "base/rng.h"
#include "data/loader.h"
#include "eval/probe.h"
#include "eval/transform.h"

enum { PREFETCH = 3, BATCHES_MAX = 32 };

/* The loader's view of calibration: a permutation of the set, over and over. */
struct calibration {
	const struct subset *set;
	uint32_t *order;
};

static void calibration_images(void *arg, uint64_t *ids, int64_t step, int first, int count)
{
	const struct calibration *c = arg;

	for (int i = 0; i < count; i++)
		ids[i] = c->set->images[c->order[(uint64_t)(step * ENCODER_PIECE + first + i) %
			c->set->count]];
}

static uint64_t calibration_replacement(
	void *arg, int64_t step, uint64_t bad_image, uint32_t attempt)
{
	const struct calibration *c = arg;

	return c->set->images[(bad_image + (uint64_t)step + attempt + 1) % c->set->count];
}

static void run_batch(const struct encoder *e, void *input, const struct batch *b)
{
	struct view_params params[ENCODER_PIECE];

	for (int i = 0; i < b->count; i++)
		transform_centre(&params[i], e->size, b->images[i].width, b->images[i].height);
	e->dev->be->images(e->dev, 0, b->images, b->count);
	e->dev->be->views(e->dev, input, 0, params, 1, e->exact);
	infer_calibrate(e->net, input);
}

void calibrate(const struct encoder *e, const struct subset *set, uint64_t seed)
{
	struct rng r = rng_at(seed, RNG_PROBE, PROBE_CALIBRATE, 0, 0);
	struct calibration c = { set, xcalloc(set->count, sizeof *c.order) };
	const struct loader_source source = { calibration_images, calibration_replacement, &c };
	int64_t batches = (int64_t)((set->count + ENCODER_PIECE - 1) / ENCODER_PIECE);
	const struct loader_options options = { .count = ENCODER_PIECE,
		.threads = e->threads,
		.prefetch = PREFETCH,
		.to = batches < BATCHES_MAX ? batches : BATCHES_MAX };
	void *input = e->dev->be->alloc(e->dev, encoder_input_bytes(e), "views");
	struct loader *loader;
	const struct batch *b;
	double waited;

	rng_permutation(&r, c.order, (uint32_t)set->count);
	loader = loader_open(set->data, &source, &options);
	while ((b = loader_next(loader, &waited)))
		run_batch(e, input, b);
	loader_close(loader);
	e->dev->be->free(e->dev, input);
	xfree(c.order);
}
