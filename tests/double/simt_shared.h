#ifndef DOUBLE_SIMT_SHARED_H
#define DOUBLE_SIMT_SHARED_H

#include <stddef.h>

/* The __shared__ arrays of all kernels in the program. */

enum { SIMT_SHARED_MAX = 48 << 10 };

/* Fill them with NaN. */
void simt_shared_fill(void);
/* Bytes of those arrays that hold anything else. */
size_t simt_shared_bytes(void);

#endif
