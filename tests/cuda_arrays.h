#ifndef CUDA_ARRAYS_H
#define CUDA_ARRAYS_H

/* Arrays of device elements for the tests of kernels: displaced by some elements from where an
 * allocation begins, so that no pack of 16 bytes fits, and freed all together. */

#include "cuda_fixture.h"

/* Call f with a device of floats, then with one of bfloat16; opening one takes long. */
void on_both_elements(void (*f)(struct device *dev));

/* Check the marks around all arrays, free them and the host's buffers, which are checked too. */
void arrays_free(struct device *dev);

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
