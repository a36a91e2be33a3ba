/* cudart_queue.c - what runs when.
 *
 * A stream is a list of pieces of work, and nothing runs before the host waits.  What a GPU would
 * run at the same time runs here in an order that a missing wait cannot survive:
 * - lazy (default): only what the awaited place needs, so that the work of a stream which nobody
 *   waits for comes too late: whoever reads its results finds NaN;
 * - eager: before each piece of the awaited stream, all others run as far as they may, so that work
 *   which overwrites something comes too early;
 * - random:SEED: any piece that may run.
 * A program is right when it gives the same results in all of them. */
#include "cudart.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static const double PATIENCE = 0.2; /* seconds */

static struct CUstream_st *streams;
static const struct double_work *running;
static double last_step; /* when */
static unsigned seed;
static pthread_t first_thread; /* the only one whose questions make progress */
static int first_thread_known;

struct CUstream_st *double_streams(void)
{
	return streams;
}

const struct double_work *double_running(void)
{
	return running;
}

struct CUstream_st *double_new_stream(int blocking)
{
	struct CUstream_st *stream = calloc(1, sizeof *stream), **end = &streams;

	stream->number = 1;
	for (; *end; end = &(*end)->next)
		stream->number++;
	*end = stream;
	stream->device = double_device();
	stream->blocking = blocking;
	stream->last = &stream->first;
	return stream;
}

void double_check_stream(cudaStream_t stream, const char *what)
{
	struct CUstream_st *s = streams;

	if (!stream || stream == cudaStreamLegacy || stream == cudaStreamPerThread)
		double_fault(
			"%s in the default stream: it waits for others, and they for it", what);
	while (s && s != stream)
		s = s->next;
	if (!s || s->destroyed)
		double_fault("%s in a stream that is %s", what, s ? "destroyed" : "none");
}

struct double_work *double_new_work(enum double_step step, const char *name, size_t bytes)
{
	struct double_work *work = calloc(1, sizeof *work + bytes);

	if (!work)
		double_fault("out of memory");
	work->step = step;
	work->name = name;
	return work;
}

void double_add(cudaStream_t stream, struct double_work *work)
{
	work->stream = stream;
	*stream->last = work;
	stream->last = &work->next;
	stream->asked++;
}

void double_release(struct double_marker *marker)
{
	if (marker && --marker->references == 0)
		free(marker);
}

static int run(struct double_work *work)
{
	static int each = -1;
	int done;

	if (double_idle())
		return 1;
	if (each < 0)
		each = getenv("CUDA_DOUBLE_CHECK") &&
			strcmp(getenv("CUDA_DOUBLE_CHECK"), "each") == 0;
	running = work;
	done = work->run(work->arg);
	running = NULL;
	if (each)
		double_check_margins(work->name);
	return done;
}

/* The next piece of a stream; 0 when there is none or it cannot be done yet. */
static int step(struct CUstream_st *stream)
{
	struct double_work *work = stream->first;

	if (!work || (work->step == STEP_WAIT && !work->marker->done) ||
		(work->step == STEP_RUN && !run(work)))
		return 0;
	if (work->step == STEP_RECORD) {
		work->marker->done = 1;
		work->marker->seconds = double_now();
	}
	stream->first = work->next;
	if (!stream->first)
		stream->last = &stream->first;
	stream->done++;
	last_step = double_now();
	double_release(work->marker);
	free(work);
	return 1;
}

/* Waits depend on what was asked for earlier only, so this ends. */
static int reach_lazy(struct CUstream_st *stream, long position)
{
	while (stream->done < position) {
		const struct double_work *work = stream->first;

		if (work->step == STEP_WAIT && !work->marker->done) {
			if (!reach_lazy(work->marker->stream, work->marker->position))
				return 0;
		} else if (!step(stream)) {
			return 0;
		}
	}
	return 1;
}

static void run_others(const struct CUstream_st *stream)
{
	int moved;

	do {
		moved = 0;
		for (struct CUstream_st *s = streams; s; s = s->next)
			while (s != stream && step(s))
				moved = 1;
	} while (moved);
}

static int reach_eager(struct CUstream_st *stream, long position)
{
	run_others(stream);
	while (stream->done < position) {
		if (!step(stream))
			return 0;
		run_others(stream);
	}
	return 1;
}

static int step_any(void)
{
	struct CUstream_st *s, *begin = streams;

	seed = seed * 1103515245u + 12345u;
	for (unsigned skip = (seed >> 16) % 64; skip > 0; skip--)
		begin = begin->next ? begin->next : streams;
	s = begin;
	do {
		if (step(s))
			return 1;
		s = s->next ? s->next : streams;
	} while (s != begin);
	return 0;
}

static int reach_random(struct CUstream_st *stream, long position)
{
	while (stream->done < position)
		if (!step_any())
			return 0;
	return 1;
}

static const struct order {
	const char *name;
	int (*reach)(struct CUstream_st *stream, long position);
	int answers_late; /* a question is answered by what was done before it was asked */
} orders[] = {
	{ "lazy", reach_lazy, 1 },
	{ "eager", reach_eager, 0 },
	{ "random:", reach_random, 0 },
};

static const struct order *order(void)
{
	static const struct order *chosen;
	const char *name = getenv("CUDA_DOUBLE_ORDER");

	if (!chosen && !name)
		chosen = &orders[0];
	for (size_t i = 0; !chosen && i < sizeof orders / sizeof orders[0]; i++)
		if (strncmp(name, orders[i].name, strlen(orders[i].name)) == 0) {
			chosen = &orders[i];
			seed = (unsigned)atoi(name + strlen(orders[i].name));
		}
	if (!chosen)
		double_fault("CUDA_DOUBLE_ORDER is lazy, eager or random:SEED, not %s", name);
	return chosen;
}

/* Where the awaited stream is stuck, its peers may be waiting for what another stream has to send,
 * so in the end the others run, whatever the order. */
/* Each attempt opens and closes all memory: while nothing but another rank can help, not too often.
 */
static void pause_after(int reached)
{
	const struct timespec pause = { .tv_nsec = 200000 };

	if (!reached)
		nanosleep(&pause, NULL);
}

static int attempt(cudaStream_t stream, long position)
{
	int reached;

	if (running)
		double_fault("%s waits for a stream from within a piece of work", running->name);
	double_open_memory();
	reached = order()->reach(stream, position);
	if (!reached && double_now() - last_step > PATIENCE)
		run_others(stream);
	double_check_margins(NULL);
	double_close_memory();
	pause_after(reached);
	return reached;
}

void double_go_on(void)
{
	double_open_memory();
	run_others(NULL);
	double_check_margins(NULL);
	double_close_memory();
}

void double_reach(cudaStream_t stream, long position)
{
	while (stream->done < position && !attempt(stream, position)) {
		double_leave(cudaSuccess);
		sched_yield();
		double_enter();
	}
}

int double_try_reach(cudaStream_t stream, long position)
{
	int before = stream->done >= position;

	if (before || !pthread_equal(first_thread, pthread_self()))
		return before;
	return attempt(stream, position) && !order()->answers_late;
}

void double_drain(int only_blocking)
{
	for (struct CUstream_st *s = streams; s; s = s->next)
		if (s->blocking || !only_blocking)
			double_reach(s, s->asked);
}

void double_enqueue(cudaStream_t stream, enum double_kind kind, const char *name,
	int (*run_it)(void *arg), const void *arg, size_t bytes)
{
	static const struct {
		const char *name;
		long *counter;
	} kinds[] = {
		[DOUBLE_LAUNCH] = { "launch", &double_counts.launches },
		[DOUBLE_COPY] = { "copy", &double_counts.copies },
		[DOUBLE_COLLECTIVE] = { "collective", &double_counts.collectives },
		[DOUBLE_INSIDE] = { "inside", &double_counts.inside },
	};
	struct double_work *work;

	double_enter();
	double_check_stream(stream, name);
	if (kind != DOUBLE_COPY && stream->device != double_device())
		double_fault("%s: the stream belongs to device %d, this thread uses %d", name,
			stream->device, double_device());
	if (!first_thread_known) {
		first_thread = pthread_self();
		first_thread_known = 1;
	}
	++*kinds[kind].counter;
	double_note(kinds[kind].name, name, stream);
	work = double_new_work(STEP_RUN, name, bytes);
	work->run = run_it;
	memcpy(work->arg, arg, bytes);
	double_add(stream, work);
	double_leave(cudaSuccess);
}
