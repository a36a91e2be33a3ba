/* simt.cc - blocks and threads for kernels that g++ has compiled (simt.h).
 *
 * A launch runs block by block, on one OS thread.  The threads of a block are called one after
 * another, which costs what a function call does, until one meets a barrier or a shuffle: from
 * there on each thread has a fiber.  Found, and ended by double_fault with file and line:
 * - a barrier that only some threads of the block reach, or threads at different barriers;
 * - a shuffle that only some threads of a warp reach, a mask other than all of the warp;
 * - a block that is no multiple of 32 or above 1024, a grid that is empty or too large;
 * - arguments that point to the host's memory; more than 48 KiB of shared arrays.
 * A missing barrier shows as a wrong result, in forward or in reverse order (SIMT_ORDER) of threads
 * and blocks, or as NaN, which shared arrays hold before each block.
 * So do blocks that race. */
#include "simt.h"

#include <stdio.h>
#include <stdlib.h>

#include "cudart.h"
#include "fiber.h"
#include "simt_shared.h"

enum { WARP = 32, MAX_BLOCK = 1024 };

enum state { READY, AT_BARRIER, AT_SHUFFLE, DONE };

struct thread {
	struct fiber *fiber;
	enum state state;
	const char *file; /* where it waits */
	int line;
	uint64_t offers[2]; /* to shuffles, in turn: the next is written while others read */
	unsigned turn;
};

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;
int simt_split, simt_reverse;
unsigned simt_threads, simt_thread;

static const struct simt_launch *launch; /* that runs */
static struct thread threads[MAX_BLOCK];
static struct fiber *stacks[MAX_BLOCK], *runner_stack;
static size_t blocks, next_block;

/* ---- called by kernels ---- */

static void where(char *text, size_t size)
{
	if (launch)
		snprintf(text, size, ", launched at %s:%d, block (%u,%u,%u), thread (%u,%u,%u)",
			launch->file, launch->line, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x,
			threadIdx.y, threadIdx.z);
}

static void wait_as(enum state state, const char *file, int line)
{
	struct thread *self = &threads[simt_thread];

	if (!launch)
		double_fault("%s:%d: a barrier outside of all kernels", file, line);
	if (!simt_split) { /* the first to wait: the stack that called it is now its own */
		simt_split = 1;
		for (unsigned t = 0; t < simt_threads; t++) {
			int has_run = simt_reverse ? t > simt_thread : t < simt_thread;

			threads[t].state = has_run ? DONE : READY;
			threads[t].file = NULL;
			threads[t].fiber = NULL;
		}
		self->fiber = runner_stack;
	}
	self->state = state;
	self->file = file;
	self->line = line;
	fiber_leave(self->fiber, 0);
}

void simt_barrier(const char *file, int line)
{
	wait_as(AT_BARRIER, file, line);
}

uint64_t simt_exchange(unsigned mask, uint64_t bits, int lanes, const char *file, int line)
{
	unsigned self = simt_thread, turn = threads[self].turn++ & 1;

	if (mask != 0xffffffffu)
		double_fault("%s:%d: partial warp mask %#x", file, line, mask);
	if (lanes < 0 || lanes >= WARP)
		double_fault("%s:%d: a shuffle with lane mask %d", file, line, lanes);
	threads[self].offers[turn] = bits;
	wait_as(AT_SHUFFLE, file, line);
	return threads[self ^ (unsigned)lanes].offers[turn];
}

/* ---- a block whose threads wait ---- */

static void run_thread(void)
{
	launch->one(launch);
	threads[simt_thread].state = DONE;
	fiber_leave(threads[simt_thread].fiber, 1);
}

static void resume(unsigned t)
{
	if (!threads[t].fiber) {
		if (!stacks[t])
			stacks[t] = fiber_new();
		threads[t].fiber = stacks[t];
		fiber_start(threads[t].fiber, run_thread);
	}
	simt_become(t);
	fiber_enter(threads[t].fiber);
}

static void place(char *text, size_t size, unsigned t)
{
	const struct thread *a = &threads[t];

	if (a->state == DONE)
		snprintf(text, size, "thread %u has returned", t);
	else
		snprintf(text, size, "thread %u is at %s:%d", t, a->file, a->line);
}

/* All threads of [first, last) must wait at one place; make them READY. */
static void release(unsigned first, unsigned last, enum state state, const char *what)
{
	unsigned a = first;
	char one[300], other[300];

	while (threads[a].state != state)
		a++;
	for (unsigned b = first; b < last; b++)
		if (threads[b].state != state || threads[b].file != threads[a].file ||
			threads[b].line != threads[a].line) {
			place(one, sizeof one, a);
			place(other, sizeof other, b);
			double_fault("%s: %s, %s", what, one, other);
		}
	for (unsigned t = first; t < last; t++)
		threads[t].state = READY;
}

static unsigned count(unsigned first, unsigned last, enum state state)
{
	unsigned n = 0;

	for (unsigned t = first; t < last; t++)
		n += threads[t].state == state;
	return n;
}

/* Run a warp until its threads wait at barriers or are done. */
static void run_warp(unsigned first, unsigned last)
{
	for (;;) {
		for (unsigned i = first; i < last; i++) {
			unsigned t = simt_reverse ? last - 1 - (i - first) : i;

			if (threads[t].state == READY)
				resume(t);
		}
		if (count(first, last, AT_SHUFFLE) == 0)
			return;
		release(first, last, AT_SHUFFLE, "only part of a warp shuffles");
	}
}

static void finish_block(void)
{
	unsigned warps = simt_threads / WARP;

	for (;;) {
		for (unsigned i = 0; i < warps; i++) {
			unsigned w = simt_reverse ? warps - 1 - i : i;

			run_warp(w * WARP, (w + 1) * WARP);
		}
		if (count(0, simt_threads, AT_BARRIER) == 0)
			return;
		release(0, simt_threads, AT_BARRIER, "not all threads reach the same barrier");
	}
}

/* ---- a launch ---- */

static void begin_block(size_t i)
{
	size_t b = simt_reverse ? blocks - 1 - i : i;

	blockIdx.x = (unsigned)(b % gridDim.x);
	blockIdx.y = (unsigned)(b / gridDim.x % gridDim.y);
	blockIdx.z = (unsigned)(b / ((size_t)gridDim.x * gridDim.y));
	threadIdx.y = threadIdx.z = 0;
	simt_shared_fill();
	simt_split = 0;
}

static void check_shared(void)
{
	size_t bytes = simt_shared_bytes();

	if (bytes > SIMT_SHARED_MAX)
		double_fault("%zu bytes of shared arrays, %d are allowed", bytes, SIMT_SHARED_MAX);
}

/* Block after block by plain calls.  Once a thread has waited, this stack is that thread's, which
 * ends here. */
static void run_blocks(void)
{
	while (next_block < blocks) {
		begin_block(next_block++);
		launch->all(launch);
		if (simt_split) {
			threads[simt_thread].state = DONE;
			break;
		}
		if (next_block == 1)
			check_shared();
	}
	fiber_leave(runner_stack, 1);
}

static void begin(void)
{
	const char *order = getenv("SIMT_ORDER");

	simt_reverse = order && strcmp(order, "reverse") == 0;
	if (order && !simt_reverse && strcmp(order, "forward") != 0)
		double_fault("SIMT_ORDER is forward or reverse, not %s", order);
	double_set_where(where);
	runner_stack = fiber_new();
}

static int run(void *work)
{
	if (!runner_stack)
		begin();
	launch = (const struct simt_launch *)work;
	gridDim = launch->grid;
	blockDim = launch->block;
	simt_threads = blockDim.x * blockDim.y * blockDim.z;
	blocks = (size_t)gridDim.x * gridDim.y * gridDim.z;
	next_block = 0;
	while (next_block < blocks) {
		fiber_start(runner_stack, run_blocks);
		fiber_enter(runner_stack);
		if (simt_split) {
			finish_block();
			if (next_block == 1)
				check_shared();
		}
	}
	launch = NULL;
	return 1;
}

unsigned simt_dim_checked(long long n)
{
	return n < 0 || n > 0x7fffffff ? 0 : (unsigned)n; /* 0 is refused with the launch */
}

void simt_enqueue(cudaStream_t stream, const struct simt_launch *l, size_t bytes)
{
	dim3 g = l->grid, b = l->block;
	unsigned long long n = (unsigned long long)b.x * b.y * b.z;

	if (n == 0 || n > MAX_BLOCK || n % WARP || b.x > MAX_BLOCK || b.y > MAX_BLOCK || b.z > 64)
		double_fault("%s:%d: %s: a block of %u x %u x %u threads", l->file, l->line,
			l->kernel, b.x, b.y, b.z);
	if (g.x == 0 || g.y == 0 || g.z == 0 || g.x > 0x7fffffff || g.y > 65535 || g.z > 65535)
		double_fault("%s:%d: %s: a grid of %u x %u x %u blocks", l->file, l->line,
			l->kernel, g.x, g.y, g.z);
	double_enqueue(stream, DOUBLE_LAUNCH, l->kernel, run, l, bytes);
}
