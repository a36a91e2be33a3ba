/* rng_normal.c - normal deviates, many at a time.
 * Logarithm and sine are series of our own: those of the C library have other last bits on other
 * processors and in other versions, and work on one number at a time. */
#include "base/clones.h"

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "base/rng.h"

/* Of 2^-32 <= x <= 1.  x = 2^k m, with m from sqrt(1/2) to sqrt(2):
 * k log 2 + 2 artanh s, with s = (m - 1) / (m + 1), |s| < 0.172; its series up to s^21. */
static inline double log_of(double x)
{
	const uint64_t root_half = 0x3FE6A09E667F3BCD, bias = 64; /* k + bias is positive */
	uint64_t bits, k;
	double m, s, s2, sum;

	memcpy(&bits, &x, sizeof bits);
	k = (bits - root_half + (bias << 52)) >> 52;
	bits = bits - (k << 52) + (bias << 52);
	memcpy(&m, &bits, sizeof m);
	s = (m - 1) / (m + 1);
	s2 = s * s;
	sum = 1.0 / 21;
	sum = sum * s2 + 1.0 / 19;
	sum = sum * s2 + 1.0 / 17;
	sum = sum * s2 + 1.0 / 15;
	sum = sum * s2 + 1.0 / 13;
	sum = sum * s2 + 1.0 / 11;
	sum = sum * s2 + 1.0 / 9;
	sum = sum * s2 + 1.0 / 7;
	sum = sum * s2 + 1.0 / 5;
	sum = sum * s2 + 1.0 / 3;
	return (int32_t)(k - bias) * 0.69314718055994530942 + 2 * (s + s * s2 * sum);
}

/* cos(2 pi v) = sin(2 pi (|v - 1/2| - 1/4)) for 0 <= v < 1, by Taylor's series up to x^21, |x| <=
 * pi / 2. */
static inline double cos_of_turn(double v)
{
	double x = 6.28318530717958647693 * (fabs(v - 0.5) - 0.25), x2 = x * x, sum;

	sum = 1 / 51090942171709440000.0;
	sum = sum * x2 - 1 / 121645100408832000.0;
	sum = sum * x2 + 1 / 355687428096000.0;
	sum = sum * x2 - 1 / 1307674368000.0;
	sum = sum * x2 + 1 / 6227020800.0;
	sum = sum * x2 - 1 / 39916800.0;
	sum = sum * x2 + 1 / 362880.0;
	sum = sum * x2 - 1 / 5040.0;
	sum = sum * x2 + 1 / 120.0;
	sum = sum * x2 - 1 / 6.0;
	return x + x * x2 * sum;
}

/* Box and Muller, with a of (0, 1] and b of [0, 1) in steps of 2^-32. */
static inline double normal_of(uint32_t a, uint32_t b)
{
	return sqrt(-2 * log_of((a + 1.0) * 0x1p-32)) * cos_of_turn(b * 0x1p-32);
}

double rng_normal(struct rng *r)
{
	uint32_t a = rng_word(r), b = rng_word(r);

	return normal_of(a, b);
}

enum { LANES = 32 }; /* blocks at a time */

/* Word w of the blocks at counters (a, b, c, first...first + LANES - 1) in words[w]. */
static inline void draw_blocks(uint32_t words[4][LANES], const struct rng *r, uint32_t first)
{
	uint32_t key[2];

	rng_key(key, r->seed, r->purpose);
	for (uint32_t i = 0; i < LANES; i++) {
		words[0][i] = r->a;
		words[1][i] = r->b;
		words[2][i] = r->c;
		words[3][i] = first + i;
	}
	for (int round = 0; round < PHILOX_ROUNDS; round++) {
#pragma omp simd
		for (int i = 0; i < LANES; i++)
			philox_round(&words[0][i], &words[1][i], &words[2][i], &words[3][i], key);
		philox_next_key(key);
	}
}

CLONES static void draw_lanes(double z[2 * LANES], const struct rng *r)
{
	uint32_t words[4][LANES];

	draw_blocks(words, r, r->drawn / 4);
	for (int i = 0; i < LANES; i++) {
		z[2 * i] = normal_of(words[0][i], words[1][i]);
		z[2 * i + 1] = normal_of(words[2][i], words[3][i]);
	}
}

void rng_normals(double *z, int n, struct rng *r)
{
	while (n > 0) {
		int drawn = 1;

		if (n >= 2 * LANES && r->drawn % 4 == 0) {
			drawn = 2 * LANES;
			draw_lanes(z, r);
			r->drawn += 4 * LANES;
		} else {
			*z = rng_normal(r);
		}
		z += drawn;
		n -= drawn;
	}
}
