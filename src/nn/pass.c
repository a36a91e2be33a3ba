#include "nn/pass.h"

#include "base/die.h"
#include "base/memory.h"

struct pass_buffer {
	float *data;
	size_t floats;
	int busy;
};

void pass_close(struct pass *p)
{
	for (int i = 0; i < p->buffer_count; i++)
		p->dev->be->free(p->dev, p->buffers[i].data);
	xfree(p->buffers);
	p->buffer_count = 0;
	if (p->sums)
		p->dev->be->free(p->dev, p->sums);
	p->sums = NULL;
	p->sums_length = 0;
}

static struct pass_buffer *new_buffer(struct pass *p, size_t floats)
{
	struct pass_buffer *b;

	p->buffers = xrealloc(p->buffers, (size_t)(p->buffer_count + 1) * sizeof *p->buffers);
	b = &p->buffers[p->buffer_count++];
	*b = (struct pass_buffer){ p->dev->be->alloc(p->dev, floats * sizeof(float)), floats, 1 };
	return b;
}

float *pass_keep(struct pass *p, size_t floats)
{
	return new_buffer(p, floats)->data;
}

/* The smallest free buffer that is large enough. */
static struct pass_buffer *best_free(struct pass *p, size_t floats)
{
	struct pass_buffer *best = NULL;

	for (int i = 0; i < p->buffer_count; i++) {
		struct pass_buffer *b = &p->buffers[i];

		if (!b->busy && b->floats >= floats && (!best || b->floats < best->floats))
			best = b;
	}
	return best;
}

float *pass_take(struct pass *p, size_t floats)
{
	struct pass_buffer *b = best_free(p, floats);

	if (!b)
		return pass_keep(p, floats);
	b->busy = 1;
	return b->data;
}

void pass_release(struct pass *p, const float *x)
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

	if (length <= p->sums_length)
		return;
	if (p->sums)
		p->dev->be->free(p->dev, p->sums);
	p->sums = p->dev->be->alloc(p->dev, length * sizeof(double));
	p->sums_length = length;
}
