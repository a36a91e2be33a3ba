/* weights_names.c - names and layouts, ours and torchvision's. */
#include "train/weights_names.h"

#include <stdio.h>
#include <string.h>

const char *weights_stem(const struct config *c)
{
	return c->model.stem == STEM_SMALL ? "small" : "imagenet";
}

const char *weights_padding(const struct config *c)
{
	return c->model.padding == PADDING_SAME ? "same" : "symmetric";
}

static const struct {
	const char *prefix;
	enum weights_part part;
} parts_table[] = {
	{ "encoder.", WEIGHTS_ENCODER },
	{ "projector.", WEIGHTS_PROJECTOR },
	{ "predictor.", WEIGHTS_PREDICTOR },
};

enum { PARTS = sizeof parts_table / sizeof *parts_table };

static int starts(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

int weights_part_of(const char *name)
{
	for (int i = 0; i < PARTS; i++)
		if (starts(name, parts_table[i].prefix))
			return parts_table[i].part;
	return 0;
}

const char *weights_outer_name(const char *name)
{
	return starts(name, "encoder.") ? name + strlen("encoder.") : name;
}

static const char *const statistic[WEIGHTS_STATISTICS] = { [WEIGHTS_MEAN] = ".running_mean",
	[WEIGHTS_VARIANCE] = ".running_var",
	[WEIGHTS_BATCHES] = ".num_batches_tracked" };

const char *weights_statistic_name(
	char name[WEIGHTS_NAME_BYTES], const struct norm_stat *s, enum weights_statistic which)
{
	snprintf(name, WEIGHTS_NAME_BYTES, "%s%s", weights_outer_name(s->name), statistic[which]);
	return name;
}

/* ---- layouts ---- */

void weights_outer_shape(int64_t shape[4], const struct param *p)
{
	for (int i = 0; i < p->dims; i++)
		shape[i] = p->shape[i];
	if (p->dims == 4) {
		shape[1] = p->shape[3];
		shape[2] = p->shape[1];
		shape[3] = p->shape[2];
	}
}

/* (n, rows, columns) -> (n, columns, rows) */
static void transpose(float *out, const float *in, size_t n, size_t rows, size_t columns)
{
	for (size_t k = 0; k < n; k++, in += rows * columns, out += rows * columns)
		for (size_t i = 0; i < rows; i++)
			for (size_t j = 0; j < columns; j++)
				out[j * rows + i] = in[i * columns + j];
}

void weights_copy_out(float *out, const float *in, const struct param *p)
{
	if (p->dims == 4)
		transpose(out, in, (size_t)p->shape[0], (size_t)(p->shape[1] * p->shape[2]),
			(size_t)p->shape[3]);
	else
		memcpy(out, in, p->count * sizeof *out);
}

void weights_copy_in(float *out, const float *in, const struct param *p)
{
	if (p->dims == 4)
		transpose(out, in, (size_t)p->shape[0], (size_t)p->shape[3],
			(size_t)(p->shape[1] * p->shape[2]));
	else
		memcpy(out, in, p->count * sizeof *out);
}
