/* cudart_copy.c - the double of libcudart: copies and fills.
 *
 * A copy reads and writes when it runs, in its place in the stream: a pinned buffer that the host
 * changes, or reads, too early shows.  Memory that is not pinned is treated as CUDA does: from the
 * host it is staged at once, to the host the call waits. */
#include "cudart.h"

#include <stdlib.h>
#include <string.h>

struct copy {
	char *to;
	const char *from;
	size_t to_pitch, from_pitch, width, height; /* bytes; rows */
	char *staged;                               /* freed when done, or NULL */
};

struct fill {
	char *to;
	size_t bytes;
	int value;
};

static int run_copy(void *arg)
{
	const struct copy *c = arg;

	for (size_t i = 0; i < c->height; i++)
		memmove(c->to + i * c->to_pitch, c->from + i * c->from_pitch, c->width);
	free(c->staged);
	return 1;
}

static int run_fill(void *arg)
{
	const struct fill *f = arg;

	memset(f->to, f->value, f->bytes);
	return 1;
}

/* Bytes from the first to the last, with the gaps between rows. */
static size_t extent(size_t pitch, const struct copy *c)
{
	return c->height ? (c->height - 1) * pitch + c->width : 0;
}

/* Whether [p, p + bytes) is on the device; ends the program where it is not whole, or where kind
 * says otherwise.  what: whose memory it is. */
static int on_device(const void *p, size_t bytes, int expected, int is_known, const char *what)
{
	enum double_place place = double_place(p);
	int is = place == PLACE_DEVICE;
	char text[200];

	if (is_known && is != expected)
		double_fault(
			"%s is %s memory, against its direction", what, is ? "device" : "host");
	if ((is && !double_is_device(p, bytes)) ||
		(place == PLACE_PINNED && !double_is_pinned(p, bytes))) {
		double_describe(p, text, sizeof text);
		double_fault("%s of %zu bytes begins at %s", what, bytes, text);
	}
	return is;
}

/* Pack what is pageable, now. */
static void stage(struct copy *c)
{
	c->staged = malloc(c->width * c->height + 1);
	for (size_t i = 0; i < c->height; i++)
		memcpy(c->staged + i * c->width, c->from + i * c->from_pitch, c->width);
	c->from = c->staged;
	c->from_pitch = c->width;
}

static void copy_async(
	struct copy c, enum cudaMemcpyKind kind, const char *name, cudaStream_t stream)
{
	size_t reads = extent(c.from_pitch, &c), writes = extent(c.to_pitch, &c);
	int known = kind != cudaMemcpyDefault;
	int from_device = on_device(c.from, reads,
		kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice, known,
		"the source of a copy");
	int to_device = on_device(c.to, writes,
		kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice, known,
		"the target of a copy");
	int pageable_to = !to_device && !double_is_pinned(c.to, writes);

	if (c.width > c.to_pitch || c.width > c.from_pitch)
		double_fault("%s: rows of %zu bytes are longer than their pitch", name, c.width);
	if (!from_device && !double_is_pinned(c.from, reads)) {
		double_counts.implicit_waits++;
		stage(&c);
	}
	double_enqueue(stream, from_device && to_device ? DOUBLE_INSIDE : DOUBLE_COPY, name,
		run_copy, &c, sizeof c);
	if (pageable_to) {
		double_counts.implicit_waits++;
		double_reach(stream, stream->asked);
	}
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch,
	size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	cudaError_t error = double_enter();

	if (!error && width > 0 && height > 0)
		copy_async((struct copy){ to, from, to_pitch, from_pitch, width, height, NULL },
			kind, "cudaMemcpy2DAsync", stream);
	return double_leave(error);
}

cudaError_t cudaMemcpyAsync(
	void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	cudaError_t error = double_enter();

	if (!error && bytes > 0)
		copy_async((struct copy){ to, from, bytes, bytes, bytes, 1, NULL }, kind,
			"cudaMemcpyAsync", stream);
	return double_leave(error);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
	struct fill f = { to, bytes, value };
	cudaError_t error = double_enter();

	if (!error && bytes > 0) {
		on_device(to, bytes, 1, 1, "the target of a fill");
		double_enqueue(stream, DOUBLE_INSIDE, "cudaMemsetAsync", run_fill, &f, sizeof f);
	}
	return double_leave(error);
}

/* The calls without a stream belong to the legacy default stream: they wait for the streams that
 * were not created cudaStreamNonBlocking, and for those only.  Here they run in a stream of their
 * own. */
static cudaStream_t begin_legacy(const char *name)
{
	static struct CUstream_st *stream;

	if (!stream)
		stream = double_new_stream(0);
	double_counts.implicit_waits++;
	double_note("wait", name, stream);
	double_drain(1);
	return stream;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
	cudaError_t error = double_enter();

	if (!error && bytes > 0) {
		cudaStream_t stream = begin_legacy("cudaMemcpy");

		copy_async((struct copy){ to, from, bytes, bytes, bytes, 1, NULL }, kind,
			"cudaMemcpy", stream);
		double_reach(stream, stream->asked);
	}
	return double_leave(error);
}

cudaError_t cudaMemset(void *to, int value, size_t bytes)
{
	cudaError_t error = double_enter();

	if (!error && bytes > 0) {
		cudaStream_t stream = begin_legacy("cudaMemset");

		cudaMemsetAsync(to, value, bytes, stream);
		double_reach(stream, stream->asked);
	}
	return double_leave(error);
}
