#ifndef DATA_LOADER_H
#define DATA_LOADER_H

#include <stdint.h>

#include "base/die.h"
#include "data/dataset.h"
#include "data/image.h"

/* Reads and decodes ahead of the trainer: threads take the images of the next steps in order of
 * their slots, so what a batch holds depends on the seed alone, never on timing.  Each image is
 * decoded once for all its views. */

struct batch {
	int64_t step;
	int count;
	struct image *images; /* [count]; parts of pictures where the source has windows */
	uint64_t *ids;        /* [count] global image numbers, after replacement */
	int replaced;         /* images that stand in for unreadable ones in this batch */
};

struct loader;

struct loader_place {
	int64_t step;
	int slot;
	uint64_t id; /* of the image */
	int width, height;
};

/* Which images: pre-training asks an order (order_source), evaluation has its own. */
struct loader_source {
	/* Global image numbers of slots [first, first + count) of step; called by the thread that
	 * opens the loader and asks for batches, steps in order. */
	void (*images)(void *arg, uint64_t *ids, int64_t step, int first, int count);
	/* What stands in for an unreadable image: a function of its arguments alone; any thread. */
	uint64_t (*replacement)(void *arg, int64_t step, uint64_t bad_image, uint32_t attempt);
	void *arg;
	/* What is needed of the picture in a slot (of the global batch) of a step; NULL: all of
	 * all. Any thread. */
	void (*window)(void *arg, struct image_window *window, const struct loader_place *place);
};

struct loader_options {
	int first, count; /* this rank's slots of the global batch */
	int threads;      /* > 0 */
	int prefetch;     /* batches decoded ahead, > 0 */
	int64_t from, to; /* steps */
	int masks;        /* decode masks too */
};

/* Starts the threads.  d and source->arg stay the caller's and are needed until loader_close. */
struct loader *loader_open(const struct dataset *d, const struct loader_source *source,
	const struct loader_options *options);
void loader_close(struct loader *l); /* also in the middle; NULL is fine */

/* The batch of the next step; it stays valid until the next call but one, so that a step can be
 * computed with while the next is brought to the device.  *waited_s is the time spent waiting for
 * it. After the last: NULL.  Ends the job when an image and a hundred others in its place are
 * unreadable. */
const struct batch *loader_next(struct loader *l, double *waited_s);

/* Unreadable records met so far; each distinct one was warned about once (log_warn_here). */
long loader_bad_records(struct loader *l);

#endif
