#include "test.h"
#include "double_ranks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 60 }; /* that a rank may take */

int rank_failed(const struct rank *r, const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: rank %d of %d: %s is not so\n", file, line, r->rank, r->ranks,
		what);
	return 1;
}

void *rank_upload(struct rank *r, const void *host, size_t bytes)
{
	void *p;

	if (cudaMalloc(&p, bytes) != cudaSuccess ||
		cudaMemcpy(p, host, bytes, cudaMemcpyHostToDevice) != cudaSuccess)
		exit(rank_failed(r, "device memory", __FILE__, __LINE__));
	return p;
}

void rank_tell(struct rank *r, int channel)
{
	char word[MAX_RANKS] = "";

	if (write(r->pipes[channel][1], word, (size_t)r->ranks - 1) != r->ranks - 1)
		exit(rank_failed(r, "a pipe", __FILE__, __LINE__));
}

void rank_wait(struct rank *r, int channel)
{
	char word;

	if (read(r->pipes[channel][0], &word, 1) != 1)
		exit(rank_failed(r, "a pipe", __FILE__, __LINE__));
}

static ncclResult_t join(struct rank *r, ncclUniqueId id, int options)
{
	ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
	ncclResult_t state = ncclInProgress;

	if (!(options & RANKS_DO_NOT_BLOCK))
		return ncclCommInitRank(&r->comm, r->ranks, id, r->rank);
	config.blocking = 0;
	if (ncclCommInitRankConfig(&r->comm, r->ranks, id, r->rank, &config) != ncclInProgress)
		return ncclInternalError;
	while (state == ncclInProgress && ncclCommGetAsyncError(r->comm, &state) == ncclSuccess)
		usleep(100);
	return state;
}

static int run_rank(struct rank *r, ncclUniqueId id, int (*body)(struct rank *), int options)
{
	int failed;

	alarm(SECONDS);
	NEED(cudaSetDevice(options & RANKS_ONE_DEVICE ? 0 : r->rank) == cudaSuccess);
	NEED(cudaStreamCreateWithFlags(&r->stream, cudaStreamNonBlocking) == cudaSuccess);
	if (options & RANKS_ONE_DEVICE) {
		NEED(join(r, id, options) == ncclInvalidUsage);
		return 0;
	}
	NEED(join(r, id, options) == ncclSuccess);
	failed = body(r);
	if (failed)
		return failed;
	if (options & RANKS_ABORT)
		return 0; /* the body has done it */
	NEED(ncclCommDestroy(r->comm) == ncclSuccess);
	NEED(cudaStreamDestroy(r->stream) == cudaSuccess);
	return 0;
}

/* Those that are left are ended as soon as one has failed. */
static int wait_ranks(pid_t *children, int ranks)
{
	int failed = 0, status;

	for (int left = ranks; left > 0; left--) {
		pid_t ended = wait(&status);
		int now = !failed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0);

		for (int r = 0; r < ranks; r++)
			if (children[r] == ended)
				children[r] = 0;
			else if (now && children[r] > 0)
				kill(children[r], SIGKILL);
		failed |= now;
	}
	return failed;
}

void test_ranks(int ranks, int (*body)(struct rank *), int options, const char *word,
	const char *file, int line)
{
	struct rank r = { .ranks = ranks };
	pid_t children[MAX_RANKS];
	ncclUniqueId id;
	char text[4000];
	FILE *errors = tmpfile();
	int failed;

	assert_non_null(errors);
	assert_int_equal(ncclGetUniqueId(&id), ncclSuccess);
	for (int i = 0; i < MAX_RANKS; i++)
		assert_int_equal(pipe(r.pipes[i]), 0);
	fflush(NULL);
	for (r.rank = 0; r.rank < ranks; r.rank++) {
		children[r.rank] = fork();
		if (children[r.rank] == 0) {
			dup2(fileno(errors), STDERR_FILENO);
			_exit(run_rank(&r, id, body, options));
		}
	}
	failed = wait_ranks(children, ranks);
	for (int i = 0; i < MAX_RANKS; i++) {
		close(r.pipes[i][0]);
		close(r.pipes[i][1]);
	}
	rewind(errors);
	text[fread(text, 1, sizeof text - 1, errors)] = 0;
	fclose(errors);
	if (failed != (word != NULL)) {
		print_error("%d ranks: %s%s\n", ranks, word ? "no fault" : "failed: ", text);
		_fail(file, line);
	}
	if (word)
		test_says(text, word, file, line);
}
