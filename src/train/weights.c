/* weights.c - our parameters under the names and in the layouts that others use. */
#include "train/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/weights_names.h"
#include "autoconfig.h"

static void add_param(struct safetensors *f, const struct weights *w, const struct param *p)
{
	int64_t shape[4];

	weights_outer_shape(shape, p);
	weights_copy_out(
		safetensors_add(f, weights_outer_name(p->name), SAFETENSORS_F32, p->dims, shape),
		w->params + p->offset, p);
}

static void add_statistics(
	struct safetensors *f, const struct weights *w, const struct norm_stat *s)
{
	const double debias = w->updates > 0 ? 1 - pow(w->decay, (double)w->updates) : 1;
	const int64_t shape = s->channels;
	char name[WEIGHTS_NAME_BYTES];

	for (int which = WEIGHTS_MEAN; which <= WEIGHTS_VARIANCE; which++) {
		const float *from = w->stats + s->offset + which * s->channels;
		float *to = safetensors_add(
			f, weights_statistic_name(name, s, which), SAFETENSORS_F32, 1, &shape);

		for (int i = 0; i < s->channels; i++)
			to[i] = w->updates > 0 ? (float)(from[i] / debias)
					       : (float)(which == WEIGHTS_VARIANCE);
	}
	*(int64_t *)safetensors_add(f, weights_statistic_name(name, s, WEIGHTS_BATCHES),
		SAFETENSORS_I64, 0, NULL) = w->updates;
}

void weights_add(struct safetensors *f, const struct weights *w, int parts)
{
	for (int i = 0; i < w->p->count; i++)
		if (weights_part_of(w->p->table[i].name) & parts)
			add_param(f, w, &w->p->table[i]);
	for (int i = 0; i < w->s->count; i++)
		if (weights_part_of(w->s->table[i].name) & parts)
			add_statistics(f, w, &w->s->table[i]);
}

void weights_describe(struct safetensors *f, const struct config *c)
{
	char width[32];

	snprintf(width, sizeof width, "%.9g", c->model.width);
	/* what PyTorch's own readers expect of a file of theirs */
	safetensors_add_metadata(f, "format", "pt");
	safetensors_add_metadata(f, "program", PACKAGE_STRING);
	safetensors_add_metadata(f, "arch", c->model.arch);
	safetensors_add_metadata(f, "width", width);
	safetensors_add_metadata(f, "stem", weights_stem(c));
	safetensors_add_metadata(f, "padding", weights_padding(c));
}
