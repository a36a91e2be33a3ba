#ifndef KERNELS_OPTIM_MATH_H
#define KERNELS_OPTIM_MATH_H

#include <math.h>

#include "host_device.h"

/* LARS (spec 4) of one element and of one tensor. */

/* The tensor's own factor r, from |p|^2 and |g'|^2. */
HOST_DEVICE static inline float lars_ratio(double p2, double g2, float eta)
{
	return p2 > 0 && g2 > 0 ? (float)((double)eta * sqrt(p2) / sqrt(g2)) : 1;
}

/* g'; decay is 0 for plain tensors */
HOST_DEVICE static inline float lars_gradient(float g, float p, float decay)
{
	return g + decay * p;
}

HOST_DEVICE static inline float lars_momentum(float m, float g, float ratio, float momentum)
{
	return momentum * m + ratio * g;
}

HOST_DEVICE static inline float ema_value(float target, float p, float decay)
{
	return decay * target + (1 - decay) * p;
}

#endif
