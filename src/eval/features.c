/* features.c - from a data set to features, on all ranks.
 * A rank owns consecutive pieces of every batch; what the ranks gather is the batch in its order.
 */
#include "eval/features.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "data/loader.h"
#include "data/shard.h"
#include "eval/probe.h"
#include "eval/transform.h"

enum { PREFETCH = 3 };

struct feature_stream {
	struct encoder e;
	struct feature_options o;
	int64_t step, steps;
	int width;
	int first, count, slots; /* this rank's slots of a batch: the first, how many are used, how
				    many are gathered */
	struct loader *loader;   /* NULL: this rank has no slots */
	void *input;             /* dev (ENCODER_PIECE, size, size, 3) */
	float *own, *all;        /* (slots, width), (size * slots, width) */
	int64_t *own_ids, *all_ids;
	int32_t *labels;
	/* the loader's thread alone */
	uint32_t *order; /* of the epoch; NULL: in order */
	int64_t epoch;
};

/* ---- which images ---- */

static void draw_order(struct feature_stream *s, int64_t epoch)
{
	struct rng r = rng_at(s->o.seed, RNG_PROBE, PROBE_ORDER, (uint32_t)epoch, 0);

	rng_permutation(&r, s->order, (uint32_t)s->o.set->count);
	s->epoch = epoch;
}

/* Image of a place in the stream.  A single pass's last batch is filled up with its last image. */
static uint64_t image_at(struct feature_stream *s, int64_t place)
{
	const struct subset *set = s->o.set;
	int64_t count = (int64_t)set->count;

	if (!s->order)
		return set->images[place < count ? place : count - 1];
	if (place / count != s->epoch)
		draw_order(s, place / count);
	return set->images[s->order[place % count]];
}

static void source_images(void *arg, uint64_t *ids, int64_t step, int first, int count)
{
	struct feature_stream *s = arg;

	for (int i = 0; i < count; i++)
		ids[i] = image_at(s, step * s->o.batch + first + i);
}

static uint64_t source_replacement(void *arg, int64_t step, uint64_t bad_image, uint32_t attempt)
{
	const struct feature_stream *s = arg;
	struct rng r =
		rng_at(s->o.seed, RNG_PROBE, PROBE_REPLACE, (uint32_t)step, (uint32_t)bad_image);

	for (uint32_t i = 0; i < attempt; i++)
		rng_word(&r);
	return s->o.set->images[rng_below(&r, (uint32_t)s->o.set->count)];
}

/* ---- which crop ---- */

static void transform(
	const struct feature_stream *s, struct view_params *p, const struct loader_place *place)
{
	int64_t count = (int64_t)s->o.set->count;

	if (s->order)
		transform_random(p, s->e.size, s->o.seed,
			(place->step * s->o.batch + place->slot) / count, place->id, place->width,
			place->height);
	else
		transform_centre(p, s->e.size, place->width, place->height);
}

static void source_window(void *arg, struct image_window *window, const struct loader_place *place)
{
	struct view_params p;

	transform(arg, &p, place);
	*window = (struct image_window){ p.x, p.y, p.w, p.h };
}

/* The crop of image i of b, of which there may be a part only. */
static void crop(
	const struct feature_stream *s, struct view_params *p, const struct batch *b, int i)
{
	struct loader_place place = { s->step, s->first + i, b->ids[i], 0, 0 };
	uint32_t record;
	const struct shard *shard = dataset_find(s->o.set->data, b->ids[i], &record);

	shard_size(shard, record, &place.width, &place.height);
	transform(s, p, &place);
	p->x -= b->images[i].x;
	p->y -= b->images[i].y;
}

/* ---- opening ---- */

/* A single pass: batches of equal pieces, so that the last one is nearly full. */
static void plan_pass(struct feature_stream *s)
{
	int64_t count = (int64_t)s->o.set->count, each;

	s->steps = (count + FEATURES_BATCH - 1) / FEATURES_BATCH;
	each = (count + s->steps - 1) / s->steps;
	s->o.batch = (int)((each + ENCODER_PIECE - 1) / ENCODER_PIECE) * ENCODER_PIECE;
	s->steps = (count + s->o.batch - 1) / s->o.batch;
}

static void plan_training(struct feature_stream *s)
{
	CHECK(s->o.batch > 0 && (uint64_t)s->o.batch <= s->o.set->count, "batch of %d", s->o.batch);
	s->steps = s->o.steps;
	s->order = xcalloc(s->o.set->count, sizeof *s->order);
	s->epoch = -1;
}

static void deal_slots(struct feature_stream *s)
{
	int ranks = s->e.comm->size, pieces = (s->o.batch + ENCODER_PIECE - 1) / ENCODER_PIECE;

	s->slots = (pieces + ranks - 1) / ranks * ENCODER_PIECE;
	s->first = s->e.comm->rank * s->slots;
	s->count = s->o.batch - s->first;
	s->count = s->count < 0 ? 0 : s->count > s->slots ? s->slots : s->count;
}

static void open_loader(struct feature_stream *s)
{
	const struct loader_source source = { source_images, source_replacement, s, source_window };
	const struct loader_options options = { .first = s->first,
		.count = s->count,
		.threads = s->e.threads,
		.prefetch = PREFETCH,
		.to = s->steps };

	if (s->count > 0)
		s->loader = loader_open(s->o.set->data, &source, &options);
}

struct feature_stream *features_open(const struct encoder *e, const struct feature_options *o)
{
	struct feature_stream *s = xcalloc(1, sizeof *s);
	size_t slots, ranks = (size_t)e->comm->size;

	CHECK(o->set->count > 0 && o->set->count <= UINT32_MAX, "%" PRIu64 " images",
		o->set->count);
	s->e = *e, s->o = *o;
	s->width = e->width;
	if (o->steps > 0)
		plan_training(s);
	else
		plan_pass(s);
	deal_slots(s);
	slots = (size_t)s->slots;
	s->input = e->dev->be->alloc(e->dev, encoder_input_bytes(e), "views");
	s->own = xcalloc(slots * (size_t)s->width, sizeof *s->own);
	s->all = xcalloc(ranks * slots * (size_t)s->width, sizeof *s->all);
	s->own_ids = xcalloc(slots, sizeof *s->own_ids);
	s->all_ids = xcalloc(ranks * slots, sizeof *s->all_ids);
	s->labels = xcalloc(ranks * slots, sizeof *s->labels);
	open_loader(s);
	return s;
}

void features_close(struct feature_stream *s)
{
	if (!s)
		return;
	if (s->loader)
		loader_close(s->loader);
	s->e.dev->be->free(s->e.dev, s->input);
	xfree(s->own);
	xfree(s->all);
	xfree(s->own_ids);
	xfree(s->all_ids);
	xfree(s->labels);
	xfree(s->order);
	xfree(s);
}

int64_t features_steps(const struct feature_stream *s)
{
	return s->steps;
}

/* ---- one batch ---- */

/* Images of the step's batch that count. */
static int batch_count(const struct feature_stream *s)
{
	int64_t left = (int64_t)s->o.set->count - s->step * s->o.batch;

	return !s->order && left < s->o.batch ? (int)left : s->o.batch;
}

/* Features of n images of b from `from` on. */
static void encode_piece(struct feature_stream *s, const struct batch *b, int from, int n)
{
	struct view_params params[ENCODER_PIECE];
	int slot = from / ENCODER_PIECE & 1;

	for (int i = 0; i < n; i++)
		crop(s, &params[i], b, from + i);
	s->e.dev->be->images(s->e.dev, slot, b->images + from, n);
	s->e.dev->be->views(s->e.dev, s->input, slot, params, 1, s->e.exact);
	infer_features(s->e.net, s->own + (size_t)from * (size_t)s->width, s->input, n);
}

/* This rank's part of the batch. */
static void encode_own(struct feature_stream *s)
{
	const struct batch *b = NULL;
	double waited;

	if (s->loader)
		b = loader_next(s->loader, &waited);
	CHECK(b || !s->loader, "the loader ended before step %" PRId64, s->step);
	for (int i = 0; b && i < b->count; i += ENCODER_PIECE)
		encode_piece(s, b, i, b->count - i < ENCODER_PIECE ? b->count - i : ENCODER_PIECE);
	for (int i = 0; b && i < b->count; i++)
		s->own_ids[i] = (int64_t)b->ids[i];
}

/* In a single pass an image that was replaced must not count as itself, nor its stand-in twice. */
static void set_labels(struct feature_stream *s, int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t id = (uint64_t)s->all_ids[i];
		int replaced = !s->order && id != image_at(s, s->step * s->o.batch + i);

		s->labels[i] = replaced ? -1 : dataset_label(s->o.set->data, id);
	}
}

static int check_finite(const struct feature_stream *s, int count, char err[ERR_MAX])
{
	for (size_t i = 0; i < (size_t)count * (size_t)s->width; i++)
		if (!isfinite(s->all[i]))
			return fail(err,
				"%s: the encoder's features of image %" PRId64
				" are not finite; use another checkpoint",
				s->o.set->data->path, s->all_ids[i / (size_t)s->width]);
	return 0;
}

/* A batch is soon made again: seconds and not minutes are at stake. */
static int check_stop(const struct feature_stream *s, char err[ERR_MAX])
{
	if (!s->e.stop || !stop_agree(s->e.stop, s->e.comm, 0))
		return 0;
	return fail(err, "stopped by %s; the same command begins again", stop_reason(s->e.stop));
}

int features_next(struct feature_stream *s, struct feature_batch *b, char err[ERR_MAX])
{
	if (s->step == s->steps)
		return 0;
	if (check_stop(s, err) != 0)
		return -1;
	encode_own(s);
	comm_gather_float(s->e.comm, s->all, s->own, (size_t)s->slots * (size_t)s->width);
	comm_gather_int64(s->e.comm, s->all_ids, s->own_ids, (size_t)s->slots);
	*b = (struct feature_batch){ .count = batch_count(s), .x = s->all, .labels = s->labels };
	set_labels(s, b->count);
	s->step++;
	return check_finite(s, b->count, err) == 0 ? 1 : -1;
}
