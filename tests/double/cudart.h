#ifndef DOUBLE_CUDART_H
#define DOUBLE_CUDART_H

#include "queue.h"

/* Inside the double of the CUDA runtime, and for simt.cc.  Everything here is called with the lock
 * held; the functions of CUDA's API take it, and double_enqueue does. */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- cudart.c ---- */

/* What each function of the API does first and last.  double_enter answers the error that every
 * call gives when there is no device; the lock is held in any case. */
cudaError_t double_enter(void);
/* Let go of the lock; an error is remembered for cudaGetLastError. */
cudaError_t double_leave(cudaError_t error);
/* Take the lock if nobody has called anything for so long; whether it did. */
int double_enter_if_absent(double seconds);
/* Seconds since some time. */
double double_now(void);
/* The device that the calling thread has chosen. */
int double_device(void);
/* Bytes of a device's memory: CUDA_DOUBLE_MEMORY. */
size_t double_device_bytes(void);

/* CUDA_DOUBLE_IDLE=1: work is counted and checked when it is asked for but not done, and memory is
 * zeros that take no room: a program of any size shows what it asks for. */
int double_idle(void);

/* ---- cudart_queue.c ---- */

/* A place in a stream, for events: done when the stream has come there. */
struct double_marker {
	long references;
	int done;
	double seconds; /* when */
	struct CUstream_st *stream;
	long position; /* of the piece of work in the stream */
};

enum double_step { STEP_RUN, STEP_RECORD, STEP_WAIT };

struct double_work {
	struct double_work *next;
	enum double_step step;
	const char *name;
	struct CUstream_st *stream;
	struct double_marker *marker; /* of a record or a wait */
	int (*run)(void *arg);
	char arg[] __attribute__((aligned(16)));
};

/* Never freed, so that work which is left when a stream is destroyed gets done, and a later use of
 * the handle is found. */
struct CUstream_st {
	struct CUstream_st *next;
	int number, device;
	int blocking; /* waits for the legacy default stream, and it for this */
	int destroyed;
	struct double_work *first, **last;
	long asked, done; /* pieces of work */
};

struct CUstream_st *double_streams(void); /* all, in the order of their creation */
struct CUstream_st *double_new_stream(int blocking);
/* Ends the program unless it is a stream of the program's. */
void double_check_stream(cudaStream_t stream, const char *what);
void double_add(cudaStream_t stream, struct double_work *work);
struct double_work *double_new_work(enum double_step step, const char *name, size_t bytes);

/* Work until so many pieces of the stream are done, in the order of CUDA_DOUBLE_ORDER.  Lets go of
 * the lock between attempts. */
void double_reach(cudaStream_t stream, long position);
/* The same as far as it goes now; in the thread that used CUDA first, only a look in others.
 * Whether the position is reached: in lazy order as it was before. */
int double_try_reach(cudaStream_t stream, long position);
/* Until all streams, or those that block the legacy stream, are empty. */
void double_drain(int only_blocking);
/* All that may run now, in all streams. */
void double_go_on(void);
/* The piece of work that runs now, or NULL. */
const struct double_work *double_running(void);
void double_release(struct double_marker *marker); /* NULL is fine */

/* ---- cudart_absence.c ---- */

void double_watch_absence(void);

/* ---- cudart_arena.c ---- */

struct double_arena {
	const char *what; /* "device", "pinned" */
	size_t size;      /* of addresses */
	char *base, *top; /* [base, top) has been used */
	struct double_piece *pieces;
	int count, room;
	int empty_file;
};

/* NaN bytes, 64-byte aligned, that may be read and written. */
void *double_arena_alloc(struct double_arena *a, size_t bytes);
/* How many bytes it were; ends the program when p was not allocated here.  call: whose name the
 * message has. */
size_t double_arena_free(struct double_arena *a, void *p, const char *call);
/* Whether [p, p + bytes) lies within one live allocation. */
int double_arena_holds(const struct double_arena *a, const void *p, size_t bytes);
/* mprotect of the allocation at p, or of all of them (NULL). */
void double_arena_protect(const struct double_arena *a, const void *p, int protection);
/* "before" or "behind" when something was written there, of an allocation of so many bytes; or
 * NULL. */
const char *double_arena_margins(const struct double_arena *a, size_t *bytes);
/* What an address of the arena is, in words. */
void double_arena_describe(
	const struct double_arena *a, const char *address, char *text, size_t size);

/* ---- cudart_memory.c ---- */

enum double_place { PLACE_HOST, PLACE_DEVICE, PLACE_PINNED };

/* What kind of memory an address belongs to, whether or not it is allocated now. */
enum double_place double_place(const void *p);
/* Whether [p, p + bytes) lies within one live allocation of pinned memory. */
int double_is_pinned(const void *p, size_t bytes);
/* Let the host's instructions at device memory, or no longer; nests. */
void double_open_memory(void);
void double_close_memory(void);
/* Ends the program when something was written just before or behind an allocation. */
void double_check_margins(const char *by);
/* "12 bytes behind ..." into text; 0 when the address is none of the double's. */
int double_describe(const void *p, char *text, size_t size);

/* ---- cudart_fault.c ---- */

extern struct double_trace double_counts;

/* A line for people: CUDA_DOUBLE_TRACE. */
void double_note(const char *kind, const char *name, cudaStream_t stream);
/* Name what an invalid access touched. */
void double_catch_signals(void);
/* simt.cc's: block and thread that run now, "" when none. */
void double_set_where(void (*where)(char *text, size_t size));

#ifdef __cplusplus
}
#endif

#endif
