#ifndef KERNELS_BF16_MATH_H
#define KERNELS_BF16_MATH_H

#include <stdint.h>
#include <string.h>

#include "host_device.h"

/* bfloat16: the upper half of a float.  Conversions are ours, in integers, so that the GPU, its
 * double and the tests agree to the bit; they are what the GPU's own instructions give. */

struct bf16 {
	uint16_t bits;
};

/* Exact. */
HOST_DEVICE static inline float bf16_float(struct bf16 x)
{
	uint32_t bits = (uint32_t)x.bits << 16;
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

/* To nearest, ties to even; what is too large becomes infinite; NaN becomes 0x7fff, a NaN. */
HOST_DEVICE static inline struct bf16 bf16_of(float f)
{
	uint32_t bits;
	struct bf16 x;

	memcpy(&bits, &f, sizeof bits);
	bits += 0x7fff + (bits >> 16 & 1);
	x.bits = f == f ? (uint16_t)(bits >> 16) : 0x7fff;
	return x;
}

#endif
