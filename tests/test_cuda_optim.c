/* The optimiser's kernels over flat tables of all kinds: tensors of one float next to ones that
 * many blocks share, many in one block's share, gaps, buffers that are not aligned. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>
#include <string.h>

#include "cuda_arrays.h"
#include "kernel.h"

enum { SPANS_MAX = 600, NORMS = 3 };

struct flat {
	struct param_span spans[SPANS_MAX];
	int count;
	size_t length; /* floats */
};

static void add(struct flat *f, size_t gap, size_t floats)
{
	struct param_span *s = &f->spans[f->count];

	assert_true(f->count < SPANS_MAX);
	s->offset = f->length + gap;
	s->count = floats;
	s->plain = f->count % 3 == 1;
	f->length += gap + floats;
	f->count++;
}

static void one_float(struct flat *f)
{
	add(f, 0, 1);
}

/* All meet in packs of four floats. */
static void tiny(struct flat *f)
{
	static const size_t floats[] = { 1, 3, 17, 2, 5, 1, 1, 64, 33, 4 };

	for (int i = 0; i < SPANS_MAX; i++)
		add(f, 0, floats[i % 10]);
}

/* As the network has them: each begins at a multiple of 16 floats. */
static void mixed(struct flat *f)
{
	static const size_t floats[] = { 9408, 64, 64, 4096, 3, 300000, 17, 64, 65537, 1 };

	for (int i = 0; i < 10; i++)
		add(f, (16 - f->length % 16) % 16, floats[i]);
}

static void huge(struct flat *f)
{
	add(f, 0, 5);
	add(f, 0, 2000003);
	add(f, 0, 7);
}

/* Nothing for many blocks, or for none but one. */
static void gaps(struct flat *f)
{
	add(f, 100001, 3);
	add(f, 0, 1);
	add(f, 200000, 4096);
	add(f, 50001, 4097);
}

/* Tensors that end where a block's share does. */
static void whole_shares(struct flat *f)
{
	add(f, 0, 4096);
	add(f, 0, 8192);
	add(f, 0, 4095);
	add(f, 0, 1);
}

static void (*const tables[])(struct flat *) = { one_float, tiny, mixed, huge, gaps, whole_shares };

enum { TABLES = sizeof tables / sizeof *tables };

static const struct lars_step step = {
	.lr = 0.25f, .momentum = 0.9f, .eta = 1e-3f, .weight_decay = 0.5f
};

struct arrays {
	float *p, *g, *m;
	const struct param_span *spans;
	double *norms;
};

static struct arrays arrays_of(
	struct device *dev, const struct flat *f, const float *p, const float *g, int shift)
{
	struct arrays a = { .p = put_floats(dev, p, f->length, shift),
		.g = put_floats(dev, g, f->length, shift),
		.m = put_floats(dev, g, f->length, shift) };
	double nothing[SPANS_MAX * NORMS] = { 0 };

	a.spans = put_bytes(dev, f->spans, (size_t)f->count * sizeof *f->spans, 0);
	a.norms = put_bytes(dev, nothing, (size_t)f->count * NORMS * sizeof *nothing, 0);
	return a;
}

static double *norms_of(struct device *dev, const struct flat *f, const struct arrays *a)
{
	long launches = dev->counts.launches;

	dev->be->param_norms(dev, a->norms, a->p, a->g, a->spans, f->count, step.weight_decay);
	assert_true(dev->counts.launches - launches <= 2);
	return get_bytes(dev, a->norms, (size_t)f->count * NORMS * sizeof *a->norms);
}

/* Integers and a half: the sums are exact in any order. */
static void norms_are_exact(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);

	(void)state;
	for (int i = 0; i < 2 * TABLES; i++) {
		struct flat *f = buffer_bytes(sizeof *f);
		double *want = doubles(SPANS_MAX * NORMS);
		float *p, *g;
		struct arrays a;

		memset(f, 0, sizeof *f);
		tables[i / 2](f);
		p = buffer_integers(f->length, 1, 50), g = buffer_integers(f->length, 2, 50);
		for (int s = 0; s < f->count; s++)
			for (size_t k = 0; k < f->spans[s].count; k++) {
				double pk = p[f->spans[s].offset + k];
				double gk = g[f->spans[s].offset + k];
				double decayed = gk + (f->spans[s].plain ? 0 : 0.5 * pk);

				want[NORMS * s] += pk * pk;
				want[NORMS * s + 1] += decayed * decayed;
				want[NORMS * s + 2] += gk * gk;
			}
		a = arrays_of(dev, f, p, g, i % 2);
		check_same("norms", norms_of(dev, f, &a), want,
			(size_t)f->count * NORMS * sizeof *want);
		arrays_free(dev);
	}
	dev->be->close(dev);
}

/* The same arithmetic in the same precision as the CPU's: the same bits, and nothing between the
 * tensors is touched.  Norms in the other order of threads are the same bits too. */
static void steps_are_the_cpus(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	const struct device_options options = { .threads = 1 };
	char err[ERR_MAX];

	(void)state;
	for (int i = 0; i < 2 * TABLES; i++) {
		struct device *cpu = backend_cpu.open(&options, err);
		struct flat *f = buffer_bytes(sizeof *f);
		float *p, *g, *m;
		double *norms;
		struct arrays a;
		size_t bytes;
		long launches;

		memset(f, 0, sizeof *f);
		tables[i / 2](f);
		bytes = f->length * sizeof *p;
		p = buffer_random(f->length, 1), g = buffer_random(f->length, 2);
		m = buffer_copy(g, f->length);
		a = arrays_of(dev, f, p, g, i % 2);
		norms = norms_of(dev, f, &a);
		if (turn_order()) {
			check_same("norms in the other order", norms_of(dev, f, &a), norms,
				(size_t)f->count * NORMS * sizeof *norms);
			turn_order();
		}
		launches = dev->counts.launches;
		dev->be->lars(dev, a.p, a.m, a.g, a.norms, a.spans, f->count, &step);
		assert_int_equal(dev->counts.launches - launches, 1);
		backend_cpu.lars(cpu, p, m, g, norms, f->spans, f->count, &step);
		check_same("p", get_floats(dev, a.p, f->length), p, bytes);
		check_same("m", get_floats(dev, a.m, f->length), m, bytes);
		dev->be->ema(dev, a.m, a.p, 0.99f, f->length);
		backend_cpu.ema(cpu, m, p, 0.99f, f->length);
		check_same("ema", get_floats(dev, a.m, f->length), m, bytes);
		cpu->be->close(cpu);
		arrays_free(dev);
	}
	dev->be->close(dev);
}

static void no_tensors(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);

	(void)state;
	dev->be->param_norms(dev, NULL, NULL, NULL, NULL, 0, 0.5f);
	dev->be->lars(dev, NULL, NULL, NULL, NULL, NULL, 0, &step);
	dev->be->ema(dev, NULL, NULL, 0.5f, 0);
	assert_int_equal(dev->counts.launches, 0);
	dev->be->close(dev);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(norms_are_exact),
	cmocka_unit_test(steps_are_the_cpus),
	cmocka_unit_test(no_tensors),
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
