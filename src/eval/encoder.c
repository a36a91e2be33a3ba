/* encoder.c - where the values of a frozen encoder come from. */
#include "eval/encoder.h"

#include "base/memory.h"
#include "train/checkpoint.h"
#include "train/weights.h"

static int load_checkpoint(struct encoder *e, const struct encoder_options *o, char err[ERR_MAX])
{
	const struct params *p = infer_params(e->net);
	const struct stats *s = infer_stats(e->net);
	struct checkpoint c;
	int rc;

	checkpoint_init(&c, p, s);
	rc = checkpoint_read(o->path, &c, p, s, err);
	if (rc == 0) {
		infer_load(e->net, o->target ? c.target : c.params,
			o->target ? c.target_stats : c.stats, c.stats_updates);
		e->step = c.step;
		e->calibrated = c.stats_updates > 0;
	}
	checkpoint_free(&c);
	return rc;
}

/* What a safetensors file does not hold keeps its random initial value; features depend on the
 * encoder alone. */
static int load_values(struct encoder *e, const struct encoder_options *o, const struct config *c,
	char err[ERR_MAX])
{
	const struct params *p = infer_params(e->net);
	const struct stats *s = infer_stats(e->net);
	float *values = xcalloc(p->length, sizeof *values),
	      *stats = xcalloc(s->length, sizeof *stats);
	int64_t updates = 0;
	int rc = 0;

	params_init(p, values, (uint64_t)c->train.seed, RNG_INIT);
	if (o->source == ENCODER_FILE)
		rc = weights_load_encoder(o->path, c, p, s, values, stats, &updates, err);
	if (rc == 0)
		infer_load(e->net, values, stats, updates);
	e->calibrated = updates > 0;
	xfree(values);
	xfree(stats);
	return rc;
}

int encoder_open(struct encoder *e, const struct encoder_options *o, const struct config *c,
	struct comm *comm, struct device *dev, char err[ERR_MAX])
{
	int rc;

	*e = (struct encoder){ .comm = comm,
		.dev = dev,
		.size = o->size,
		.threads = c->data.threads,
		.exact = c->views.exact };
	e->net = infer_open(dev, c, ENCODER_PIECE, o->size);
	e->width = infer_width(e->net);
	rc = o->source == ENCODER_CHECKPOINT ? load_checkpoint(e, o, err)
					     : load_values(e, o, c, err);
	rc = comm_agree(comm, rc, err);
	if (rc != 0)
		encoder_close(e);
	return rc;
}

void encoder_close(struct encoder *e)
{
	infer_close(e->net);
	e->net = NULL;
}

size_t encoder_input_bytes(const struct encoder *e)
{
	return (size_t)ENCODER_PIECE * (size_t)e->size * (size_t)e->size * 3 * e->dev->element;
}
