/* cudart_stream.c - the double of libcudart: streams and events.
 *
 * An event is the marker of its latest record; who waits for it keeps that marker, so that
 * recording it again, or destroying it, does not move what was waited for. */
#include "cudart.h"

#include <stdlib.h>

struct CUevent_st {
	struct CUevent_st *next;
	struct double_marker *marker; /* NULL: never recorded */
	int timed, destroyed;
};

static struct CUevent_st *events; /* never freed: a later use is found */

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority)
{
	cudaError_t error = double_enter();

	(void)priority;
	if (!error && (flags & ~(unsigned)cudaStreamNonBlocking))
		error = cudaErrorInvalidValue;
	if (!error)
		*stream = double_new_stream(!(flags & cudaStreamNonBlocking));
	return double_leave(error);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
	return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
	return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

/* What is queued gets done in time all the same. */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	cudaError_t error = double_enter();

	if (!error) {
		double_check_stream(stream, "cudaStreamDestroy");
		stream->destroyed = 1;
	}
	return double_leave(error);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	cudaError_t error = double_enter();

	if (!error) {
		double_check_stream(stream, "cudaStreamSynchronize");
		double_counts.waits++;
		double_note("wait", "cudaStreamSynchronize", stream);
		double_reach(stream, stream->asked);
	}
	return double_leave(error);
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
	cudaError_t error = double_enter();

	if (!error) {
		double_check_stream(stream, "cudaStreamQuery");
		if (!double_try_reach(stream, stream->asked))
			error = cudaErrorNotReady;
	}
	return double_leave(error);
}

cudaError_t cudaDeviceSynchronize(void)
{
	cudaError_t error = double_enter();

	if (!error) {
		double_counts.waits++;
		double_note("wait", "cudaDeviceSynchronize", NULL);
		double_drain(0);
	}
	return double_leave(error);
}

static void check_event(cudaEvent_t event, const char *what)
{
	struct CUevent_st *e = events;

	while (e && e != event)
		e = e->next;
	if (!e || e->destroyed)
		double_fault("%s of an event that is %s", what, e ? "destroyed" : "none");
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
	cudaError_t error = double_enter();

	if (!error) {
		struct CUevent_st *e = calloc(1, sizeof *e);

		e->timed = !(flags & cudaEventDisableTiming);
		e->next = events;
		*event = events = e;
	}
	return double_leave(error);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
	return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	cudaError_t error = double_enter();

	if (!error) {
		check_event(event, "cudaEventDestroy");
		double_release(event->marker);
		event->marker = NULL;
		event->destroyed = 1;
	}
	return double_leave(error);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	cudaError_t error = double_enter();

	if (!error) {
		struct double_work *work = double_new_work(STEP_RECORD, "cudaEventRecord", 0);

		check_event(event, "cudaEventRecord");
		double_check_stream(stream, "cudaEventRecord");
		double_note("record", "cudaEventRecord", stream);
		double_release(event->marker);
		event->marker = calloc(1, sizeof *event->marker);
		event->marker->references = 2;
		event->marker->stream = stream;
		work->marker = event->marker;
		double_add(stream, work);
		event->marker->position = stream->asked;
	}
	return double_leave(error);
}

/* Of an event that was never recorded: nothing to wait for, as in CUDA. */
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
	cudaError_t error = double_enter();

	(void)flags;
	if (!error) {
		check_event(event, "cudaStreamWaitEvent");
		double_check_stream(stream, "cudaStreamWaitEvent");
		double_note("after", "cudaStreamWaitEvent", stream);
		if (event->marker) {
			struct double_work *work =
				double_new_work(STEP_WAIT, "cudaStreamWaitEvent", 0);

			work->marker = event->marker;
			work->marker->references++;
			double_add(stream, work);
		}
	}
	return double_leave(error);
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
	cudaError_t error = double_enter();

	if (!error) {
		check_event(event, "cudaEventQuery");
		if (event->marker &&
			!double_try_reach(event->marker->stream, event->marker->position))
			error = cudaErrorNotReady;
	}
	return double_leave(error);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
	cudaError_t error = double_enter();

	if (!error) {
		check_event(event, "cudaEventSynchronize");
		double_counts.waits++;
		double_note("wait", "cudaEventSynchronize",
			event->marker ? event->marker->stream : NULL);
		if (event->marker)
			double_reach(event->marker->stream, event->marker->position);
	}
	return double_leave(error);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
	cudaError_t error = double_enter();

	if (error)
		return double_leave(error);
	check_event(start, "cudaEventElapsedTime");
	check_event(end, "cudaEventElapsedTime");
	if (!start->timed || !end->timed || !start->marker || !end->marker)
		error = cudaErrorInvalidResourceHandle;
	else if (!start->marker->done || !end->marker->done)
		error = cudaErrorNotReady;
	else
		*ms = (float)((end->marker->seconds - start->marker->seconds) * 1e3);
	return double_leave(error);
}
