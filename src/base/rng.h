#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* Random numbers that are functions of place, not of when they are drawn: Philox4x32-10 (Salmon et
 * al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).  Key: (seed, purpose).  Counter:
 * four words that name the place, by convention (epoch or step, image, view, draw).  Integer
 * arithmetic only, so CPU and GPU draw the same numbers. */

/* What a number is drawn for; each purpose is a stream of its own. Never renumber: checkpoints and
 * tests depend on the values. */
enum rng_purpose {
	RNG_ORDER = 1,      /* shards and records within a lane */
	RNG_VIEW = 2,       /* augmentation of one view */
	RNG_NEGATIVES = 3,  /* candidates of one anchor */
	RNG_INIT = 4,       /* weights */
	RNG_REPLACE = 5,    /* the draw that stands in for an unreadable record */
	RNG_PROBE = 6,      /* evaluation: crops, order and initial classifier */
	RNG_DEMO = 7,       /* demo data */
	RNG_TARGET_INIT = 8 /* weights of a target network that starts apart from the online one */
};

/* The key of a stream: the low half of seed, and its high half xor purpose. */
void rng_key(uint32_t key[2], uint64_t seed, enum rng_purpose purpose);

/* One block of four random words at counter c of the stream (seed, purpose). */
void rng_block(uint32_t out[4], uint64_t seed, enum rng_purpose purpose, const uint32_t c[4]);

/* The raw generator, for its published test vectors. */
void philox4x32_10(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* A place in a stream from which several numbers are drawn in a row: draw number d is word d % 4 of
 * the block at counter (a, b, c, d / 4). */
struct rng {
	uint64_t seed;
	enum rng_purpose purpose;
	uint32_t a, b, c, drawn;
	uint32_t block[4];
};

/* The first draw of a place. */
struct rng rng_at(uint64_t seed, enum rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c);
uint32_t rng_word(struct rng *r);
float rng_uniform(struct rng *r);                     /* in [0, 1), a multiple of 2^-24 */
float rng_between(struct rng *r, float lo, float hi); /* lo + (hi - lo) * rng_uniform */
uint32_t rng_below(struct rng *r, uint32_t n);        /* in 0..n-1, unbiased (Lemire 2019); n > 0 */

/* Standard normal, by Box and Muller from two words; the same bits on every machine. */
double rng_normal(struct rng *r);
/* What n calls of rng_normal give, bit for bit, in a quarter of the time. */
void rng_normals(double *z, int n, struct rng *r);

/* Set p to a random permutation of 0..n-1 (Fisher and Yates). */
void rng_permutation(struct rng *r, uint32_t *p, uint32_t n);

#endif
