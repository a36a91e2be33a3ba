#include "base/rng.h"

#include "base/philox.h"

void philox4x32_10(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
	uint32_t k[2] = { key[0], key[1] };

	for (int i = 0; i < 4; i++)
		out[i] = counter[i];
	for (int round = 0; round < PHILOX_ROUNDS; round++) {
		philox_round(&out[0], &out[1], &out[2], &out[3], k);
		philox_next_key(k);
	}
}

void rng_key(uint32_t key[2], uint64_t seed, enum rng_purpose purpose)
{
	key[0] = (uint32_t)seed;
	key[1] = (uint32_t)(seed >> 32) ^ (uint32_t)purpose;
}

void rng_block(uint32_t out[4], uint64_t seed, enum rng_purpose purpose, const uint32_t c[4])
{
	uint32_t key[2];

	rng_key(key, seed, purpose);
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

void rng_permutation(struct rng *r, uint32_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = rng_below(r, i + 1);

		p[i] = p[j];
		p[j] = i;
	}
}
