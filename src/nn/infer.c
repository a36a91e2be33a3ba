#include "nn/infer.h"

#include <math.h>
#include <string.h>

#include "base/die.h"
#include "base/memory.h"
#include "comm/comm.h"
#include "nn/model.h"

struct infer {
	struct device *dev;
	struct config config;
	struct model model;
	struct encoder_run run;
	int batch, size;
	float *values, *frozen; /* dev */
	void *weights;  /* dev: the values as elements; values themselves where these are floats */
	void *features; /* dev: (batch, features), elements */
	float *float_features; /* dev: the same as floats */
	float *running;        /* dev; host copy below; only while calibrating */
	float *host_running;
	int64_t updates;
};

struct infer *infer_open(struct device *dev, const struct config *c, int batch, int size)
{
	const struct pass pass = { .kind = PASS_FROZEN,
		.dev = dev,
		.groups = 1,
		.n = batch,
		.total = batch,
		.size = size,
		.label = "activations" };
	struct infer *f = xcalloc(1, sizeof *f);
	size_t features;

	f->dev = dev;
	config_copy(&f->config, c);
	model_init(&f->model, c);
	f->batch = batch;
	f->size = size;
	features = (size_t)batch * (size_t)f->model.encoder.features;
	encoder_run_open(&f->run, &f->model, c, &pass, NULL);
	f->values = dev->be->alloc(dev, f->model.params.length * sizeof(float), "parameters");
	f->weights = dev->element == sizeof(float)
		? f->values
		: dev->be->alloc(dev, f->model.params.length * dev->element, "parameters");
	f->frozen = dev->be->alloc(dev, f->model.stats.length * sizeof(float), "parameters");
	f->running = dev->be->alloc(dev, f->model.stats.length * sizeof(float), "parameters");
	f->features = dev->be->alloc(dev, features * dev->element, "activations");
	f->float_features = dev->be->alloc(dev, features * sizeof(float), "activations");
	f->host_running = xcalloc(f->model.stats.length, sizeof(float));
	return f;
}

void infer_close(struct infer *f)
{
	if (!f)
		return;
	encoder_run_close(&f->run);
	if (f->weights != f->values)
		f->dev->be->free(f->dev, f->weights);
	f->dev->be->free(f->dev, f->values);
	f->dev->be->free(f->dev, f->features);
	f->dev->be->free(f->dev, f->float_features);
	f->dev->be->free(f->dev, f->frozen);
	f->dev->be->free(f->dev, f->running);
	xfree(f->host_running);
	model_free(&f->model);
	config_free(&f->config);
	xfree(f);
}

const struct params *infer_params(const struct infer *f)
{
	return &f->model.params;
}

const struct stats *infer_stats(const struct infer *f)
{
	return &f->model.stats;
}

int infer_width(const struct infer *f)
{
	return f->model.encoder.features;
}

/* From hidden averages to (mean, 1 / deviation). */
static void freeze(struct infer *f)
{
	const struct stats *s = &f->model.stats;
	double debias = 1 - pow(f->config.model.norm_decay, (double)f->updates);
	float *frozen = xcalloc(s->length, sizeof *frozen);

	for (int i = 0; i < s->count; i++) {
		size_t c = (size_t)s->table[i].channels;
		const float *hidden = f->host_running + s->table[i].offset;
		float *to = frozen + s->table[i].offset;

		for (size_t j = 0; j < c; j++) {
			to[j] = (float)(hidden[j] / debias);
			to[c + j] = (float)(1 /
				sqrt(hidden[c + j] / debias + f->config.model.norm_eps));
		}
	}
	f->dev->be->upload(f->dev, f->frozen, frozen, s->length * sizeof *frozen);
	xfree(frozen);
}

void infer_load(struct infer *f, const float *params, const float *stats, int64_t updates)
{
	f->dev->be->upload(f->dev, f->values, params, f->model.params.length * sizeof *params);
	if (f->weights != f->values)
		f->dev->be->from_float(f->dev, f->weights, f->values, f->model.params.length);
	memcpy(f->host_running, stats, f->model.stats.length * sizeof *stats);
	f->updates = updates;
	if (updates > 0)
		freeze(f);
}

void infer_calibrate(struct infer *f, const void *x)
{
	const struct pass pass = { .kind = PASS_TARGET,
		.dev = f->dev,
		.groups = 1,
		.counted = 1,
		.n = f->batch,
		.total = f->batch * f->dev->comm->size,
		.size = f->size,
		.label = "activations" };
	size_t bytes = f->model.stats.length * sizeof(float);
	struct encoder_run run;

	encoder_run_open(&run, &f->model, &f->config, &pass, (void *)x);
	run.pass.values = f->values;
	run.pass.weights = f->weights;
	run.pass.running = f->running;
	f->dev->be->upload(f->dev, f->running, f->host_running, bytes);
	encoder_run_forward(&run, f->features);
	f->dev->be->download(f->dev, f->host_running, f->running, bytes);
	encoder_run_close(&run);
	f->updates++;
	freeze(f);
}

void infer_features(struct infer *f, float *features, const void *x, int n)
{
	size_t pixels = (size_t)f->size * (size_t)f->size * 3;
	size_t floats = (size_t)n * (size_t)f->model.encoder.features;

	CHECK(f->updates > 0, "the running statistics were never set");
	CHECK(n <= f->batch, "%d images in a batch of %d", n, f->batch);
	f->dev->be->copy(f->dev, f->run.input, x, (size_t)n * pixels * f->dev->element);
	f->run.pass.values = f->values;
	f->run.pass.weights = f->weights;
	f->run.pass.frozen = f->frozen;
	encoder_run_forward(&f->run, f->features);
	f->dev->be->to_float(f->dev, f->float_features, f->features, floats);
	f->dev->be->download(f->dev, features, f->float_features, floats * sizeof *features);
}
