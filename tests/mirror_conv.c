/* mirror_conv.c - arrays, views, convolutions and matrix products of the mirror. */
#include "mirror_arrays.h"

#include "base/memory.h"

/* A convolution remembers its sizes. */
struct conv {
	struct conv *inner;
	size_t x, w, y, c, k;
};

/* ---- arrays and views ---- */

static void axpy_mirror(struct device *dev, float *y, float a, const float *x, size_t n)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, axpy, out(m, y, n), a, in(m, x, n), n);
}

static void images_mirror(struct device *dev, int slot, const struct image *images, int n)
{
	struct device *inner = mirror_of(dev)->inner;

	mirror_of(dev)->images[slot] = n;
	inner->be->images(inner, slot, images, n);
}

static void views_mirror(struct device *dev, void *y, int slot, const struct view_params *params,
	int views, int naive)
{
	struct mirror *m = mirror_of(dev);
	size_t side = (size_t)params->size, n = (size_t)(m->images[slot] * views) * side * side * 3;

	RUN(m, views, out(m, y, n), slot, params, views, naive);
}

/* ---- convolution and products ---- */

static struct conv *conv_open_mirror(struct device *dev, const struct conv_shape *s)
{
	struct device *inner = mirror_of(dev)->inner;
	struct conv *c = xcalloc(1, sizeof *c);
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride),
	    q = conv_out(s->w, s->left, s->right, s->r, s->stride);

	c->inner = inner->be->conv_open(inner, s);
	c->x = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
	c->w = (size_t)s->k * (size_t)s->r * (size_t)s->r * (size_t)s->c;
	c->y = (size_t)s->n * (size_t)p * (size_t)q * (size_t)s->k;
	c->c = (size_t)s->c, c->k = (size_t)s->k;
	return c;
}

static void conv_close_mirror(struct device *dev, struct conv *c)
{
	struct device *inner = mirror_of(dev)->inner;

	if (!c)
		return;
	inner->be->conv_close(inner, c->inner);
	xfree(c);
}

static void conv_forward_mirror(
	struct device *dev, struct conv *c, void *y, const void *x, const void *w)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, conv_forward, c->inner, out(m, y, c->y), in(m, x, c->x), in(m, w, c->w));
}

static void conv_forward_sums_mirror(struct device *dev, struct conv *c, void *y, const void *x,
	const void *w, double *sums, int groups, const struct norm_output *before)
{
	struct mirror *m = mirror_of(dev);
	size_t bytes = (size_t)groups * 2 * c->k * sizeof *sums;
	const struct norm_output made =
		before ? mirror_output(m, before) : (struct norm_output){ .y = NULL };

	RUN(m, conv_forward_sums, c->inner, out(m, y, c->y), in(m, x, c->x), in(m, w, c->w),
		mirror_out(m, sums, bytes), groups, before ? &made : NULL);
}

static void conv_backward_data_mirror(
	struct device *dev, struct conv *c, void *dx, const void *dy, const void *w, int add)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, conv_backward_data, c->inner, out(m, dx, c->x), in(m, dy, c->y), in(m, w, c->w),
		add);
}

static void conv_backward_data_sums_mirror(struct device *dev, struct conv *c, void *dx,
	const void *dy, const void *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before)
{
	struct mirror *m = mirror_of(dev);
	size_t n = (size_t)of->groups * c->c, sums = n;
	struct norm_input_gradient made;
	struct norm_gradient inner;

	/* before's sums may be those that are made, of more channels or fewer */
	if (before && before->sums == of->sums && c->k > c->c)
		sums = (size_t)of->groups * c->k;
	inner = (struct norm_gradient){ .sums = mirror_out(
						m, of->sums, 2 * sums * sizeof *of->sums),
		.y = of->y ? in(m, of->y, c->x) : NULL,
		.x = in(m, of->x, c->x),
		.mean = in(m, of->mean, n),
		.rstd = in(m, of->rstd, n),
		.groups = of->groups };
	if (before)
		made = mirror_input_gradient(m, before);
	RUN(m, conv_backward_data_sums, c->inner, out(m, dx, c->x), in(m, dy, c->y), in(m, w, c->w),
		add, &inner, before ? &made : NULL);
}

static void conv_backward_weights_mirror(
	struct device *dev, struct conv *c, float *dw, const void *dy, const void *x)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, conv_backward_weights, c->inner, out(m, dw, c->w), in(m, dy, c->y), in(m, x, c->x));
}

static void linear_forward_mirror(
	struct device *dev, void *y, const void *x, const void *w, int rows, int to, int from)
{
	struct mirror *m = mirror_of(dev);
	size_t r = (size_t)rows, a = (size_t)to, b = (size_t)from;

	RUN(m, linear_forward, out(m, y, r * b), in(m, x, r * a), in(m, w, a * b), rows, to, from);
}

static void linear_backward_data_mirror(
	struct device *dev, void *dx, const void *dy, const void *w, int rows, int to, int from)
{
	struct mirror *m = mirror_of(dev);
	size_t r = (size_t)rows, a = (size_t)to, b = (size_t)from;

	RUN(m, linear_backward_data, out(m, dx, r * a), in(m, dy, r * b), in(m, w, a * b), rows, to,
		from);
}

static void linear_backward_weights_mirror(
	struct device *dev, float *dw, const void *dy, const void *x, int rows, int to, int from)
{
	struct mirror *m = mirror_of(dev);
	size_t r = (size_t)rows, a = (size_t)to, b = (size_t)from;

	RUN(m, linear_backward_weights, out(m, dw, a * b), in(m, dy, r * b), in(m, x, r * a), rows,
		to, from);
}

static void gemm_mirror(struct device *dev, float *c, const float *a, const float *b, int m_rows,
	int n, int k, int ta, int tb, float beta)
{
	struct mirror *m = mirror_of(dev);
	size_t x = (size_t)m_rows, y = (size_t)n, z = (size_t)k;

	RUN(m, gemm, out(m, c, x * y), in(m, a, x * z), in(m, b, z * y), m_rows, n, k, ta, tb,
		beta);
}

static void bias_add_mirror(struct device *dev, void *y, const float *bias, size_t rows, int c)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, bias_add, out(m, y, rows * (size_t)c), in(m, bias, (size_t)c), rows, c);
}

static void bias_gradient_mirror(struct device *dev, float *db, const void *dy, size_t rows, int c)
{
	struct mirror *m = mirror_of(dev);

	RUN(m, bias_gradient, out(m, db, (size_t)c), in(m, dy, rows * (size_t)c), rows, c);
}

void mirror_conv(struct backend *be)
{
	be->axpy = axpy_mirror;
	be->images = images_mirror;
	be->views = views_mirror;
	be->conv_open = conv_open_mirror;
	be->conv_close = conv_close_mirror;
	be->conv_forward = conv_forward_mirror;
	be->conv_forward_sums = conv_forward_sums_mirror;
	be->conv_backward_data = conv_backward_data_mirror;
	be->conv_backward_data_sums = conv_backward_data_sums_mirror;
	be->conv_backward_weights = conv_backward_weights_mirror;
	be->linear_forward = linear_forward_mirror;
	be->linear_backward_data = linear_backward_data_mirror;
	be->linear_backward_weights = linear_backward_weights_mirror;
	be->gemm = gemm_mirror;
	be->bias_add = bias_add_mirror;
	be->bias_gradient = bias_gradient_mirror;
}
