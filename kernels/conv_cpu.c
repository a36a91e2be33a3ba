/* conv_cpu.c - convolutions: by a way of our own where it suits the shape, else by oneDNN. */
#include "cpu.h"

#include "base/memory.h"
#include "conv_onednn_cpu.h"
#include "pointwise_cpu.h"
#include "winograd_cpu.h"

/* A way of our own. */
struct way {
	void (*forward)(struct cpu *cpu, const struct conv_shape *s, float *y, const float *x,
		const float *w);
	int (*forward_sums)(struct cpu *cpu, const struct conv_shape *s, float *y, const float *x,
		const float *w, double *sums, int groups,
		const struct norm_output *before); /* NULL or 0: not in one pass */
	void (*data)(struct cpu *cpu, const struct conv_shape *s, float *dx, const float *dy,
		const float *w, int add);
	int (*data_sums)(struct cpu *cpu, const struct conv_shape *s, float *dx, const float *dy,
		const float *w, int add, const struct norm_gradient *of,
		const struct norm_input_gradient *before); /* NULL: likewise */
	void (*weights)(struct cpu *cpu, const struct conv_shape *s, float *dw, const float *dy,
		const float *x);
};

static const struct way winograd = { .forward = winograd_forward,
	.data = winograd_backward_data,
	.weights = winograd_backward_weights };
static const struct way pointwise = { .forward = pointwise_forward,
	.forward_sums = pointwise_forward_sums,
	.data = pointwise_backward_data,
	.data_sums = pointwise_backward_data_sums,
	.weights = pointwise_backward_weights };

struct conv {
	struct conv_shape shape;
	const struct way *way; /* NULL: oneDNN's */
	struct onednn_conv *onednn;
};

static const struct way *choose_way(const struct cpu *cpu, const struct conv_shape *s)
{
	if (pointwise_fits(s))
		return &pointwise;
	return cpu->convolution == CONVOLUTION_AUTO && winograd_fits(s) ? &winograd : NULL;
}

struct conv *conv_open_cpu(struct device *dev, const struct conv_shape *shape)
{
	struct cpu *cpu = cpu_of(dev);
	struct conv *conv = xcalloc(1, sizeof *conv);

	CHECK(conv_out(shape->h, shape->top, shape->bottom, shape->r, shape->stride) > 0 &&
			conv_out(shape->w, shape->left, shape->right, shape->r, shape->stride) > 0,
		"a convolution of side %d does not fit its input of %d x %d", shape->r, shape->h,
		shape->w);
	conv->shape = *shape;
	conv->way = choose_way(cpu, shape);
	if (!conv->way)
		conv->onednn = onednn_open(cpu, shape);
	return conv;
}

void conv_close_cpu(struct device *dev, struct conv *conv)
{
	(void)dev;
	if (conv && conv->onednn)
		onednn_close(conv->onednn);
	xfree(conv);
}

void conv_forward_cpu(struct device *dev, struct conv *conv, void *y, const void *x, const void *w)
{
	if (conv->way)
		conv->way->forward(cpu_of(dev), &conv->shape, y, x, w);
	else
		onednn_forward(cpu_of(dev), conv->onednn, y, x, w);
}

void conv_forward_sums_cpu(struct device *dev, struct conv *conv, void *y, const void *x,
	const void *w, double *sums, int groups, const struct norm_output *before)
{
	const struct conv_shape *s = &conv->shape;
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	int q = conv_out(s->w, s->left, s->right, s->r, s->stride);

	if (conv->way && conv->way->forward_sums &&
		conv->way->forward_sums(cpu_of(dev), s, y, x, w, sums, groups, before))
		return;
	if (before)
		norm_apply_cpu(dev, before);
	conv_forward_cpu(dev, conv, y, x, w);
	norm_sums_cpu(dev, sums, y, groups, (size_t)(s->n / groups) * (size_t)p * (size_t)q, s->k);
}

void conv_backward_data_cpu(
	struct device *dev, struct conv *conv, void *dx, const void *dy, const void *w, int add)
{
	if (conv->way)
		conv->way->data(cpu_of(dev), &conv->shape, dx, dy, w, add);
	else
		onednn_backward_data(cpu_of(dev), conv->onednn, dx, dy, w, add);
}

void conv_backward_data_sums_cpu(struct device *dev, struct conv *conv, void *dx, const void *dy,
	const void *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before)
{
	const struct conv_shape *s = &conv->shape;
	size_t rows = (size_t)(s->n / of->groups) * (size_t)s->h * (size_t)s->w;

	if (conv->way && conv->way->data_sums &&
		conv->way->data_sums(cpu_of(dev), s, dx, dy, w, add, of, before))
		return;
	if (before)
		norm_backward_cpu(dev, before);
	conv_backward_data_cpu(dev, conv, dx, dy, w, add);
	norm_backward_sums_cpu(
		dev, of->sums, dx, of->y, of->x, of->mean, of->rstd, of->groups, rows, s->c);
}

void conv_backward_weights_cpu(
	struct device *dev, struct conv *conv, float *dw, const void *dy, const void *x)
{
	if (conv->way)
		conv->way->weights(cpu_of(dev), &conv->shape, dw, dy, x);
	else
		onednn_backward_weights(cpu_of(dev), conv->onednn, dw, dy, x);
}
