#ifndef DOUBLE_QUEUE_H
#define DOUBLE_QUEUE_H

#include <cuda_runtime_api.h>

/* Between the doubles: how those of kernels, cuBLAS, cuDNN and NCCL put their work on the streams
 * of the double of the CUDA runtime. */

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* a function named as its struct, as C does */
extern "C" {
#endif

/* What kind of call, for the trace; copies are those between host and device, inside is what moves
 * or sets bytes within the device. */
enum double_kind { DOUBLE_LAUNCH, DOUBLE_COPY, DOUBLE_COLLECTIVE, DOUBLE_INSIDE };

/* Queue run(arg) on the stream; arg [bytes] is copied.  It runs later, when the host waits for
 * something that needs it, with device memory open to the host's instructions.  It returns 1 when
 * it is done, 0 when it cannot go on yet (a collective whose peers have not come) and is to be
 * called again.  Device memory is closed between two calls: what goes on in between (messages)
 * works on copies.  name: a constant string. */
void double_enqueue(cudaStream_t stream, enum double_kind kind, const char *name,
	int (*run)(void *arg), const void *arg, size_t bytes);

/* Whether [p, p + bytes) lies within one live allocation of device memory. */
int double_is_device(const void *p, size_t bytes);

/* A use of CUDA that a device would not forgive: print "gpu double: ..." and abort. */
void double_fault(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* What the program has asked for so far. */
struct double_trace {
	long launches, copies, collectives;
	long inside;         /* copies within the device, and memset */
	long waits;          /* synchronisations of the host, explicit ones */
	long implicit_waits; /* calls that synchronise on the side: cudaMalloc, cudaFree, copies of
				pageable memory ... */
	long allocations;    /* cudaMalloc, cudaMallocHost */
	size_t bytes, peak;  /* device memory now and at most */
};
const struct double_trace *double_trace(void);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif

#endif
