#ifndef KERNELS_DNNL_API_H
#define KERNELS_DNNL_API_H

#include <dnnl.h>

/* oneDNN's C API, versions 2 and 3, as one.  Version 2 passes memory descriptions by value and
 * makes a primitive by way of an operation description; version 3 has handles that are owned, and
 * no operation descriptions. */

#if DNNL_VERSION_MAJOR != 2 && DNNL_VERSION_MAJOR != 3
#error "oneDNN 2.x or 3.x is needed"
#endif

enum conv_pass { CONV_FORWARD, CONV_DATA, CONV_WEIGHTS, CONV_PASSES };

/* Shape, type and order in memory of a tensor. */
struct layout {
	dnnl_memory_desc_t md;
};

/* A convolution's tensors (input, weights and output, or their gradients) and window. */
struct conv_setup {
	struct layout x, w, y;
	dnnl_dims_t stride, before, after;
};

#if DNNL_VERSION_MAJOR == 2
#define LAYOUT(layout) (&(layout)->md)

static inline dnnl_status_t layout_make(
	struct layout *layout, int dims, const dnnl_dim_t *size, dnnl_format_tag_t tag)
{
	return dnnl_memory_desc_init_by_tag(&layout->md, dims, size, dnnl_f32, tag);
}

static inline dnnl_status_t layout_query(
	struct layout *layout, const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
	const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, what, 0);

	if (!md)
		return dnnl_invalid_arguments;
	layout->md = *md;
	return dnnl_success;
}

static inline dnnl_status_t layout_free(struct layout *layout)
{
	(void)layout;
	return dnnl_success;
}

static inline dnnl_status_t conv_describe(dnnl_primitive_desc_t *pd, enum conv_pass pass,
	const struct conv_setup *s, const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
	const_dnnl_primitive_desc_t forward)
{
	dnnl_convolution_desc_t op;
	dnnl_status_t status;

	if (pass == CONV_FORWARD)
		status = dnnl_convolution_forward_desc_init(&op, dnnl_forward_training,
			dnnl_convolution_direct, &s->x.md, &s->w.md, NULL, &s->y.md, s->stride,
			s->before, s->after);
	else if (pass == CONV_DATA)
		status = dnnl_convolution_backward_data_desc_init(&op, dnnl_convolution_direct,
			&s->x.md, &s->w.md, &s->y.md, s->stride, s->before, s->after);
	else
		status = dnnl_convolution_backward_weights_desc_init(&op, dnnl_convolution_direct,
			&s->x.md, &s->w.md, NULL, &s->y.md, s->stride, s->before, s->after);
	if (status != dnnl_success)
		return status;
	return dnnl_primitive_desc_create(pd, &op, attr, engine, forward);
}

#else
#define LAYOUT(layout) ((layout)->md)

static inline dnnl_status_t layout_make(
	struct layout *layout, int dims, const dnnl_dim_t *size, dnnl_format_tag_t tag)
{
	return dnnl_memory_desc_create_with_tag(&layout->md, dims, size, dnnl_f32, tag);
}

static inline dnnl_status_t layout_query(
	struct layout *layout, const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
	const_dnnl_memory_desc_t md = dnnl_primitive_desc_query_md(pd, what, 0);

	return md ? dnnl_memory_desc_clone(&layout->md, md) : dnnl_invalid_arguments;
}

static inline dnnl_status_t layout_free(struct layout *layout)
{
	return dnnl_memory_desc_destroy(layout->md);
}

static inline dnnl_status_t conv_describe(dnnl_primitive_desc_t *pd, enum conv_pass pass,
	const struct conv_setup *s, const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
	const_dnnl_primitive_desc_t forward)
{
	const dnnl_dims_t dilation = { 0 };

	if (pass == CONV_FORWARD)
		return dnnl_convolution_forward_primitive_desc_create(pd, engine,
			dnnl_forward_training, dnnl_convolution_direct, s->x.md, s->w.md, NULL,
			s->y.md, s->stride, dilation, s->before, s->after, attr);
	if (pass == CONV_DATA)
		return dnnl_convolution_backward_data_primitive_desc_create(pd, engine,
			dnnl_convolution_direct, s->x.md, s->w.md, s->y.md, s->stride, dilation,
			s->before, s->after, forward, attr);
	return dnnl_convolution_backward_weights_primitive_desc_create(pd, engine,
		dnnl_convolution_direct, s->x.md, s->w.md, NULL, s->y.md, s->stride, dilation,
		s->before, s->after, forward, attr);
}
#endif

/* What the primitive puts out is added to what is there. */
static inline dnnl_status_t attr_add_to_output(dnnl_primitive_attr_t attr)
{
	dnnl_post_ops_t ops;
	dnnl_status_t status = dnnl_post_ops_create(&ops);

	if (status != dnnl_success)
		return status;
#if DNNL_VERSION_MAJOR == 2
	status = dnnl_post_ops_append_sum(ops, 1);
#else
	status = dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
#endif
	if (status == dnnl_success)
		status = dnnl_primitive_attr_set_post_ops(attr, ops);
	dnnl_post_ops_destroy(ops);
	return status;
}

static inline size_t layout_bytes(const struct layout *layout)
{
	return dnnl_memory_desc_get_size(LAYOUT(layout));
}

static inline int layout_same(const struct layout *a, const struct layout *b)
{
	return dnnl_memory_desc_equal(LAYOUT(a), LAYOUT(b));
}

/* What is needed of a memory object, whose data are named by each call. */
static inline dnnl_status_t layout_memory(
	dnnl_memory_t *memory, const struct layout *layout, dnnl_engine_t engine)
{
	return dnnl_memory_create(memory, LAYOUT(layout), engine, DNNL_MEMORY_NONE);
}

static inline dnnl_status_t reorder_describe(dnnl_primitive_desc_t *pd, const struct layout *to,
	const struct layout *from, const_dnnl_primitive_attr_t attr, dnnl_engine_t engine)
{
	return dnnl_reorder_primitive_desc_create(
		pd, LAYOUT(from), engine, LAYOUT(to), engine, attr);
}

#endif
