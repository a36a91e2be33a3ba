/* cuda_memory.c - memory of the GPU, the way to it and back, and waiting.
 * Uploads and downloads go through a ring of pinned pieces: from ordinary memory CUDA would copy by
 * a route of its own that may wait for the stream.  A piece is used again when the event behind its
 * copy has come; there are enough of them that a training step never waits for one. */
#include "cuda_device.h"
#include "cuda_sizes.h"

#include <string.h>

#include "base/memory.h"

enum { PIECES = 32, PIECE = 256 << 10 /* bytes */ };

struct cuda_staging {
	char *memory; /* pinned (PIECES, PIECE) */
	cudaEvent_t done[PIECES];
	unsigned next;
};

void cuda_staging_open(struct cuda *cuda)
{
	struct cuda_staging *s = xcalloc(1, sizeof *s);

	CUDA_CHECK(cudaMallocHost((void **)&s->memory, (size_t)PIECES * PIECE));
	cuda->device.counts.allocations++;
	for (int i = 0; i < PIECES; i++)
		s->done[i] = cuda_event();
	cuda->staging = s;
}

void cuda_staging_close(struct cuda *cuda)
{
	struct cuda_staging *s = cuda->staging;

	if (!s)
		return;
	for (int i = 0; i < PIECES; i++)
		CUDA_CHECK(cudaEventDestroy(s->done[i]));
	CUDA_CHECK(cudaFreeHost(s->memory));
	xfree(cuda->staging);
}

/* Where n bytes at most of PIECE are free for a copy. */
static unsigned take_piece(struct cuda *cuda)
{
	struct cuda_staging *s = cuda->staging;
	unsigned piece = s->next++ % PIECES;

	if (!cuda_event_done(cuda, s->done[piece]))
		cuda_await(cuda, s->done[piece]);
	return piece;
}

static void queue_copy(struct cuda *cuda, void *to, const void *from, size_t bytes,
	enum cudaMemcpyKind kind, unsigned piece)
{
	CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, kind, cuda->compute));
	CUDA_CHECK(cudaEventRecord(cuda->staging->done[piece], cuda->compute));
	cuda->device.counts.copies++;
}

static size_t piece_bytes(size_t left)
{
	return left < PIECE ? left : PIECE;
}

void upload_cuda(struct device *dev, void *to, const void *from, size_t bytes)
{
	struct cuda *cuda = cuda_of(dev);

	for (size_t at = 0; at < bytes; at += PIECE) {
		unsigned piece = take_piece(cuda);
		char *pinned = cuda->staging->memory + (size_t)piece * PIECE;
		size_t n = piece_bytes(bytes - at);

		memcpy(pinned, (const char *)from + at, n);
		queue_copy(cuda, (char *)to + at, pinned, n, cudaMemcpyHostToDevice, piece);
	}
}

/* All pieces of the ring travel at a time; each is taken out when it has come. */
void download_cuda(struct device *dev, void *to, const void *from, size_t bytes)
{
	struct cuda *cuda = cuda_of(dev);
	struct cuda_staging *s = cuda->staging;
	unsigned first = s->next;
	size_t queued = 0;

	for (size_t at = 0; at < bytes; at += PIECE) {
		unsigned oldest = (first + (unsigned)(at / PIECE)) % PIECES;

		for (; queued < bytes && queued - at < (size_t)PIECES * PIECE; queued += PIECE) {
			unsigned piece = take_piece(cuda);

			queue_copy(cuda, s->memory + (size_t)piece * PIECE,
				(const char *)from + queued, piece_bytes(bytes - queued),
				cudaMemcpyDeviceToHost, piece);
		}
		cuda_await(cuda, s->done[oldest]);
		memcpy((char *)to + at, s->memory + (size_t)oldest * PIECE,
			piece_bytes(bytes - at));
	}
}

/* A message that a user can act upon: what for, how much, what is left. */
static _Noreturn void out_of_memory(struct cuda *cuda, size_t bytes, const char *purpose)
{
	const double mib = 1.0 / (1 << 20);
	size_t left = 0, total = 0;

	(void)cudaMemGetInfo(&left, &total);
	die(__FILE__, __LINE__, "cudaMalloc",
		"GPU %d is out of memory: %.1f MiB were asked for (%s), %.1f of its %.1f MiB are "
		"free; what needs less: a smaller train.batch (or more GPUs for it), "
		"--train.recompute=views, --precision=bf16; nvidia-smi shows who else uses "
		"this GPU",
		cuda->index, (double)bytes * mib, purpose, (double)left * mib, (double)total * mib);
}

static void *allocate(struct cuda *cuda, size_t bytes, const char *purpose)
{
	void *p = NULL;
	/* an empty array has a place too */
	cudaError_t error = cudaMalloc(&p, bytes > 0 ? bytes : 1);

	if (error == cudaErrorMemoryAllocation)
		out_of_memory(cuda, bytes, purpose);
	CUDA_CHECK(error);
	cuda->device.counts.allocations++;
	return p;
}

void *alloc_cuda(struct device *dev, size_t bytes, const char *purpose)
{
	void *p = allocate(cuda_of(dev), bytes, purpose);

	zero_cuda(dev, p, bytes);
	return p;
}

/* cudaFree waits for the device, but not under the watchdog. */
void free_cuda(struct device *dev, void *p)
{
	if (!p)
		return;
	wait_cuda(dev);
	CUDA_CHECK(cudaFree(p));
}

void *cuda_scratch(struct cuda *cuda, size_t bytes)
{
	if (bytes > cuda->scratch_bytes) {
		free_cuda(&cuda->device, cuda->scratch);
		cuda->scratch_bytes = cuda_scratch_room(bytes, cuda->workspace_limit);
		cuda->scratch = allocate(cuda, cuda->scratch_bytes, "workspace of operations");
	}
	return cuda->scratch;
}

void copy_cuda(struct device *dev, void *to, const void *from, size_t bytes)
{
	if (bytes > 0)
		CUDA_CHECK(cudaMemcpyAsync(
			to, from, bytes, cudaMemcpyDeviceToDevice, cuda_of(dev)->compute));
}

void zero_cuda(struct device *dev, void *p, size_t bytes)
{
	if (bytes > 0)
		CUDA_CHECK(cudaMemsetAsync(p, 0, bytes, cuda_of(dev)->compute));
}

/* The compute stream waits for the others, and the host for it. */
void wait_cuda(struct device *dev)
{
	struct cuda *cuda = cuda_of(dev);
	cudaStream_t streams[] = { cuda->upload, cuda->ranks_stream, cuda->compute };

	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		if (i > 0)
			CUDA_CHECK(cudaStreamWaitEvent(cuda->compute, cuda->reached, 0));
		CUDA_CHECK(cudaEventRecord(cuda->reached, streams[i]));
	}
	cuda_await(cuda, cuda->reached);
}
