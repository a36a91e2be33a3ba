#ifndef KERNELS_PRODUCT_CPU_H
#define KERNELS_PRODUCT_CPU_H

#include <stddef.h>

/* Products of matrices that lie in a core's cache, by the calling thread.  oneDNN's, made for large
 * ones, copies what it multiplies first, which takes a fifth to a quarter of the time of a few
 * dozen rows. */

enum {
	PRODUCT_LANES = 16,
	PRODUCT_ROWS = 6 /* of a block: multiples of it are the fastest */
};

struct product {
	size_t m, n, k;             /* n: a multiple of PRODUCT_LANES */
	size_t y_row, a_row, b_row; /* floats from row to row, as stored */
	int a_is_turned;            /* a is stored (k, m) */
	int add;                    /* y += */

	/* Asked for from memory meanwhile: b of the product to come, unless NULL.  If y is far: the
	 * rows of y that are next; of two arrays like a, maybe the same, and unless NULL of a
	 * third, whose rows lie side by side, rows to come; and what is to be worked on together
	 * with y, of two arrays like it, both or neither NULL. */
	const float *next, *soon[3], *beside[2];
	int y_is_far;
};

/* y (m, n) = a (m, k) b (k, n), all row-major; y overlaps neither. */
typedef void product_function(const struct product *p, float *y, const float *a, const float *b);

/* By the first of these that the machine has. */
product_function product_cpu;

enum product_set { PRODUCT_AVX512, PRODUCT_AVX2, PRODUCT_ONEDNN, PRODUCT_SETS };

/* The one that product_cpu takes. */
enum product_set product_best(void);

/* Columns that are made in one pass over k, at most 64: where b is a panel of no more, side by
 * side, it takes the least of the cache. */
size_t product_columns(enum product_set set);

/* NULL where the machine, or what the compiler makes, lacks it; never of oneDNN. */
product_function *product_of(enum product_set set);

#endif
