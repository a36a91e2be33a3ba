/* ref_relic.c - the loss of spec 2.3 from its definition.  Where the definition stops the gradient
 * the distribution is made from the fixed copy, so the gradient of what is returned, by
 * differences, is the gradient that is meant. */
#include <math.h>
#include <string.h>

#include "ref.h"

enum { CANDIDATES_MAX = 64 };

struct views {
	const struct ref_relic *in;
	const struct relic_options *o;
	int i; /* anchor */
};

void ref_likelihood(double *p, const double *anchor, const double *pool, int i,
	const struct ref_relic *in, const struct relic_options *options)
{
	int count = 1 + options->negatives;
	double sum = 0;

	for (int k = 0; k < count; k++) {
		const double *candidate = pool + in->candidates[i * count + k] * in->d;
		double dot = 0;

		for (int x = 0; x < in->d; x++)
			dot += anchor[x] * candidate[x];
		p[k] = exp(dot / options->temperature);
		sum += p[k];
	}
	for (int k = 0; k < count; k++)
		p[k] /= sum;
}

/* P_{a|b} of the anchor, from the online predictions given */
static void p_of(double *p, const struct views *v, const double *online, int a, int b)
{
	const struct ref_relic *in = v->in;

	ref_likelihood(
		p, online + (a * in->n + v->i) * in->d, in->t + b * in->n * in->d, v->i, in, v->o);
}

/* Q: target view b against small view a */
static void q_of(double *q, const struct views *v, const double *online, int a, int b)
{
	const struct ref_relic *in = v->in;

	ref_likelihood(
		q, in->t + (b * in->n + v->i) * in->d, online + a * in->n * in->d, v->i, in, v->o);
}

static void mean_of(double *p, const struct views *v, const double *online, int b)
{
	double one[CANDIDATES_MAX];

	memset(p, 0, sizeof one);
	for (int a = 0; a < v->o->large; a++) {
		p_of(one, v, online, a, b);
		for (int k = 0; k <= v->o->negatives && a != b; k++)
			p[k] += one[k] / (v->o->large - 1);
	}
}

/* Teacher and student of pair (a, b), made from online; 0 when the pair has no invariance term. */
static int teach(
	double *teacher, double *student, const struct views *v, const double *online, int a, int b)
{
	int mode = a < v->o->large ? -1 : v->o->small_mode;

	if (mode == 0)
		return 0;
	if (mode == -1)
		p_of(teacher, v, online, b, a);
	else if (mode == 1)
		p_of(teacher, v, online, b, b);
	else if (mode == 4)
		mean_of(teacher, v, online, b);
	else
		p_of(teacher, v, online, a, b);
	if (mode == 2)
		p_of(student, v, online, b, b);
	else if (mode == 3)
		q_of(student, v, online, a, b);
	else
		p_of(student, v, online, a, b);
	return 1;
}

/* sum of weight (log first - log second) */
static double divergence(
	const double *weight, const double *first, const double *second, const struct views *v)
{
	double sum = 0;

	for (int k = 0; k <= v->o->negatives; k++)
		sum += weight[k] * (log(first[k]) - log(second[k]));
	return sum;
}

static double invariance(const struct views *v, const double *online, int a, int b)
{
	double one[CANDIDATES_MAX], live[2][CANDIDATES_MAX], fixed[2][CANDIDATES_MAX];
	int first = v->o->reverse; /* which of (teacher, student) the divergence starts from */
	double cross = 0;

	if (!teach(live[0], live[1], v, online, a, b))
		return 0;
	teach(fixed[0], fixed[1], v, v->in->fixed, a, b);
	if (!v->o->entropy_stop && !v->o->reverse)
		return divergence(fixed[0], fixed[0], live[1], v);
	if (!v->o->entropy_stop)
		return divergence(live[1], live[1], fixed[0], v);
	/* sum of first log first, held, less sum of first log second */
	for (int k = 0; k < CANDIDATES_MAX; k++)
		one[k] = 1;
	cross = divergence(fixed[first], fixed[first], one, v);
	return cross + divergence(live[first], one, live[!first], v);
}

double ref_relic_loss(double terms[2], const double *o, const struct ref_relic *in,
	const struct relic_options *options)
{
	double p[CANDIDATES_MAX];
	int pairs = 0;

	terms[0] = terms[1] = 0;
	for (int a = 0; a < options->large + options->small; a++)
		for (int b = 0; b < options->large; b++) {
			if (a == b && !options->diagonal)
				continue;
			pairs++;
			for (int i = 0; i < in->n; i++) {
				const struct views v = { in, options, i };

				p_of(p, &v, o, a, b);
				terms[0] -= log(p[0]);
				terms[1] += invariance(&v, o, a, b);
			}
		}
	for (int t = 0; t < 2; t++)
		terms[t] /= (double)in->n * pairs;
	return options->contrast * terms[0] + options->invariance * terms[1];
}
