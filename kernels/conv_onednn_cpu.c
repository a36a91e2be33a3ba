/* conv_onednn_cpu.c - convolutions by oneDNN.
 * Activations are NHWC as everywhere; our weights are (k, r, r, c), and oneDNN orders its own copy
 * of them as it likes: that copy, and the workspace, are in the device's scratch memory and made
 * anew by each call, so that one struct serves any number of networks of the same shape.  A pass
 * (forward, data, weights) is prepared when it first runs: a network that only infers pays for no
 * backward pass.  oneDNN's algorithm is always the direct one: it has none of Winograd's for most
 * processors. */
#include "conv_onednn_cpu.h"

#include "base/memory.h"
#include "dnnl_api.h"

struct pass {
	dnnl_primitive_t run, reorder; /* reorder: ours to oneDNN's (or back for gradients); NULL:
					  they are the same */
	dnnl_memory_t x, w, y, ours, workspace;
	size_t w_bytes, workspace_bytes;
};

struct onednn_conv {
	struct conv_shape shape;
	struct conv_setup setup; /* w: any layout */
	struct layout ours;      /* of the weights */
	dnnl_primitive_desc_t forward;
	dnnl_primitive_attr_t attr;
	struct pass passes[CONV_PASSES];
};

/* Arguments of a call: input, weights and output, or their gradients. */
struct conv_call {
	float *x, *w, *y;
	size_t add; /* to so many floats of x, which oneDNN does not: its x is made in scratch */
};

static dnnl_primitive_desc_t describe(
	struct onednn_conv *conv, struct cpu *cpu, enum conv_pass pass)
{
	const struct conv_shape *s = &conv->shape;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_status_t status =
		conv_describe(&pd, pass, &conv->setup, conv->attr, cpu->engine, conv->forward);

	CHECK(status == dnnl_success,
		"oneDNN (status %d) cannot do pass %d of the convolution of (%d, %d, %d, %d) with "
		"%d filters of side %d, stride %d",
		(int)status, (int)pass, s->n, s->h, s->w, s->c, s->k, s->r, s->stride);
	return pd;
}

static void set_dims(dnnl_dims_t dims, int a, int b, int c, int d)
{
	dims[0] = a, dims[1] = b, dims[2] = c, dims[3] = d;
}

struct onednn_conv *onednn_open(struct cpu *cpu, const struct conv_shape *shape)
{
	struct onednn_conv *conv = xcalloc(1, sizeof *conv);
	int p = conv_out(shape->h, shape->top, shape->bottom, shape->r, shape->stride);
	int q = conv_out(shape->w, shape->left, shape->right, shape->r, shape->stride);
	struct conv_setup *setup = &conv->setup;
	dnnl_dims_t dims;

	conv->shape = *shape;
	set_dims(dims, shape->n, shape->c, shape->h, shape->w);
	DNNL_CHECK(layout_make(&setup->x, 4, dims, dnnl_nhwc));
	set_dims(dims, shape->n, shape->k, p, q);
	DNNL_CHECK(layout_make(&setup->y, 4, dims, dnnl_nhwc));
	set_dims(dims, shape->k, shape->c, shape->r, shape->r);
	DNNL_CHECK(layout_make(&setup->w, 4, dims, dnnl_format_tag_any));
	DNNL_CHECK(layout_make(&conv->ours, 4, dims, dnnl_ohwi));
	set_dims(setup->stride, shape->stride, shape->stride, 0, 0);
	set_dims(setup->before, shape->top, shape->left, 0, 0);
	set_dims(setup->after, shape->bottom, shape->right, 0, 0);
	DNNL_CHECK(dnnl_primitive_attr_create(&conv->attr));
	DNNL_CHECK(dnnl_primitive_attr_set_scratchpad_mode(conv->attr, dnnl_scratchpad_mode_user));
	conv->forward = describe(conv, cpu, CONV_FORWARD);
	return conv;
}

static void pass_close(struct pass *pass)
{
	dnnl_memory_t memory[] = { pass->x, pass->w, pass->y, pass->ours, pass->workspace };

	if (!pass->run)
		return;
	for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
		DNNL_CHECK(dnnl_memory_destroy(memory[i]));
	if (pass->reorder)
		DNNL_CHECK(dnnl_primitive_destroy(pass->reorder));
	DNNL_CHECK(dnnl_primitive_destroy(pass->run));
}

void onednn_close(struct onednn_conv *conv)
{
	for (int i = 0; i < CONV_PASSES; i++)
		pass_close(&conv->passes[i]);
	DNNL_CHECK(dnnl_primitive_desc_destroy(conv->forward));
	DNNL_CHECK(dnnl_primitive_attr_destroy(conv->attr));
	DNNL_CHECK(layout_free(&conv->setup.x));
	DNNL_CHECK(layout_free(&conv->setup.w));
	DNNL_CHECK(layout_free(&conv->setup.y));
	DNNL_CHECK(layout_free(&conv->ours));
	xfree(conv);
}

/* Our weights in oneDNN's order; back: gradients in its order, added to ours. */
static dnnl_primitive_t reorder_open(
	struct onednn_conv *conv, struct cpu *cpu, const struct layout *theirs, int back)
{
	dnnl_primitive_desc_t pd;
	dnnl_primitive_t reorder;
	dnnl_primitive_attr_t attr;

	if (layout_same(theirs, &conv->ours))
		return NULL;
	DNNL_CHECK(dnnl_primitive_attr_create(&attr));
	if (back)
		DNNL_CHECK(attr_add_to_output(attr));
	DNNL_CHECK(reorder_describe(
		&pd, back ? &conv->ours : theirs, back ? theirs : &conv->ours, attr, cpu->engine));
	DNNL_CHECK(dnnl_primitive_create(&reorder, pd));
	DNNL_CHECK(dnnl_primitive_desc_destroy(pd));
	DNNL_CHECK(dnnl_primitive_attr_destroy(attr));
	return reorder;
}

static struct pass *pass_open(struct onednn_conv *conv, struct cpu *cpu, enum conv_pass which)
{
	struct pass *pass = &conv->passes[which];
	dnnl_primitive_desc_t pd = conv->forward;
	struct layout weights, workspace;

	if (pass->run)
		return pass;
	if (which != CONV_FORWARD)
		pd = describe(conv, cpu, which);
	DNNL_CHECK(dnnl_primitive_create(&pass->run, pd));
	DNNL_CHECK(layout_query(&weights, pd,
		which == CONV_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md));
	DNNL_CHECK(layout_query(&workspace, pd, dnnl_query_scratchpad_md));
	pass->reorder = reorder_open(conv, cpu, &weights, which == CONV_WEIGHTS);
	pass->w_bytes = cpu_round(layout_bytes(&weights));
	pass->workspace_bytes = cpu_round(layout_bytes(&workspace));
	DNNL_CHECK(layout_memory(&pass->x, &conv->setup.x, cpu->engine));
	DNNL_CHECK(layout_memory(&pass->y, &conv->setup.y, cpu->engine));
	DNNL_CHECK(layout_memory(&pass->w, &weights, cpu->engine));
	DNNL_CHECK(layout_memory(&pass->ours, &conv->ours, cpu->engine));
	DNNL_CHECK(layout_memory(&pass->workspace, &workspace, cpu->engine));
	DNNL_CHECK(layout_free(&weights));
	DNNL_CHECK(layout_free(&workspace));
	if (which != CONV_FORWARD)
		DNNL_CHECK(dnnl_primitive_desc_destroy(pd));
	return pass;
}

static void reorder(
	struct cpu *cpu, dnnl_primitive_t primitive, dnnl_memory_t to, dnnl_memory_t from)
{
	const dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };

	DNNL_CHECK(dnnl_primitive_execute(primitive, cpu->stream, 2, args));
	DNNL_CHECK(dnnl_stream_wait(cpu->stream));
}

/* Run a pass on the memory objects, whose data must have been named; ids: oneDNN's names of x, w,
 * y. */
static void execute(struct cpu *cpu, const struct pass *pass, const int ids[3])
{
	const dnnl_exec_arg_t args[] = { { ids[0], pass->x }, { ids[1], pass->w },
		{ ids[2], pass->y }, { DNNL_ARG_SCRATCHPAD, pass->workspace } };

	DNNL_CHECK(dnnl_primitive_execute(pass->run, cpu->stream, 4, args));
	DNNL_CHECK(dnnl_stream_wait(cpu->stream));
}

static void set_activations(const struct pass *pass, float *x, float *y, void *workspace)
{
	DNNL_CHECK(dnnl_memory_set_data_handle(pass->x, x));
	DNNL_CHECK(dnnl_memory_set_data_handle(pass->y, y));
	DNNL_CHECK(dnnl_memory_set_data_handle(pass->workspace, workspace));
}

/* Forward and data: weights go in. */
static void run_with_weights(struct cpu *cpu, struct onednn_conv *conv, enum conv_pass which,
	const struct conv_call *call, const int ids[3])
{
	struct pass *pass = pass_open(conv, cpu, which);
	size_t ours = pass->workspace_bytes + pass->w_bytes;
	char *scratch = cpu_scratch(cpu, ours + call->add * sizeof(float));
	float *x = call->add ? (float *)(scratch + ours) : call->x;

	set_activations(pass, x, call->y, scratch);
	DNNL_CHECK(dnnl_memory_set_data_handle(pass->ours, call->w));
	if (pass->reorder) {
		DNNL_CHECK(dnnl_memory_set_data_handle(pass->w, scratch + pass->workspace_bytes));
		reorder(cpu, pass->reorder, pass->w, pass->ours);
	} else {
		DNNL_CHECK(dnnl_memory_set_data_handle(pass->w, call->w));
	}
	execute(cpu, pass, ids);
	if (call->add)
		axpy_cpu(&cpu->device, call->x, 1, x, call->add);
}

void onednn_forward(
	struct cpu *cpu, struct onednn_conv *conv, float *y, const float *x, const float *w)
{
	static const int ids[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST };
	const struct conv_call call = { (float *)x, (float *)w, y, 0 };

	run_with_weights(cpu, conv, CONV_FORWARD, &call, ids);
}

void onednn_backward_data(struct cpu *cpu, struct onednn_conv *conv, float *dx, const float *dy,
	const float *w, int add)
{
	static const int ids[] = { DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST };
	const struct conv_shape *s = &conv->shape;
	const struct conv_call call = { dx, (float *)w, (float *)dy,
		add ? (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c : 0 };

	run_with_weights(cpu, conv, CONV_DATA, &call, ids);
}

void onednn_backward_weights(
	struct cpu *cpu, struct onednn_conv *conv, float *dw, const float *dy, const float *x)
{
	static const int ids[] = { DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST };
	struct pass *pass = pass_open(conv, cpu, CONV_WEIGHTS);
	const struct conv_shape *s = &conv->shape;
	char *scratch = cpu_scratch(cpu, pass->workspace_bytes + pass->w_bytes);
	char *theirs = scratch + pass->workspace_bytes;

	set_activations(pass, (float *)x, (float *)dy, scratch);
	DNNL_CHECK(dnnl_memory_set_data_handle(pass->w, theirs));
	execute(cpu, pass, ids);
	if (pass->reorder) {
		DNNL_CHECK(dnnl_memory_set_data_handle(pass->ours, dw));
		reorder(cpu, pass->reorder, pass->ours, pass->w);
	} else {
		axpy_cpu(&cpu->device, dw, 1, (const float *)theirs,
			(size_t)s->k * (size_t)s->r * (size_t)s->r * (size_t)s->c);
	}
}
