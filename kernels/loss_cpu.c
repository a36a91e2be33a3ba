/* loss_cpu.c - the objective and its gradient, an image at a time.
 * The arithmetic from logits to their gradient is in loss_math.h; here are the products with
 * embeddings before and after it.  What anchors give to others' small views (mode 3) is gathered at
 * the end, anchor by anchor in order, so that nothing depends on the number of threads. */
#include "base/clones.h"

#include "cpu.h"

#include <omp.h>
#include <string.h>

#include "loss_math.h"

enum { BLOCK = 64 /* floats of a row that a thread gathers at a time */ };

/* One call; the parts of the scratch memory. */
struct loss {
	const struct relic_batch *in;
	const struct relic_options *options;
	float *g;
	double *terms; /* (n, 2) */
	double *wq;    /* mode 3: (n, S, L, count) */
	double *work;  /* (threads, work_length) */
	size_t work_length, rows, rows_q;
	int views, count;
	double scale; /* 1 / (tau N pairs) */
};

CLONES static void add_row(double *restrict sum, double a, const float *restrict x, size_t d)
{
	for (size_t i = 0; i < d; i++)
		sum[i] += a * x[i];
}

/* Embedding of image row in view's part of a (views, images, d) array. */
static const float *embedding(const float *from, int view, int images, int row, int d)
{
	return from + ((size_t)view * (size_t)images + (size_t)row) * (size_t)d;
}

static const int32_t *candidates_of(const struct loss *l, int i)
{
	return l->in->candidates + (size_t)i * (size_t)l->count;
}

/* Likelihoods of P for anchor i. */
static void fill_p(const struct loss *l, const struct relic_rows *rows, int i)
{
	const struct relic_batch *in = l->in;
	const int32_t *candidates = candidates_of(l, i);
	double tau = l->options->temperature;

	for (int a = 0; a < l->views; a++)
		for (int b = 0; b < l->options->large; b++) {
			const float *o = embedding(in->o, a, in->n, i, in->d);
			double *logp = relic_p(rows, l->options, a, b).logp;

			for (int k = 0; k < l->count; k++)
				logp[k] = cpu_dot(o,
						  embedding(in->t, b, in->total, candidates[k],
							  in->d),
						  (size_t)in->d) /
					tau;
			relic_log_softmax(logp, l->count);
		}
}

/* Likelihoods of Q: the target embedding of anchor i against small views of the candidates. */
static void fill_q(const struct loss *l, const struct relic_rows *rows, int i)
{
	const struct relic_batch *in = l->in;
	const int32_t *candidates = candidates_of(l, i);
	double *logq = rows->logq, tau = l->options->temperature;

	for (int s = 0; s < l->options->small; s++)
		for (int b = 0; b < l->options->large; b++, logq += l->count) {
			const float *t = embedding(in->t, b, in->total, in->first + i, in->d);

			for (int k = 0; k < l->count; k++)
				logq[k] = cpu_dot(t,
						  embedding(in->o_small, s, in->total,
							  candidates[k], in->d),
						  (size_t)in->d) /
					tau;
			relic_log_softmax(logq, l->count);
		}
}

/* dLoss/do of anchor i in view a; sum: scratch [d] */
static void write_gradient(
	const struct loss *l, const struct relic_rows *rows, double *sum, int i, int a)
{
	const struct relic_batch *in = l->in;
	const int32_t *candidates = candidates_of(l, i);
	float *g = l->g + ((size_t)a * (size_t)in->n + (size_t)i) * (size_t)in->d;

	memset(sum, 0, (size_t)in->d * sizeof *sum);
	for (int b = 0; b < l->options->large; b++) {
		const double *w = relic_p(rows, l->options, a, b).w;

		for (int k = 0; k < l->count; k++)
			add_row(sum, w[k], embedding(in->t, b, in->total, candidates[k], in->d),
				(size_t)in->d);
	}
	for (int x = 0; x < in->d; x++)
		g[x] = (float)(l->scale * sum[x]);
}

static void do_image(const struct loss *l, double *work, int i)
{
	size_t q = l->rows_q;
	struct relic_rows rows = { .logp = work,
		.w = work + l->rows,
		.logq = q > 0 ? work + 2 * l->rows : NULL,
		.wq = q > 0 ? l->wq + (size_t)i * q : NULL,
		.mean = work + 2 * l->rows + q,
		.count = l->count };
	double *sum = rows.mean + l->count;

	fill_p(l, &rows, i);
	memset(rows.w, 0, l->rows * sizeof *rows.w);
	if (q > 0) {
		fill_q(l, &rows, i);
		memset(rows.wq, 0, q * sizeof *rows.wq);
	}
	l->terms[2 * i] = l->terms[2 * i + 1] = 0;
	relic_image(l->terms + 2 * i, &rows, l->options);
	for (int a = 0; a < l->views; a++)
		write_gradient(l, &rows, sum, i, a);
}

/* Columns [column, column + width) of what all anchors here give to small view s of everyone. */
static void gather_small(const struct loss *l, float *g_small, int s, size_t column, size_t width)
{
	const struct relic_batch *in = l->in;
	const int large = l->options->large;
	const size_t d = (size_t)in->d, pair = (size_t)large * (size_t)l->count;

	for (int i = 0; i < in->n; i++) {
		const int32_t *candidates = candidates_of(l, i);
		const double *w = l->wq + (size_t)i * l->rows_q + (size_t)s * pair;

		for (int k = 0; k < l->count; k++) {
			float *g = g_small +
				((size_t)s * (size_t)in->total + (size_t)candidates[k]) * d +
				column;
			double sum[BLOCK] = { 0 };

			for (int b = 0; b < large; b++)
				add_row(sum, w[b * l->count + k],
					embedding(in->t, b, in->total, in->first + i, in->d) +
						column,
					width);
			for (size_t x = 0; x < width; x++)
				g[x] += (float)(l->scale * sum[x]);
		}
	}
}

static void scatter_small(struct cpu *cpu, const struct loss *l, float *g_small)
{
	const size_t d = (size_t)l->in->d, small = (size_t)l->options->small;
	const size_t blocks = (d + BLOCK - 1) / BLOCK;

	memset(g_small, 0, small * (size_t)l->in->total * d * sizeof *g_small);
#pragma omp parallel for num_threads(cpu->threads) schedule(static)
	for (size_t i = 0; i < small * blocks; i++) {
		size_t column = i % blocks * BLOCK;

		gather_small(l, g_small, (int)(i / blocks), column,
			d - column < BLOCK ? d - column : BLOCK);
	}
}

static void check_batch(const struct relic_batch *in, const struct relic_options *o)
{
	size_t count = (size_t)in->n * (size_t)(1 + o->negatives);

	CHECK(relic_pairs(o) > 0, "a loss of %d large and %d small views has no pairs", o->large,
		o->small);
	CHECK(o->small_mode != 4 || o->small == 0 || o->large > 1,
		"small views cannot learn from other large views (mode 4) when there is only one");
	for (size_t i = 0; i < count; i++)
		CHECK(in->candidates[i] >= 0 && in->candidates[i] < in->total,
			"candidate %d of a batch of %d", (int)in->candidates[i], in->total);
}

/* Lay the parts out in the scratch memory. */
static void set_work(struct cpu *cpu, struct loss *l)
{
	size_t pair = (size_t)l->options->large * (size_t)l->count, n = (size_t)l->in->n;
	size_t threads = (size_t)cpu->threads;

	l->rows = (size_t)l->views * pair;
	l->rows_q = l->options->small_mode == 3 ? (size_t)l->options->small * pair : 0;
	/* a cache line more, so that threads do not share one */
	l->work_length = 2 * l->rows + l->rows_q + (size_t)l->count + (size_t)l->in->d + 8;
	l->terms = cpu_scratch(
		cpu, (2 * n + n * l->rows_q + threads * l->work_length) * sizeof(double));
	l->wq = l->terms + 2 * n;
	l->work = l->wq + n * l->rows_q;
}

void relic_loss_cpu(struct device *dev, float *g, float *g_small, double *terms,
	const struct relic_batch *batch, const struct relic_options *options)
{
	struct cpu *cpu = cpu_of(dev);
	double share = 1.0 / ((double)batch->total * relic_pairs(options));
	struct loss l = { .in = batch,
		.options = options,
		.g = g,
		.views = options->large + options->small,
		.count = 1 + options->negatives,
		.scale = share / options->temperature };

	check_batch(batch, options);
	set_work(cpu, &l);
#pragma omp parallel for num_threads(cpu->threads) schedule(static)
	for (int i = 0; i < batch->n; i++)
		do_image(&l, l.work + (size_t)omp_get_thread_num() * l.work_length, i);
	if (l.rows_q > 0)
		scatter_small(cpu, &l, g_small);
	terms[0] = terms[1] = 0;
	for (int i = 0; i < batch->n; i++) {
		terms[0] += share * l.terms[2 * i];
		terms[1] += share * l.terms[2 * i + 1];
	}
}
