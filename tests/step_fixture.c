#include "step_fixture.h"

#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernel.h"

enum { BATCH = 16, SIDE = 80 };

static struct comm *comm;

int step_setup(void **state)
{
	char err[ERR_MAX];

	(void)state;
	comm = comm_open(NULL, err);
	return comm ? 0 : -1;
}

int step_teardown(void **state)
{
	comm_close(comm);
	return test_cleanup(state);
}

void small_config(struct config *c, const char *arch)
{
	config_default(c);
	xfree(c->model.arch);
	c->model.arch = xstrdup(arch);
	c->model.width = 0.25, c->model.hidden = 24, c->model.out = 12;
	c->views.large = 2, c->views.small = 1, c->views.large_size = 65, c->views.small_size = 49;
	c->views.small_area_min = 0.2, c->views.small_area_max = 0.5;
	c->train.batch = BATCH, c->loss.negatives = 5;
}

struct batch make_batch(int step)
{
	struct batch b = { .step = step, .count = BATCH };

	b.images = xcalloc(BATCH, sizeof *b.images);
	b.ids = xcalloc(BATCH, sizeof *b.ids);
	for (int i = 0; i < BATCH; i++) {
		struct rng r = rng_at(9, RNG_DEMO, (uint32_t)i, 0, 0);
		uint8_t *rgb = xmalloc(SIDE * SIDE * 3);

		/* Smooth pictures, different from each other, with a little noise. */
		for (int p = 0; p < SIDE * SIDE; p++)
			for (int k = 0; k < 3; k++)
				rgb[3 * p + k] = (uint8_t)(128 +
					100 * sin(0.05 * (i + 1) * (p % SIDE) + k) *
						cos(0.07 * (8 - i) * (p / SIDE)) +
					20 * rng_uniform(&r));
		b.images[i] = (struct image){ .width = SIDE, .height = SIDE, .rgb = rgb };
		b.ids[i] = (uint64_t)i;
	}
	return b;
}

void free_batch(struct batch *b)
{
	for (int i = 0; i < BATCH; i++)
		xfree(b->images[i].rgb);
	xfree(b->images);
	xfree(b->ids);
}

void open_step(struct step *s, const struct config *c)
{
	struct device *dev =
		c->convolution == CONVOLUTION_DIRECT ? device_open_direct(1) : device_open_bare(1);

	dev->be->connect(dev, comm);
	step_open(s, c, comm, dev);
	state_init(&s->state, c);
}

float *fetched(const struct step *s, const float *buffer)
{
	size_t bytes = s->state.params->length * sizeof(float);
	float *host = xmalloc(bytes);

	s->dev->be->download(s->dev, host, buffer, bytes);
	return host;
}

void set_values(struct step *s, const float *host)
{
	s->dev->be->upload(s->dev, s->state.values, host, s->state.params->length * sizeof(float));
}

void open_blocks(struct step *s)
{
	const struct params *p = s->state.params;
	float *values = fetched(s, s->state.values);

	for (int i = 0; i < p->count; i++)
		if (p->table[i].init == INIT_ZERO && strstr(p->table[i].name, ".weight"))
			for (size_t j = 0; j < p->table[i].count; j++)
				values[p->table[i].offset + j] = 0.2f;
	set_values(s, values);
	xfree(values);
}

void close_step(struct step *s)
{
	struct device *dev = s->dev;

	step_close(s);
	dev->be->close(dev);
}
