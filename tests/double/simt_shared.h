#ifndef DOUBLE_SIMT_SHARED_H
#define DOUBLE_SIMT_SHARED_H

#include <stddef.h>

/* The __shared__ arrays of all kernels in the program. */

enum { SIMT_SHARED_MAX = 48 << 10 };

/* Fill those with NaN that may hold anything else. */
void simt_shared_fill(void);
/* Bytes of those arrays that do. */
size_t simt_shared_bytes(void);

#endif
