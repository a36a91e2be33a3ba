#ifndef DOUBLE_RANKS_H
#define DOUBLE_RANKS_H

#include <cuda_runtime_api.h>
#include <nccl.h>

/* Tests of several ranks: each is a process forked from the test, with a device, a stream and a
 * communicator of its own. */

enum { MAX_RANKS = 4 };

struct rank {
	int rank, ranks;
	ncclComm_t comm;
	cudaStream_t stream;
	int pipes[MAX_RANKS][2];
};

/* In a rank's body: go on only if it holds; else say so, and the rank has failed. */
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return rank_failed(r, #condition, __FILE__, __LINE__);                     \
	} while (0)
int rank_failed(const struct rank *r, const char *what, const char *file, int line);

/* Device memory with that content; freed with the process. */
void *rank_upload(struct rank *r, const void *host, size_t bytes);

/* All other ranks' rank_wait(r, channel) return when one has told that channel. */
void rank_tell(struct rank *r, int channel);
void rank_wait(struct rank *r, int channel);

enum rank_options { RANKS_ABORT = 1, RANKS_DO_NOT_BLOCK = 2, RANKS_ONE_DEVICE = 4 };

/* body on so many ranks, which return 0; then the communicator is destroyed (RANKS_ABORT: the
 * body has aborted it; RANKS_ONE_DEVICE: it must be refused, and there is no body).
 * With a word, at least one rank ends by a fault whose message has it, and the rest is ended. */
#define assert_ranks(ranks, body, options, word)                                                   \
	test_ranks((ranks), (body), (options), (word), __FILE__, __LINE__)
void test_ranks(int ranks, int (*body)(struct rank *), int options, const char *word,
	const char *file, int line);

#endif
