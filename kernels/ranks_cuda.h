#ifndef KERNELS_RANKS_CUDA_H
#define KERNELS_RANKS_CUDA_H

#include "cuda_device.h"

/* Between the files of the collectives by NCCL: their doing and their watching. */

/* So many may be under way; a step of ResNet-50 has about 400. */
enum { RANKS_RING = 512 };

/* One collective.  `ready`: the compute stream has come to it, so that this rank waits for others
 * only; `done`: it is complete here. */
struct ranks_call {
	cudaEvent_t ready, done;
	const char *kind, *layer; /* constant strings; layer may be NULL */
	size_t bytes;             /* that this rank gives */
};

struct cuda_ranks {
	ncclComm_t nccl;
	struct comm *comm;
	long asked, complete; /* collectives so far; of these, seen to be complete */
	double since;         /* when the oldest of the others was first seen to wait; 0: not yet */
	struct ranks_call ring[RANKS_RING]; /* collective i at i % RANKS_RING */
};

/* End the job because of what NCCL says, naming rank, step and the collective that is under way. */
_Noreturn void ranks_fault(struct cuda *cuda, ncclResult_t fault, const char *call);

#define NCCL_CHECK(cuda, call)                                                                     \
	do {                                                                                       \
		ncclResult_t nccl_result_ = (call);                                                \
		if (nccl_result_ != ncclSuccess)                                                   \
			ranks_fault((cuda), nccl_result_, #call);                                  \
	} while (0)

#endif
