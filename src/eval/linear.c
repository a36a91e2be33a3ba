/* linear.c - linear classifiers on frozen features.
 * The bias is one more column of the weights, met by a feature that is always 1, and the
 * classifiers of all rates lie one after another: so the scores of all are one matrix product, and
 * so is the gradient, which the product adds to the momentum in the same go.  The softmax between
 * them runs on the host. */
#include "eval/linear.h"

#include <math.h>
#include <string.h>

#include "base/die.h"
#include "base/memory.h"
#include "nn/params.h"

static const float MOMENTUM = 0.9f;

struct linear {
	struct device *dev;
	int width, classes, rates, batch;
	double lr[LINEAR_RATES_MAX];
	float *weights, *momentum; /* dev (rates, classes, width + 1) */
	float *x;                  /* dev (batch, width + 1) */
	float *scores;             /* dev (batch, rates, classes) */
	float *host_x, *host_scores;
	double *losses; /* (batch, rates) */
};

static size_t classifier_floats(const struct linear *l)
{
	return (size_t)l->classes * (size_t)(l->width + 1);
}

/* Every classifier starts from the same weights, so that rates differ in nothing else. */
static void set_initial(struct linear *l, uint64_t seed)
{
	const int shape[2] = { l->classes, l->width };
	struct params table = { 0 };
	float *dense, *padded = xcalloc(classifier_floats(l), sizeof *padded);

	params_add(&table, "classifier.weight", 2, shape, 0, INIT_TRUNCATED_NORMAL);
	dense = xcalloc(table.length, sizeof *dense);
	params_init(&table, dense, seed, RNG_PROBE);
	for (int c = 0; c < l->classes; c++)
		memcpy(padded + (size_t)c * (size_t)(l->width + 1),
			dense + (size_t)c * (size_t)l->width, (size_t)l->width * sizeof *dense);
	for (int k = 0; k < l->rates; k++)
		linear_set(l, k, padded);
	xfree(padded);
	xfree(dense);
	params_free(&table);
}

static float *alloc(struct device *dev, size_t floats)
{
	return dev->be->alloc(dev, floats * sizeof(float), "classifiers");
}

struct linear *linear_open(struct device *dev, const struct linear_options *o)
{
	struct linear *l = xcalloc(1, sizeof *l);
	size_t x_floats, score_floats;

	CHECK(o->rates >= 1 && o->rates <= LINEAR_RATES_MAX, "%d learning rates", o->rates);
	CHECK(o->width > 0 && o->classes > 0 && o->batch > 0,
		"%d features, %d classes, batch of %d", o->width, o->classes, o->batch);
	l->dev = dev;
	l->width = o->width, l->classes = o->classes, l->rates = o->rates, l->batch = o->batch;
	memcpy(l->lr, o->lr, (size_t)o->rates * sizeof *o->lr);
	x_floats = (size_t)l->batch * (size_t)(l->width + 1);
	score_floats = (size_t)l->batch * (size_t)l->rates * (size_t)l->classes;
	l->weights = alloc(dev, (size_t)l->rates * classifier_floats(l));
	l->momentum = alloc(dev, (size_t)l->rates * classifier_floats(l));
	l->x = alloc(dev, x_floats);
	l->scores = alloc(dev, score_floats);
	l->host_x = xmalloc(x_floats * sizeof(float));
	l->host_scores = xmalloc(score_floats * sizeof(float));
	l->losses = xcalloc((size_t)l->batch * (size_t)l->rates, sizeof *l->losses);
	set_initial(l, o->seed);
	return l;
}

void linear_close(struct linear *l)
{
	if (!l)
		return;
	l->dev->be->free(l->dev, l->weights);
	l->dev->be->free(l->dev, l->momentum);
	l->dev->be->free(l->dev, l->x);
	l->dev->be->free(l->dev, l->scores);
	xfree(l->host_x);
	xfree(l->host_scores);
	xfree(l->losses);
	xfree(l);
}

/* dev scores of n rows of x. */
static void score(struct linear *l, const float *x, int n)
{
	const struct backend *be = l->dev->be;
	size_t width = (size_t)l->width, columns = width + 1;

	CHECK(n > 0 && n <= l->batch, "%d rows for a batch of %d", n, l->batch);
	for (size_t i = 0; i < (size_t)n; i++) {
		memcpy(l->host_x + i * columns, x + i * width, width * sizeof *x);
		l->host_x[i * columns + width] = 1;
	}
	be->upload(l->dev, l->x, l->host_x, (size_t)n * columns * sizeof *x);
	be->gemm(l->dev, l->scores, l->x, l->weights, n, l->rates * l->classes, l->width + 1, 0, 1,
		0);
}

/* Turn the scores s (classes) of one image into scale times the gradient of its cross-entropy,
 * which is returned. */
static double cross_entropy(float *s, int classes, int label, float scale)
{
	float top = s[0], own = s[label];
	double sum = 0;

	for (int c = 1; c < classes; c++)
		top = fmaxf(top, s[c]);
	for (int c = 0; c < classes; c++) {
		s[c] = expf(s[c] - top);
		sum += (double)s[c];
	}
	for (int c = 0; c < classes; c++)
		s[c] *= scale * (float)(1 / sum);
	s[label] -= scale;
	return log(sum) + (double)top - (double)own;
}

/* Host scores become gradients; the losses are summed in the order of rows, so threads do not
 * matter. */
static void all_cross_entropies(struct linear *l, double *loss, const int32_t *labels, int n)
{
	int rates = l->rates, classes = l->classes;

#pragma omp parallel for schedule(static)
	for (int i = 0; i < n * rates; i++)
		l->losses[i] = cross_entropy(l->host_scores + (size_t)i * (size_t)classes, classes,
			labels[i / rates], 1 / (float)n);
	for (int k = 0; k < rates; k++) {
		double sum = 0;

		for (int i = 0; i < n; i++)
			sum += l->losses[i * rates + k];
		loss[k] = sum / n;
	}
}

/* With g = m' - 0.9 m, the step -lr (g + 0.9 m') is lr 0.9 m - lr 1.9 m': no buffer for g is
 * needed. */
static void descend(struct linear *l, int n, double share)
{
	const struct backend *be = l->dev->be;
	size_t floats = classifier_floats(l);

	for (int k = 0; k < l->rates; k++)
		be->axpy(l->dev, l->weights + (size_t)k * floats,
			(float)(l->lr[k] * share) * MOMENTUM, l->momentum + (size_t)k * floats,
			floats);
	be->gemm(l->dev, l->momentum, l->scores, l->x, l->rates * l->classes, l->width + 1, n, 1, 0,
		MOMENTUM);
	for (int k = 0; k < l->rates; k++)
		be->axpy(l->dev, l->weights + (size_t)k * floats,
			-(float)(l->lr[k] * share) * (1 + MOMENTUM),
			l->momentum + (size_t)k * floats, floats);
}

void linear_step(
	struct linear *l, double *loss, const float *x, const int32_t *labels, int n, double share)
{
	size_t bytes = (size_t)n * (size_t)l->rates * (size_t)l->classes * sizeof(float);

	for (int i = 0; i < n; i++)
		CHECK(labels[i] >= 0 && labels[i] < l->classes, "label %d of %d classes",
			(int)labels[i], l->classes);
	score(l, x, n);
	l->dev->be->download(l->dev, l->host_scores, l->scores, bytes);
	all_cross_entropies(l, loss, labels, n);
	l->dev->be->upload(l->dev, l->scores, l->host_scores, bytes);
	descend(l, n, share);
}

void linear_scores(struct linear *l, float *scores, const float *x, int n)
{
	score(l, x, n);
	l->dev->be->download(l->dev, scores, l->scores,
		(size_t)n * (size_t)l->rates * (size_t)l->classes * sizeof *scores);
}

int linear_place(const float *scores, int classes, int label)
{
	int place = 0;

	for (int c = 0; c < classes; c++)
		place += scores[c] > scores[label] || (scores[c] == scores[label] && c < label) ||
			(isnan(scores[label]) && c != label);
	return place;
}

void linear_get(struct linear *l, int rate, float *weights)
{
	size_t floats = classifier_floats(l);

	l->dev->be->download(
		l->dev, weights, l->weights + (size_t)rate * floats, floats * sizeof *weights);
}

void linear_set(struct linear *l, int rate, const float *weights)
{
	size_t floats = classifier_floats(l);

	l->dev->be->upload(
		l->dev, l->weights + (size_t)rate * floats, weights, floats * sizeof *weights);
}
