#include "nn/pass.h"

#include "base/die.h"
#include "base/memory.h"

struct pass_buffer {
	void *data;
	size_t elements;
	int busy, used; /* by an activation of this pass: now, in this block */
	int lent;       /* another pass frees it */
	int by_turn;    /* what lies there outlasts the run of another pass */
};

void pass_close(struct pass *p)
{
	const struct backend *be = p->dev->be;

	for (int i = 0; i < p->buffer_count; i++)
		if (!p->buffers[i].lent)
			be->free(p->dev, p->buffers[i].data);
	xfree(p->buffers);
	p->buffer_count = 0;
	be->free(p->dev, p->sums);
	be->free(p->dev, p->statistics);
	p->sums = NULL;
	p->sums_length = 0;
	p->statistics = NULL;
}

static void add_buffer(struct pass *p, struct pass_buffer b)
{
	p->buffers = xrealloc(p->buffers, (size_t)(p->buffer_count + 1) * sizeof *p->buffers);
	p->buffers[p->buffer_count++] = b;
}

void pass_borrow(struct pass *p)
{
	for (int i = 0; p->lender && i < p->lender->buffer_count; i++) {
		struct pass_buffer b = p->lender->buffers[i];

		if (b.by_turn && !p->early)
			continue;
		b.busy = b.used = b.by_turn = 0;
		b.lent = 1;
		add_buffer(p, b);
	}
}

int pass_is_lean(const struct pass *p)
{
	return p->kind == PASS_TRAIN && p->recompute != RECOMPUTE_NONE;
}

/* The smallest free buffer that is large enough; fresh: that no activation of this block had. */
static struct pass_buffer *best_free(struct pass *p, size_t elements, int fresh)
{
	struct pass_buffer *best = NULL;

	for (int i = 0; i < p->buffer_count; i++) {
		struct pass_buffer *b = &p->buffers[i];

		if (!b->busy && !(fresh && b->used) && b->elements >= elements &&
			(!best || b->elements < best->elements))
			best = b;
	}
	return best;
}

static void *take(struct pass *p, size_t elements, int fresh)
{
	struct pass_buffer *b = best_free(p, elements, fresh);

	if (!b) {
		add_buffer(p,
			(struct pass_buffer){ .data = p->dev->be->alloc(
						      p->dev, elements * p->dev->element, p->label),
				.elements = elements });
		b = &p->buffers[p->buffer_count - 1];
	}
	b->busy = b->used = 1;
	return b->data;
}

void *pass_take(struct pass *p, size_t elements)
{
	return take(p, elements, 0);
}

/* Never released, so nothing of this pass comes to lie there after it.  What lay there is of
 * earlier blocks, and the backward pass makes it again when it is done with this one. */
void *pass_keep(struct pass *p, size_t elements)
{
	return take(p, elements, 1);
}

static int keeps_turns(const struct pass *p)
{
	return p->kind == PASS_TRAIN && p->recompute == RECOMPUTE_OUTPUTS;
}

void *pass_keep_turns(struct pass *p, size_t elements)
{
	if (!keeps_turns(p))
		return pass_keep(p, elements);
	elements *= (size_t)p->turns;
	add_buffer(p,
		(struct pass_buffer){
			.data = p->dev->be->alloc(p->dev, elements * p->dev->element, p->label),
			.elements = elements,
			.busy = 1,
			.used = 1,
			.by_turn = 1 });
	return p->buffers[p->buffer_count - 1].data;
}

void *pass_of_turn(const struct pass *p, void *x, size_t elements)
{
	return keeps_turns(p) ? (char *)x + (size_t)p->turn * elements * p->dev->element : x;
}

void pass_release(struct pass *p, const void *x)
{
	if (p->kind == PASS_TRAIN && !pass_is_lean(p))
		return;
	for (int i = 0; i < p->buffer_count; i++)
		if (p->buffers[i].data == x) {
			CHECK(p->buffers[i].busy, "an activation was released twice");
			p->buffers[i].busy = 0;
		}
}

void pass_next_block(struct pass *p)
{
	for (int i = 0; i < p->buffer_count; i++)
		p->buffers[i].used = p->buffers[i].busy;
}

void pass_reserve_sums(struct pass *p, int channels)
{
	size_t length = (size_t)p->groups * 2 * (size_t)channels;
	const struct backend *be = p->dev->be;

	if (!p->statistics)
		p->statistics = be->alloc(p->dev,
			(size_t)p->turns * (size_t)p->groups * p->stats->length * sizeof(float),
			"batch statistics");
	if (length <= p->sums_length)
		return;
	be->free(p->dev, p->sums);
	p->sums = be->alloc(p->dev, length * sizeof(double), "batch statistics");
	p->sums_length = length;
}
