#ifndef KERNELS_NORM_CPU_H
#define KERNELS_NORM_CPU_H

#include "cpu.h"

/* Batch norm of some rows, for what is done with them while they are in the cache. */

/* Rows [first, end) of all groups' y, which are of one group, by the calling thread. */
void norm_apply_rows(const struct norm_output *of, size_t first, size_t end);

/* Likewise what norm_backward makes, after norm_means has put its norm_means_room floats. */
static inline size_t norm_means_room(const struct norm_input_gradient *of)
{
	return (size_t)of->groups * 2 * (size_t)of->channels;
}
void norm_means(float *means, const struct norm_input_gradient *of);
void norm_backward_rows(
	const struct norm_input_gradient *of, const float *means, size_t first, size_t end);

#endif
