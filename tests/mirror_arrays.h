#ifndef MIRROR_ARRAYS_H
#define MIRROR_ARRAYS_H

/* Between the files of the mirror: arrays of the host and their copies on the device inside. */

#include "mirror.h"

enum { MIRROR_ARRAYS = 18, MIRROR_SLOTS = 2 };

struct mirror_array {
	void *host, *dev;
	size_t bytes;
	int written;
};

struct mirror {
	struct device device;
	struct device *inner;
	struct mirror_array arrays[MIRROR_ARRAYS];
	int count;
	int images[MIRROR_SLOTS];
};

static inline struct mirror *mirror_of(struct device *dev)
{
	return (struct mirror *)dev;
}

/* The array on the device; one that was named before is the same one there, as the contract's "may
 * be" wants it.  NULL for NULL. */
void *mirror_in(struct mirror *m, const void *host, size_t bytes);
/* The same, and mirror_finish brings it back. */
void *mirror_out(struct mirror *m, void *host, size_t bytes);
void mirror_finish(struct mirror *m);

static inline void *in(struct mirror *m, const void *host, size_t floats)
{
	return mirror_in(m, host, floats * sizeof(float));
}

static inline void *out(struct mirror *m, void *host, size_t floats)
{
	return mirror_out(m, host, floats * sizeof(float));
}

/* What norm_apply and norm_backward are given, with arrays on the device. */
struct norm_output mirror_output(struct mirror *m, const struct norm_output *of);
struct norm_input_gradient mirror_input_gradient(
	struct mirror *m, const struct norm_input_gradient *of);

/* The slot `name` of the device inside, then what it wrote comes back. */
#define RUN(m, name, ...)                                                                          \
	do {                                                                                       \
		(m)->inner->be->name((m)->inner, __VA_ARGS__);                                     \
		mirror_finish(m);                                                                  \
	} while (0)

/* The slots in mirror_layers.c. */
void mirror_layers(struct backend *be);
/* The slots in mirror_conv.c. */
void mirror_conv(struct backend *be);

#endif
