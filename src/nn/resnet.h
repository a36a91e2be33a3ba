#ifndef NN_RESNET_H
#define NN_RESNET_H

#include "base/config.h"
#include "nn/unit.h"

/* Residual networks with post-activation blocks (spec 3.1): 50, 101, 152, 200, 295-like (ours) of
 * bottlenecks with the stride in the 3x3 convolution, 18 and 34 (ours, for small data) of two 3x3
 * convolutions a block; any positive width. */

struct block {
	struct unit unit[3];
	int units; /* 2 or 3 */
	struct unit shortcut;
	int has_shortcut;
	size_t first; /* offset of the block's first parameter */
};

struct resnet {
	enum stem stem;
	struct unit stem_unit;
	struct block *blocks;
	int block_count;
	enum padding padding;
	int features; /* width of the pooled output */
};

/* 0 if there is such an architecture; else -1, err lists the names. */
int resnet_check(const char *arch, char err[ERR_MAX]);

/* Describe the network and append its tensors, names beginning with "encoder.".  resnet_free frees
 * the blocks. */
void resnet_declare(struct resnet *net, const struct config *c, struct params *p, struct stats *s);
void resnet_free(struct resnet *net);

struct block_run {
	struct unit_run unit[3], shortcut;
};

struct resnet_run {
	const struct resnet *net;
	struct unit_run stem;
	struct pool_shape pool;
	uint8_t *pool_index; /* dev */
	void *pooled;        /* dev: output of the stem */
	struct block_run *blocks;
	size_t largest; /* elements of the largest activation: what each gradient buffer must hold
			 */
};

/* input dev (groups n, size, size, 3). */
void resnet_open(struct resnet_run *r, const struct resnet *net, struct pass *p, const void *input);
void resnet_close(struct resnet_run *r, struct pass *p);

/* features: dev (groups n, features); a replay leaves them as they are. */
void resnet_forward(struct resnet_run *r, struct pass *p, void *features);

/* Buffers of the backward pass, dev, each of `largest` elements of the largest run that uses them.
 */
enum { GRADIENT_BUFFERS = 2 };

/* From dfeatures, overwriting outputs of convolutions; done(arg, offset), unless NULL, is told
 * whenever all gradients from that offset of the buffer on are final. */
void resnet_backward(struct resnet_run *r, struct pass *p, void *buffer[GRADIENT_BUFFERS],
	const void *dfeatures, void (*done)(void *arg, size_t offset), void *arg);

#endif
