#include "base/rng.h"

#include <math.h>

static void philox_round(uint32_t c[4], const uint32_t key[2])
{
	uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
	uint32_t c1 = c[1], c3 = c[3];

	c[0] = (uint32_t)(p1 >> 32) ^ c1 ^ key[0];
	c[1] = (uint32_t)p1;
	c[2] = (uint32_t)(p0 >> 32) ^ c3 ^ key[1];
	c[3] = (uint32_t)p0;
}

void philox4x32_10(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
	uint32_t k[2] = { key[0], key[1] };

	for (int i = 0; i < 4; i++)
		out[i] = counter[i];
	for (int round = 0; round < 10; round++) {
		philox_round(out, k);
		k[0] += 0x9E3779B9u; /* golden ratio */
		k[1] += 0xBB67AE85u; /* sqrt(3) - 1 */
	}
}

void rng_block(uint32_t out[4], uint64_t seed, enum rng_purpose purpose, const uint32_t c[4])
{
	const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) ^ (uint32_t)purpose };

	philox4x32_10(out, c, key);
}

struct rng rng_at(uint64_t seed, enum rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c)
{
	return (struct rng){ .seed = seed, .purpose = purpose, .a = a, .b = b, .c = c };
}

uint32_t rng_word(struct rng *r)
{
	uint32_t word = r->drawn % 4;

	if (word == 0) {
		const uint32_t counter[4] = { r->a, r->b, r->c, r->drawn / 4 };

		rng_block(r->block, r->seed, r->purpose, counter);
	}
	r->drawn++;
	return r->block[word];
}

float rng_uniform(struct rng *r)
{
	return (float)(rng_word(r) >> 8) * 0x1p-24f;
}

float rng_between(struct rng *r, float lo, float hi)
{
	return lo + (hi - lo) * rng_uniform(r);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint64_t m = (uint64_t)rng_word(r) * n;

	if ((uint32_t)m < n) {
		uint32_t threshold =
			-n % n; /* 2^32 mod n: below it a value would be drawn too often */

		while ((uint32_t)m < threshold)
			m = (uint64_t)rng_word(r) * n;
	}
	return (uint32_t)(m >> 32);
}

double rng_normal(struct rng *r)
{
	double u = (rng_word(r) + 1.0) * 0x1p-32, v = rng_word(r) * 0x1p-32;

	return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

void rng_permutation(struct rng *r, uint32_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = rng_below(r, i + 1);

		p[i] = p[j];
		p[j] = i;
	}
}
