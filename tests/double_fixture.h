#ifndef DOUBLE_FIXTURE_H
#define DOUBLE_FIXTURE_H

#include <cuda_runtime_api.h>
#include <stddef.h>

/* What the tests of the doubles of CUDA's libraries share. */

/* A CUDA call that must not fail. */
#define ok_cuda(call) assert_int_equal((call), cudaSuccess)

/* A copy of host memory on the device; the caller frees it by cudaFree. */
void *to_device(const void *host, size_t bytes);

/* n floats of full precision, in +-[0.5, 1): products of two are multiples of 2^-48, so that sums
 * of some dozens of them are exact in double, in any order. */
void draw_floats(float *x, size_t n, unsigned seed);

/* The two neighbours with `bits` bits of mantissa, and of them the nearer one; of two equally near
 * the even one, or the one away from zero. */
enum ties { TIES_EVEN, TIES_AWAY };
double nearest(double x, int bits, enum ties ties);

/* bfloat16 as its bits. */
unsigned short bf16_bits(double x);
double bf16_value(unsigned short bits);

/* f(arg) in a process of its own ends it with a message that has the word. */
#define assert_faults(f, arg, word) test_faults((f), (arg), (word), __FILE__, __LINE__)
void test_faults(void (*f)(void *), void *arg, const char *word, const char *file, int line);

#endif
