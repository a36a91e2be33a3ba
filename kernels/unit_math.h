#ifndef KERNELS_UNIT_MATH_H
#define KERNELS_UNIT_MATH_H

#include <math.h>

#include "host_device.h"

/* Length of a vector from its square, never so small that dividing by it overflows (spec 2.1.3).
 * NaN stays NaN. */
HOST_DEVICE static inline double unit_length_of(double square)
{
	return sqrt(square < 1e-12 ? 1e-12 : square);
}

/* Gradient of one component of u, from that of o = u / |u|; along: <g, o>. */
HOST_DEVICE static inline float unit_gradient(float g, float o, double along, double length)
{
	return (float)(((double)g - along * (double)o) / length);
}

#endif
