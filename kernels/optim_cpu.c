/* optim_cpu.c - LARS and the moving average, over the flat parameter table.
 * A span is cut into pieces of fixed length: norms are added piece by piece in order, so that they
 * do not depend on the number of threads. */
#include "base/clones.h"

#include "cpu.h"

#include "optim_math.h"

enum { PIECE = 16384 /* floats */, NORMS = 3 };

static size_t pieces_of(size_t count)
{
	return (count + PIECE - 1) / PIECE;
}

static size_t piece_length(size_t count, size_t piece)
{
	return count - piece * PIECE < PIECE ? count - piece * PIECE : PIECE;
}

/* Sums of squares of interleaved strands, so that the loop is a vector's. */
CLONES static void sum_squares(double norms[NORMS], const float *restrict p,
	const float *restrict g, size_t n, float decay)
{
	enum { STRANDS = 16 };
	double sum[NORMS][STRANDS] = { { 0 } };
	size_t i = 0;

	for (; i + STRANDS <= n; i += STRANDS)
		for (size_t k = 0; k < STRANDS; k++) {
			double a = p[i + k], b = g[i + k];
			double decayed = lars_gradient(g[i + k], p[i + k], decay);

			sum[0][k] += a * a;
			sum[1][k] += decayed * decayed;
			sum[2][k] += b * b;
		}
	for (; i < n; i++) {
		double decayed = lars_gradient(g[i], p[i], decay);

		sum[0][i % STRANDS] += (double)p[i] * p[i];
		sum[1][i % STRANDS] += decayed * decayed;
		sum[2][i % STRANDS] += (double)g[i] * g[i];
	}
	for (int s = 0; s < NORMS; s++) {
		norms[s] = 0;
		for (int k = 0; k < STRANDS; k++)
			norms[s] += sum[s][k];
	}
}

static void add_pieces(double *norms, const double *parts, size_t pieces)
{
	for (int s = 0; s < NORMS; s++) {
		norms[s] = 0;
		for (size_t i = 0; i < pieces; i++)
			norms[s] += parts[i * NORMS + (size_t)s];
	}
}

void param_norms_cpu(struct device *dev, double *norms, const float *p, const float *g,
	const struct param_span *spans, int count, float weight_decay)
{
	struct cpu *cpu = cpu_of(dev);
	size_t total = 0;
	double *parts;

	for (int i = 0; i < count; i++)
		total += pieces_of(spans[i].count);
	parts = cpu_scratch(cpu, total * NORMS * sizeof(double));
#pragma omp parallel num_threads(cpu->threads)
	{
		double *mine = parts;

		for (int i = 0; i < count; mine += pieces_of(spans[i].count) * NORMS, i++) {
			const struct param_span *s = &spans[i];
			float decay = s->plain ? 0 : weight_decay;

#pragma omp for schedule(static) nowait
			for (size_t k = 0; k < pieces_of(s->count); k++)
				sum_squares(mine + k * NORMS, p + s->offset + k * PIECE,
					g + s->offset + k * PIECE, piece_length(s->count, k),
					decay);
		}
	}
	for (int i = 0; i < count; parts += pieces_of(spans[i].count) * NORMS, i++)
		add_pieces(norms + (size_t)i * NORMS, parts, pieces_of(spans[i].count));
}

CLONES static void lars_piece(float *restrict p, float *restrict m, const float *restrict g,
	size_t n, const struct lars_step *step, float ratio, float decay)
{
	float momentum = step->momentum, lr = step->lr;

	for (size_t i = 0; i < n; i++) {
		m[i] = lars_momentum(m[i], lars_gradient(g[i], p[i], decay), ratio, momentum);
		p[i] -= lr * m[i];
	}
}

void lars_cpu(struct device *dev, float *p, float *m, const float *g, const double *norms,
	const struct param_span *spans, int count, const struct lars_step *step)
{
	struct cpu *cpu = cpu_of(dev);

#pragma omp parallel num_threads(cpu->threads)
	for (int i = 0; i < count; i++) {
		const struct param_span *s = &spans[i];
		const double *norm = norms + (size_t)i * NORMS;
		float decay = s->plain ? 0 : step->weight_decay;
		float ratio = s->plain ? 1 : lars_ratio(norm[0], norm[1], step->eta);

#pragma omp for schedule(static) nowait
		for (size_t k = 0; k < pieces_of(s->count); k++) {
			size_t at = s->offset + k * PIECE;

			lars_piece(p + at, m + at, g + at, piece_length(s->count, k), step, ratio,
				decay);
		}
	}
}

CLONES static void ema_piece(float *restrict target, const float *restrict p, float decay, size_t n)
{
	for (size_t i = 0; i < n; i++)
		target[i] = ema_value(target[i], p[i], decay);
}

void ema_cpu(struct device *dev, float *target, const float *p, float decay, size_t n)
{
	struct cpu *cpu = cpu_of(dev);

#pragma omp parallel for num_threads(cpu->threads) if (n > 2 * PIECE)
	for (size_t i = 0; i < n; i += PIECE)
		ema_piece(target + i, p + i, decay, n - i < PIECE ? n - i : PIECE);
}
