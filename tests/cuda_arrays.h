#ifndef CUDA_ARRAYS_H
#define CUDA_ARRAYS_H

/* Arrays of device elements for the tests of kernels: displaced by some elements from where an
 * allocation begins, so that no pack of 16 bytes fits, and freed all together. */

#include "cuda_fixture.h"

/* Device of the precision; arrays_close closes it and checks the host's buffers too. */
struct device *arrays_open(enum precision precision);
void arrays_close(struct device *dev);

/* x [n], as elements, as floats or as they are, behind `shift` others. */
void *put(struct device *dev, const float *x, size_t n, int shift);
float *put_floats(struct device *dev, const float *x, size_t n, int shift);
void *put_bytes(struct device *dev, const void *x, size_t bytes, int shift);

/* Elements, floats, bytes as a new buffer of the host; those before and behind are as put left
 * them: p is from put. */
float *get(struct device *dev, const void *p, size_t n);
float *get_floats(struct device *dev, const float *p, size_t n);
void *get_bytes(struct device *dev, const void *p, size_t bytes);

/* Random floats in [-1, 1) that the device's elements can hold. */
float *elements_random(const struct device *dev, size_t n, uint32_t seed);

/* Turn the order in which the double runs the threads of a block and the blocks; 0: there is no
 * double. */
int turn_order(void);

#endif
