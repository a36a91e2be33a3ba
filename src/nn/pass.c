#include "nn/pass.h"

#include "base/die.h"
#include "base/memory.h"

struct pass_buffer {
	void *data;
	size_t elements;
	int busy, lent;
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

/* Networks are walked in the same order: a smaller pass's activations fit into those of the lender
 * one by one. */
static struct pass_buffer *new_buffer(struct pass *p, size_t elements)
{
	const struct pass_buffer *other = NULL;
	struct pass_buffer *b;

	if (p->lender && p->buffer_count < p->lender->buffer_count &&
		p->lender->buffers[p->buffer_count].elements >= elements)
		other = &p->lender->buffers[p->buffer_count];
	p->buffers = xrealloc(p->buffers, (size_t)(p->buffer_count + 1) * sizeof *p->buffers);
	b = &p->buffers[p->buffer_count++];
	if (other)
		*b = (struct pass_buffer){ other->data, elements, 1, 1 };
	else
		*b = (struct pass_buffer){ p->dev->be->alloc(
						   p->dev, elements * p->dev->element, p->label),
			elements, 1, 0 };
	return b;
}

void *pass_keep(struct pass *p, size_t elements)
{
	return new_buffer(p, elements)->data;
}

/* The smallest free buffer that is large enough. */
static struct pass_buffer *best_free(struct pass *p, size_t elements)
{
	struct pass_buffer *best = NULL;

	for (int i = 0; i < p->buffer_count; i++) {
		struct pass_buffer *b = &p->buffers[i];

		if (!b->busy && b->elements >= elements && (!best || b->elements < best->elements))
			best = b;
	}
	return best;
}

void *pass_take(struct pass *p, size_t elements)
{
	struct pass_buffer *b = best_free(p, elements);

	if (!b)
		return pass_keep(p, elements);
	b->busy = 1;
	return b->data;
}

void pass_release(struct pass *p, const void *x)
{
	if (p->kind == PASS_TRAIN)
		return;
	for (int i = 0; i < p->buffer_count; i++)
		if (p->buffers[i].data == x) {
			CHECK(p->buffers[i].busy, "an activation was released twice");
			p->buffers[i].busy = 0;
		}
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
