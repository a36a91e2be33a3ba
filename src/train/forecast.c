#include "train/forecast.h"

#include "base/memory.h"
#include "comm/comm.h"
#include "train/step.h"

/* Images without pixels: only their sizes are looked at. */
static struct batch make_batch(const struct forecast_options *o, int n)
{
	struct batch b = { .count = n };

	b.images = xcalloc((size_t)n, sizeof *b.images);
	b.ids = xcalloc((size_t)n, sizeof *b.ids);
	for (int i = 0; i < n; i++)
		b.images[i] = (struct image){ .width = o->image_width, .height = o->image_height };
	return b;
}

struct tally *forecast(const struct config *c, const struct forecast_options *o, char err[ERR_MAX])
{
	struct comm comm = { .size = o->ranks, .local_size = 1 };
	struct tally *t = tally_open(o->card, c->precision, (size_t)c->workspace_mib << 20, err);
	struct batch batch;
	struct step s;

	if (!t)
		return NULL;
	t->device.be->connect(&t->device, &comm);
	step_open(&s, c, &comm, &t->device);
	batch = make_batch(o, s.n);
	for (int64_t k = 0; k < 2; k++) {
		const struct plan plan = { .step = k, .ema = 1 };
		struct step_result result;

		tally_restart(t);
		step_run(&s, &batch, &plan, &result);
	}
	step_close(&s);
	xfree(batch.images);
	xfree(batch.ids);
	t->device.comm = NULL;
	return t;
}

static int fits(const struct config *c, const struct forecast_options *o, double bytes, int n)
{
	char err[ERR_MAX];
	struct config here;
	struct tally *t;
	int yes;

	config_copy(&here, c);
	here.train.batch = n * o->ranks;
	t = here.train.batch > 1 ? forecast(&here, o, err) : NULL;
	yes = here.train.batch <= 1 || (t && (double)tally_bytes(t) <= bytes);
	tally_close(t);
	config_free(&here);
	return yes;
}

int forecast_largest(const struct config *c, const struct forecast_options *o, double bytes)
{
	enum { MOST = 1 << 16 };
	int low = 0, high = 1;

	while (high <= MOST / o->ranks && fits(c, o, bytes, high)) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		int middle = low + (high - low) / 2;

		if (fits(c, o, bytes, middle))
			low = middle;
		else
			high = middle;
	}
	return low;
}
