#ifndef KERNELS_NORM_MATH_H
#define KERNELS_NORM_MATH_H

#include <math.h>

#include "host_device.h"

/* Batch norm of one element (spec 3.2). */

/* The mean is taken off first: folding it into one factor and one offset would cancel when it is
 * large. */
HOST_DEVICE static inline float norm_value(float x, float mean, float rstd, float gamma, float beta)
{
	return gamma * ((x - mean) * rstd) + beta;
}

/* NaN stays NaN, so that it reaches the loss and is noticed. */
HOST_DEVICE static inline float norm_relu(float y)
{
	return y < 0 ? 0 : y;
}

/* The gradient that the relu let through. */
HOST_DEVICE static inline float norm_passed(float dy, float y)
{
	return y > 0 ? dy : 0;
}

/* Gradient of x; m0 and m1 are the means of e and of e (x - mean) rstd. */
HOST_DEVICE static inline float norm_gradient(
	float e, float x, float mean, float rstd, float gamma, float m0, float m1)
{
	return gamma * rstd * (e - (m0 + (x - mean) * rstd * m1));
}

/* Biased variance from the sums; rounding may make that of a constant a little less than nothing.
 */
HOST_DEVICE static inline double norm_variance(double s0, double s1, double count)
{
	double mean = s0 / count, variance = s1 / count - mean * mean;

	return variance < 0 ? 0 : variance;
}

#endif
