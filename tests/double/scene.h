#ifndef DOUBLE_SCENE_H
#define DOUBLE_SCENE_H

#include "cuda_device.h"
#include "double/queue.h"

/* What trials of the double of cudart begin with. */

enum { N = 100, BYTES = N * sizeof(float) };

/* Two streams that do not know of each other, arrays of N floats on the device, and pinned ones. */
struct scene {
	cudaStream_t compute, upload; /* numbers 1 and 2 */
	cudaEvent_t event;
	float *a, *b, *pinned, *result;
};

struct scene scene_new(void);

void set(float *x, float value);
int all(const float *x, float value); /* whether all N are value */

/* BYTES */
void copy(void *to, const void *from, enum cudaMemcpyKind kind, cudaStream_t stream);
/* By the event. */
void order(cudaStream_t first, cudaStream_t then, cudaEvent_t event);

/* A piece of work, that counts itself. */
extern int counted;
void queue_count(cudaStream_t stream);

#endif
