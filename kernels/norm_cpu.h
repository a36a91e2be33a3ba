#ifndef KERNELS_NORM_CPU_H
#define KERNELS_NORM_CPU_H

#include "cpu.h"

/* Batch norm of some rows, for what is done with them while they are in the cache. */

/* Rows [first, end) of all groups' y, which are of one group, by the calling thread. */
void norm_apply_rows(const struct norm_output *of, size_t first, size_t end);

#endif
