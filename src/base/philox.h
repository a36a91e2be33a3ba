#ifndef BASE_PHILOX_H
#define BASE_PHILOX_H

#include <stdint.h>

/* The rounds of Philox4x32-10, for loops over many counters; all else goes through rng.h. */

enum { PHILOX_ROUNDS = 10 };

static inline void philox_round(
	uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, const uint32_t key[2])
{
	uint64_t p0 = (uint64_t)0xD2511F53u * *c0, p1 = (uint64_t)0xCD9E8D57u * *c2;

	*c0 = (uint32_t)(p1 >> 32) ^ *c1 ^ key[0];
	*c1 = (uint32_t)p1;
	*c2 = (uint32_t)(p0 >> 32) ^ *c3 ^ key[1];
	*c3 = (uint32_t)p0;
}

static inline void philox_next_key(uint32_t key[2])
{
	key[0] += 0x9E3779B9u; /* golden ratio */
	key[1] += 0xBB67AE85u; /* sqrt(3) - 1 */
}

#endif
