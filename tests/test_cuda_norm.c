/* Batch norm's kernels, with what tests/test_kernels_norm.c leaves out: bfloat16 elements against
 * double, arrays that are not aligned (no packs of 16 bytes), both orders of threads. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>
#include <string.h>

#include "cuda_arrays.h"
#include "kernel.h"

static const struct shape {
	int groups;
	size_t rows;
	int channels;
} shapes[] = { { 1, 1, 1 }, { 2, 37, 64 }, { 1, 5, 33 }, { 3, 70, 24 }, { 1, 700, 8 },
	{ 2, 9, 520 }, { 1, 65, 17 } };

enum { SHAPES = sizeof shapes / sizeof *shapes, VARIANTS = 4 };

/* Rows enough for many partial sums, in packs and without. */
static const struct shape long_shapes[] = { { 1, 4000, 264 }, { 1, 9000, 17 }, { 1, 16000, 17 } };

/* Elements of bfloat16 have 8 bits: the nearest is within 2^-8. */
static double rounding_of(const struct device *dev)
{
	return dev->precision == PRECISION_BF16 ? 1.0 / 256 : 0;
}

struct layer {
	size_t n, width, stats;
	float *x, *residual, *dy, *mean, *rstd, *gamma, *beta;
};

static struct layer layer_of(struct device *dev, const struct shape *s)
{
	struct layer l = { .n = (size_t)s->groups * s->rows * (size_t)s->channels,
		.width = (size_t)s->channels,
		.stats = (size_t)(s->groups * s->channels) };

	l.x = elements_random(dev, l.n, 1), l.residual = elements_random(dev, l.n, 2);
	l.dy = elements_random(dev, l.n, 3);
	l.mean = buffer_random(l.stats, 4), l.rstd = buffer_random(l.stats, 5);
	l.gamma = buffer_random(l.width, 6), l.beta = buffer_random(l.width, 7);
	return l;
}

/* Which of the statistics belongs to an element. */
static size_t stat_of(const struct shape *s, size_t i)
{
	return i / ((size_t)s->channels * s->rows) * (size_t)s->channels + i % (size_t)s->channels;
}

/* where: 0: y apart, 1: over x, 2: over the residual; shift: of all arrays */
static float *apply(struct device *dev, const struct shape *s, const struct layer *l, int variant,
	int where, int shift)
{
	float *nothing = buffer(l->n);
	void *x = put(dev, l->x, l->n, shift);
	void *residual = variant & 2 ? put(dev, l->residual, l->n, shift) : NULL;
	void *y = where == 1 ? x : where == 2 ? residual : put(dev, nothing, l->n, shift);

	dev->be->norm_apply(dev,
		&(struct norm_output){ .y = y,
			.x = x,
			.residual = residual,
			.mean = put_floats(dev, l->mean, l->stats, 0),
			.rstd = put_floats(dev, l->rstd, l->stats, 0),
			.gamma = put_floats(dev, l->gamma, l->width, shift),
			.beta = put_floats(dev, l->beta, l->width, 0),
			.relu = variant & 1,
			.groups = s->groups,
			.channels = s->channels,
			.rows = s->rows });
	return get(dev, y, l->n);
}

/* Five operations of a float, each within eps of magnitudes that are below the scale. */
static void check_applied(struct device *dev, const struct shape *s, const struct layer *l,
	int variant, const float *y)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t k = stat_of(s, i), c = i % l->width;
		double normal = ((double)l->x[i] - l->mean[k]) * l->rstd[k] * l->gamma[c];
		double add = variant & 2 ? l->residual[i] : 0;
		double want = normal + l->beta[c] + add;
		double slack = 5.1 * EPS * (fabs(normal) + fabs((double)l->beta[c]) + fabs(add));

		want = variant & 1 && want < 0 ? 0 : want;
		assert_close(y[i], want, slack + rounding_of(dev) * (fabs(want) + slack));
	}
}

static void applied_on(struct device *dev)
{
	for (int i = 0; i < SHAPES * VARIANTS; i++) {
		const struct shape *s = &shapes[i / VARIANTS];
		struct layer l = layer_of(dev, s);
		int variant = i % VARIANTS;
		float *y = apply(dev, s, &l, variant, 0, 0);
		size_t bytes = l.n * sizeof *y;

		check_applied(dev, s, &l, variant, y);
		check_same("over x", apply(dev, s, &l, variant, 1, 0), y, bytes);
		if (variant & 2)
			check_same("over the residual", apply(dev, s, &l, variant, 2, 0), y, bytes);
		check_same("not aligned", apply(dev, s, &l, variant, 0, 1), y, bytes);
		arrays_free(dev);
	}
}

struct gradients {
	float *dx, *dresidual;
};

enum place { APART, OVER_DY, OVER_X };

/* place: where dx goes; but for APART dresidual goes over dy, and dx then over x. */
static struct gradients backward(struct device *dev, const struct shape *s, const struct layer *l,
	const double *sums, int variant, enum place place, int shift)
{
	float *nothing = buffer(l->n);
	void *x = put(dev, l->x, l->n, shift), *dy = put(dev, l->dy, l->n, shift);
	void *y = variant & 1 ? put(dev, l->residual, l->n, shift) : NULL;
	void *dresidual = NULL, *dx = put(dev, nothing, l->n, shift);
	struct gradients g = { NULL, NULL };

	if (place != APART)
		dx = variant & 2 || place == OVER_X ? x : dy;
	if (variant & 2)
		dresidual = place != APART ? dy : put(dev, nothing, l->n, shift);
	dev->be->norm_backward(dev,
		&(struct norm_input_gradient){ .dx = dx,
			.dresidual = dresidual,
			.dy = dy,
			.y = y,
			.x = x,
			.mean = put_floats(dev, l->mean, l->stats, 0),
			.rstd = put_floats(dev, l->rstd, l->stats, 0),
			.gamma = put_floats(dev, l->gamma, l->width, 0),
			.sums = put_bytes(dev, sums, 2 * l->stats * sizeof *sums, 0),
			.count = (double)s->rows,
			.groups = s->groups,
			.channels = s->channels,
			.rows = s->rows });
	g.dx = get(dev, dx, l->n);
	g.dresidual = dresidual ? get(dev, dresidual, l->n) : NULL;
	return g;
}

/* dx: eight roundings; dresidual is one of dy's values. */
static void check_gradients(struct device *dev, const struct shape *s, const struct layer *l,
	const double *sums, int variant, const struct gradients *g)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t k = stat_of(s, i), c = i % l->width, at = 2 * (k - c) + c;
		double e = variant & 1 && !(l->residual[i] > 0) ? 0 : l->dy[i];
		double m0 = sums[at] / (double)s->rows, m1 = sums[at + l->width] / (double)s->rows;
		double along = ((double)l->x[i] - l->mean[k]) * l->rstd[k] * m1;
		double factor = (double)l->gamma[c] * l->rstd[k], want = factor * (e - m0 - along);
		double slack = 8.1 * EPS * fabs(factor) * (fabs(e) + fabs(m0) + fabs(along));

		assert_close(g->dx[i], want, slack + rounding_of(dev) * (fabs(want) + slack));
		if (g->dresidual)
			assert_true(g->dresidual[i] == e);
	}
}

static void same_gradients(const char *what, const struct layer *l, const struct gradients *a,
	const struct gradients *b)
{
	check_same(what, a->dx, b->dx, l->n * sizeof(float));
	if (a->dresidual)
		check_same(what, a->dresidual, b->dresidual, l->n * sizeof(float));
}

static void backwards_on(struct device *dev)
{
	for (int i = 0; i < SHAPES * VARIANTS; i++) {
		const struct shape *s = &shapes[i / VARIANTS];
		struct layer l = layer_of(dev, s);
		int variant = i % VARIANTS;
		double *sums = doubles_of(buffer_random(2 * l.stats, 8), 2 * l.stats);
		struct gradients plain = backward(dev, s, &l, sums, variant, APART, 0), again;

		check_gradients(dev, s, &l, sums, variant, &plain);
		again = backward(dev, s, &l, sums, variant, OVER_DY, 0);
		same_gradients("over dy", &l, &again, &plain);
		again = backward(dev, s, &l, sums, variant, OVER_X, 0);
		same_gradients("over x", &l, &again, &plain);
		again = backward(dev, s, &l, sums, variant, APART, 1);
		same_gradients("not aligned", &l, &again, &plain);
		arrays_free(dev);
	}
}

/* All three sums of columns; out (groups, 2, channels), (groups, 2, channels), (channels) of floats
 * as doubles. */
static double *all_sums(
	struct device *dev, const struct shape *s, const struct layer *l, int masked, int shift)
{
	size_t length = 2 * l->stats;
	double *out = doubles(2 * length + l->width);
	double *sums = put_bytes(dev, out, length * sizeof *out, 0);
	double *back = put_bytes(dev, out, length * sizeof *out, 0);
	float *db = put_floats(dev, l->beta, l->width, 0), *db_host;
	void *x = put(dev, l->x, l->n, shift), *dy = put(dev, l->dy, l->n, shift);
	void *y = masked ? put(dev, l->residual, l->n, shift) : NULL;
	long launches = dev->counts.launches;

	dev->be->norm_sums(dev, sums, x, s->groups, s->rows, s->channels);
	dev->be->norm_backward_sums(dev, back, dy, y, x, put_floats(dev, l->mean, l->stats, 0),
		put_floats(dev, l->rstd, l->stats, 0), s->groups, s->rows, s->channels);
	dev->be->bias_gradient(dev, db, dy, s->rows * (size_t)s->groups, s->channels);
	assert_int_equal(dev->counts.launches - launches, 6);
	memcpy(out, get_bytes(dev, sums, length * sizeof *out), length * sizeof *out);
	memcpy(out + length, get_bytes(dev, back, length * sizeof *out), length * sizeof *out);
	db_host = get_floats(dev, db, l->width);
	for (size_t c = 0; c < l->width; c++)
		out[2 * length + c] = db_host[c];
	return out;
}

/* Small integers, and rstd one half, so that floats and doubles are exact in any order. */
static void make_exact(struct layer *l)
{
	l->x = buffer_integers(l->n, 1, 15), l->dy = buffer_integers(l->n, 2, 15);
	l->residual = buffer_integers(l->n, 3, 1);
	l->mean = buffer_integers(l->stats, 4, 7), l->beta = buffer_integers(l->width, 5, 7);
	for (size_t k = 0; k < l->stats; k++)
		l->rstd[k] = 0.5;
}

static double *exact_sums(const struct shape *s, const struct layer *l, int masked)
{
	size_t length = 2 * l->stats;
	double *want = doubles(2 * length + l->width);

	for (size_t c = 0; c < l->width; c++)
		want[2 * length + c] = l->beta[c];
	for (size_t i = 0; i < l->n; i++) {
		size_t k = stat_of(s, i), c = i % l->width, at = 2 * (k - c) + c;
		double x = l->x[i], e = masked && !(l->residual[i] > 0) ? 0 : l->dy[i];

		want[at] += x;
		want[at + l->width] += x * x;
		want[length + at] += e;
		want[length + at + l->width] += e * (x - l->mean[k]) / 2;
		want[2 * length + c] += l->dy[i];
	}
	return want;
}

static void check_sums(struct device *dev, const struct shape *s, int masked)
{
	struct layer l = layer_of(dev, s);
	size_t bytes = (4 * l.stats + l.width) * sizeof(double);
	double *first = all_sums(dev, s, &l, masked, 0), *want;

	if (turn_order()) {
		check_same("other order", all_sums(dev, s, &l, masked, 0), first, bytes);
		turn_order();
	}
	make_exact(&l);
	want = exact_sums(s, &l, masked);
	check_same("sums", all_sums(dev, s, &l, masked, 0), want, bytes);
	check_same("not aligned", all_sums(dev, s, &l, masked, 1), want, bytes);
	arrays_free(dev);
}

/* The double has few multiprocessors: so few parts that adding them would hardly be tried. */
static void sums_on(struct device *dev)
{
	cuda_of(dev)->multiprocessors = 16;
	for (int i = 0; i < 2 * SHAPES; i++)
		check_sums(dev, &shapes[i / 2], i % 2);
	for (int i = 0; i < 3; i++)
		check_sums(dev, &long_shapes[i], 1);
}

static void applied(void **state)
{
	(void)state;
	on_both_elements(applied_on);
}

static void backwards(void **state)
{
	(void)state;
	on_both_elements(backwards_on);
}

static void sums(void **state)
{
	(void)state;
	on_both_elements(sums_on);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(applied),
	cmocka_unit_test(backwards),
	cmocka_unit_test(sums),
};
TEST_MAIN(cases)

#else

#include <stdio.h>

int main(void)
{
	printf("1..0 # SKIP no CUDA back end here\n");
	return 0;
}

#endif
