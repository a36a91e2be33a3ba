#ifndef CUDA_FIXTURE_H
#define CUDA_FIXTURE_H

/* What the tests of the CUDA back end share: a device of some precision, arrays of its elements,
 * operations that end the process. */

#include "cuda_device.h"

struct device *cuda_test_open(enum precision precision, size_t workspace);

/* Round to what the device's elements can hold: of bfloat16 the nearest, ties to even. */
void round_to_elements(const struct device *dev, float *x, size_t n);

/* The array as elements in new device memory, and elements as floats. */
void *elements_to_device(struct device *dev, const float *x, size_t n);
void elements_from_device(struct device *dev, float *x, const void *from, size_t n);
float *floats_to_device(struct device *dev, const float *x, size_t n);

/* How far a product or convolution of the device may be from the exact one of the same factors, of
 * `terms` terms: *relative of the sum of the magnitudes, *rounding of the result. */
void tolerance_of(const struct device *dev, int terms, double *relative, double *rounding);

/* Run f in a process of its own that must end with the status of a fault (f returning is status 0);
 * what it writes to stderr goes into text.  CUDA cannot be used again behind a fork, so this is for
 * what comes before the first device is opened. */
enum { CHILD_TEXT = 4096 };
void child_must_die(void (*f)(void), char text[CHILD_TEXT]);
int child_status(void (*f)(void), char text[CHILD_TEXT]);

#endif
