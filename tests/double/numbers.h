#ifndef DOUBLE_NUMBERS_H
#define DOUBLE_NUMBERS_H

#include <stddef.h>

/* The arithmetic of the doubles of cuBLAS and cuDNN: elements are read into doubles, summed there
 * by OpenBLAS, and written with one rounding, so that what differs from a GPU is the order of its
 * float sums only. */

/* How an array's elements are stored and taken: NUMBER_TF32 is a float of which the product sees 10
 * bits of mantissa, as the tensor cores do. */
enum number { NUMBER_FLOAT, NUMBER_TF32, NUMBER_BF16 };

/* Bytes of one. */
size_t number_bytes(enum number type);

double number_read(const void *x, size_t i, enum number type);

/* Round to nearest even, once. */
void number_write(void *y, size_t i, enum number type, double value);

/* n doubles of an array; the caller's to free. */
double *numbers_read(const void *x, size_t n, enum number type);

/* n zeros; the caller's to free. */
double *numbers_zero(size_t n);

/* C (m, n) = op(A) op(B) + beta C, rows one after another without gaps; op transposes when its flag
 * is set.  k may be 0. */
void numbers_product(double *c, const double *a, const double *b, int m, int n, int k, int ta,
	int tb, double beta);

/* Make memory a NaN of every type. */
void numbers_spoil(void *p, size_t bytes);

/* Whether two pieces of memory share a byte. */
int numbers_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes);

#endif
