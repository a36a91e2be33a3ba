/* resnet_run.c - the network at work: forward and backward through its blocks. */
#include "base/memory.h"
#include "nn/resnet.h"

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* ---- opening: every activation gets its memory, in the order of the forward pass ---- */

/* The input of a block: the backward pass needs it where there is one, and nothing makes it again.
 */
static void *keep_input(struct pass *p, size_t elements)
{
	return p->kind == PASS_TRAIN ? pass_keep(p, elements) : pass_take(p, elements);
}

static const void *open_stem(struct resnet_run *r, struct pass *p, const void *input, int *side)
{
	const struct unit *u = &r->net->stem_unit;
	struct pool_shape *s = &r->pool;

	unit_open(&r->stem, u, p, input, *side, *side, r->net->stem == STEM_SMALL);
	r->largest = unit_output(&r->stem, p);
	*side = r->stem.height;
	if (r->net->stem == STEM_SMALL)
		return r->stem.y;
	*s = (struct pool_shape){
		.n = p->groups * p->n, .h = *side, .w = *side, .c = u->out, .r = 3, .stride = 2
	};
	unit_padding(&s->top, &s->bottom, *side, s->r, s->stride, r->net->padding);
	s->left = s->top, s->right = s->bottom;
	*side = conv_out(*side, s->top, s->bottom, s->r, s->stride);
	r->pooled = keep_input(p, (size_t)s->n * (size_t)*side * (size_t)*side * (size_t)s->c);
	r->pool_index = p->dev->be->alloc(
		p->dev, (size_t)s->n * (size_t)*side * (size_t)*side * (size_t)s->c, p->label);
	pass_release(p, r->stem.y);
	return r->pooled;
}

/* What a block's last unit adds is read when the next block's first unit runs. */
static void release_residual(const struct block_run *r, const struct block *k, struct pass *p)
{
	if (k->has_shortcut || p->kind != PASS_TRAIN)
		pass_release(p, r->unit[k->units - 1].residual);
}

/* In the order of the forward pass, but for the shortcut, which runs after the first unit: so it
 * takes the least memory in all. */
static const void *open_block(
	struct resnet_run *run, int block, struct pass *p, const void *x, int *side)
{
	struct block_run *r = &run->blocks[block];
	const struct block *k = &run->net->blocks[block];
	const void *at = x, *residual = x;

	pass_next_block(p);
	if (k->has_shortcut) {
		unit_open(&r->shortcut, &k->shortcut, p, x, *side, *side, 0);
		residual = r->shortcut.y;
	}
	for (int i = 0; i < k->units; i++) {
		unit_open(&r->unit[i], &k->unit[i], p, at, *side, *side, i == k->units - 1);
		if (at != x)
			pass_release(p, at);
		at = r->unit[i].y;
		*side = r->unit[i].height;
		run->largest = larger(run->largest, unit_output(&r->unit[i], p));
		if (i == 0 && block > 0)
			release_residual(&run->blocks[block - 1], k - 1, p);
	}
	r->unit[k->units - 1].residual = residual;
	if (k->has_shortcut && p->kind != PASS_TRAIN)
		pass_release(p, x);
	return at;
}

void resnet_open(struct resnet_run *r, const struct resnet *net, struct pass *p, const void *input)
{
	int side = p->size;
	const void *x;

	*r = (struct resnet_run){ .net = net };
	r->blocks = xcalloc((size_t)net->block_count, sizeof *r->blocks);
	x = open_stem(r, p, input, &side);
	for (int i = 0; i < net->block_count; i++)
		x = open_block(r, i, p, x, &side);
}

void resnet_close(struct resnet_run *r, struct pass *p)
{
	unit_close(&r->stem, p);
	for (int i = 0; i < r->net->block_count; i++) {
		const struct block *k = &r->net->blocks[i];

		for (int j = 0; j < k->units; j++)
			unit_close(&r->blocks[i].unit[j], p);
		if (k->has_shortcut)
			unit_close(&r->blocks[i].shortcut, p);
	}
	if (r->pool_index)
		p->dev->be->free(p->dev, r->pool_index);
	xfree(r->blocks);
}

/* ---- forward ---- */

static struct unit_run *last_unit(const struct resnet_run *r, int block)
{
	return &r->blocks[block].unit[r->net->blocks[block].units - 1];
}

/* The unit whose output is the block's input; of the first block none where it is pooled. */
static const struct unit_run *unit_below(const struct resnet_run *r, int block)
{
	if (block > 0)
		return last_unit(r, block - 1);
	return r->net->stem == STEM_IMAGENET ? NULL : &r->stem;
}

static int last_pixels(const struct resnet_run *r)
{
	const struct unit_run *u = last_unit(r, r->net->block_count - 1);

	return u->height * u->width;
}

/* below: the unit whose output is the block's input, and is still to be made; or NULL. */
static void forward_block(
	struct block_run *r, const struct block *k, struct pass *p, const struct unit_run *below)
{
	unit_forward(&r->unit[0], p, below);
	if (k->has_shortcut) {
		unit_forward(&r->shortcut, p, NULL);
		unit_apply(&r->shortcut, p);
	}
	/* In a replay of outputs what lies within the block is made later, by restore_block. */
	for (int i = 1; i < k->units && p->replay != REPLAY_OUTPUTS; i++)
		unit_forward(&r->unit[i], p, &r->unit[i - 1]);
}

/* What lies within the block shares its memory with other blocks. */
static void restore_block(struct block_run *r, const struct block *k, struct pass *p)
{
	if (pass_is_lean(p))
		for (int i = 0; i < k->units - 1; i++)
			unit_apply(&r->unit[i], p);
}

void resnet_forward(struct resnet_run *r, struct pass *p, void *features)
{
	const struct resnet *net = r->net;
	const struct backend *be = p->dev->be;

	unit_forward(&r->stem, p, NULL);
	if (net->stem == STEM_IMAGENET) {
		unit_apply(&r->stem, p);
		be->max_pool(p->dev, r->pooled, r->pool_index, r->stem.y, &r->pool);
	}
	for (int i = 0; i < net->block_count; i++)
		forward_block(&r->blocks[i], &net->blocks[i], p, unit_below(r, i));
	unit_apply(last_unit(r, net->block_count - 1), p);
	if (p->replay == REPLAY_NOT) /* else they are there */
		be->mean_pool(p->dev, features, last_unit(r, net->block_count - 1)->y,
			p->groups * p->n, last_pixels(r), net->features);
}

/* ---- backward: gradients of blocks' outputs lie in the first buffer, those of units' between in
 * the second, those of convolutions' outputs where these outputs were ---- */

/* dy = the gradient of its output becomes that of its input. */
static void backward_shortcut(const struct unit_run *r, struct pass *p, void *dy)
{
	struct norm_input_gradient dz;

	unit_backward_sums(r, p, dy);
	dz = unit_gradient(r, p, NULL, dy);
	unit_backward_conv(r, p, dy, 0, NULL, &dz);
}

/* From the gradient of the block's output, whose sums were made with it, that of its input, in its
 * place: the shortcut's is made there, and the first convolution adds its own.  below: the unit
 * whose output is the input; or NULL. */
static void backward_block(struct block_run *r, const struct block *k, struct pass *p,
	void *buffer[GRADIENT_BUFFERS], const struct unit_run *below)
{
	void *dy = buffer[0], *between = buffer[1];
	struct norm_input_gradient dz;
	int last = k->units - 1;

	restore_block(r, k, p);
	dz = unit_gradient(&r->unit[last], p, dy, dy);
	if (k->has_shortcut) {
		unit_backward_norm(p, &dz);
		backward_shortcut(&r->shortcut, p, dy);
	}
	for (int i = last; i > 0; i--) {
		int made = i == last && k->has_shortcut;

		unit_backward_conv(&r->unit[i], p, between, 0, &r->unit[i - 1], made ? NULL : &dz);
		dz = unit_gradient(&r->unit[i - 1], p, NULL, between);
	}
	unit_backward_conv(&r->unit[0], p, dy, 1, below, &dz);
}

static void backward_stem(struct resnet_run *r, struct pass *p, void *buffer[GRADIENT_BUFFERS])
{
	void *dy = buffer[0];
	struct norm_input_gradient dz;

	if (r->net->stem == STEM_IMAGENET) {
		if (pass_is_lean(p))
			unit_apply(&r->stem, p);
		dy = buffer[1];
		p->dev->be->max_pool_backward(p->dev, dy, buffer[0], r->pool_index, &r->pool);
		unit_backward_sums(&r->stem, p, dy);
	}
	dz = unit_gradient(&r->stem, p, NULL, dy);
	unit_backward_conv(&r->stem, p, NULL, 0, NULL, &dz);
}

void resnet_backward(struct resnet_run *r, struct pass *p, void *buffer[GRADIENT_BUFFERS],
	const void *dfeatures, void (*done)(void *arg, size_t offset), void *arg)
{
	const struct resnet *net = r->net;

	p->dev->be->mean_pool_backward(
		p->dev, buffer[0], dfeatures, p->groups * p->n, last_pixels(r), net->features);
	unit_backward_sums(last_unit(r, net->block_count - 1), p, buffer[0]);
	for (int i = net->block_count - 1; i >= 0; i--) {
		backward_block(&r->blocks[i], &net->blocks[i], p, buffer, unit_below(r, i));
		if (done)
			done(arg, net->blocks[i].first);
	}
	backward_stem(r, p, buffer);
	if (done)
		done(arg, 0);
}
