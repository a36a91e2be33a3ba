#ifndef KERNELS_POOL_MATH_H
#define KERNELS_POOL_MATH_H

#include "base/die.h"
#include "host_device.h"
#include "nn/backend.h"

/* Whether x takes the place of the maximum y of what came before. NaN is larger than all. */
HOST_DEVICE static inline int pool_larger(float x, float y)
{
	return x > y || (x != x && y == y);
}

/* Output height and width, after a check that no window lies in the padding alone. */
static inline void pool_size(int *p, int *q, const struct pool_shape *s)
{
	*p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	*q = conv_out(s->w, s->left, s->right, s->r, s->stride);
	CHECK(*p > 0 && *q > 0 && s->top < s->r && s->left < s->r && s->bottom < s->r &&
			s->right < s->r && s->r * s->r <= 256,
		"max pooling of side %d does not fit %d x %d", s->r, s->h, s->w);
}

#endif
