/* tally_ops.c - the tally's device: what its memory, ranks, views, convolutions and products cost.
 */
#include "cuda_sizes.h"
#include "tally.h"

#include <string.h>

#include "base/memory.h"
#include "comm/comm.h"

/* ---- device and memory ---- */

static void upload_tally(struct device *dev, void *to, const void *from, size_t bytes)
{
	(void)to, (void)from;
	dev->counts.copies++;
	tally_add(tally_of(dev), KIND_HOST, "copies from and to the host", 0, (double)bytes);
}

static void download_tally(struct device *dev, void *to, const void *from, size_t bytes)
{
	(void)from;
	memset(to, 0, bytes);
	dev->counts.copies++;
	dev->counts.waits++;
	tally_add(tally_of(dev), KIND_HOST, "copies from and to the host", 0, (double)bytes);
}

static void copy_tally(struct device *dev, void *to, const void *from, size_t bytes)
{
	(void)to, (void)from;
	tally_add(tally_of(dev), KIND_POINTWISE, "copies on the device", 0, 2 * (double)bytes);
}

static void zero_tally(struct device *dev, void *p, size_t bytes)
{
	(void)p;
	tally_add(tally_of(dev), KIND_OPTIMISER, "optimiser", 0, (double)bytes);
}

static void wait_tally(struct device *dev)
{
	dev->counts.waits++;
}

static void to_float_tally(struct device *dev, float *y, const void *x, size_t n)
{
	(void)y, (void)x;
	tally_add(tally_of(dev), KIND_POINTWISE, "casts", 0,
		elements(dev, (double)n) + F * (double)n);
}

static void from_float_tally(struct device *dev, void *y, const float *x, size_t n)
{
	to_float_tally(dev, y, x, n);
}

/* ---- ranks ---- */

static void connect_tally(struct device *dev, struct comm *comm)
{
	dev->comm = comm;
}

static void send(struct device *dev, const char *what, double bytes)
{
	if (dev->comm->size == 1)
		return;
	dev->counts.collectives++;
	tally_send(tally_of(dev), what, bytes);
}

static void sum_double_tally(struct device *dev, double *x, size_t n)
{
	(void)x;
	send(dev, n == 2 ? "sum of the loss" : "sums of batch norm", D * (double)n);
}

static void sum_float_tally(struct device *dev, float *x, size_t n)
{
	(void)x;
	send(dev, "sum of small views' gradients", F * (double)n);
}

static void sum_start_tally(struct device *dev, float *x, size_t n)
{
	(void)x;
	if (n > 0)
		send(dev, "sums of gradients, in buckets", F * (double)n);
}

static void sum_finish_tally(struct device *dev)
{
	(void)dev;
}

static void gather_tally(struct device *dev, float *all, const float *own, int views, size_t n)
{
	(void)all, (void)own;
	send(dev, "gathering of embeddings", F * views * (double)n);
}

/* ---- arrays and views ---- */

static void axpy_tally(struct device *dev, float *y, float a, const float *x, size_t n)
{
	(void)y, (void)a, (void)x;
	tally_add(tally_of(dev), KIND_LOSS, "loss", 0, 3 * F * (double)n);
}

/* Pixels of images of 8 bits a channel. */
static size_t image_bytes(const struct image *images, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += (size_t)images[i].width * (size_t)images[i].height * 3;
	return sum;
}

static void images_tally(struct device *dev, int slot, const struct image *images, int n)
{
	struct tally *t = tally_of(dev);

	if (!t->images[slot])
		t->images[slot] =
			tally_alloc(dev, cuda_slot_room(image_bytes(images, n)), "images");
	t->image_count[slot] = n;
	t->image_bytes[slot] = image_bytes(images, n);
	dev->counts.copies++;
	tally_add(t, KIND_IMAGES, "images from the host", 0, (double)t->image_bytes[slot]);
}

static void views_tally(struct device *dev, void *out, int slot, const struct view_params *params,
	int views, int naive)
{
	struct tally *t = tally_of(dev);
	double pixels = (double)t->image_count[slot] * views * params->size * params->size * 3;

	(void)out, (void)naive;
	tally_add(t, KIND_VIEWS, "views", 0,
		(double)t->image_bytes[slot] * views + elements(dev, pixels));
}

/* ---- convolution and products ---- */

struct conv {
	double x, w, y, operations, padded; /* x with its padding, where it is not symmetric */
};

static struct conv *conv_open_tally(struct device *dev, const struct conv_shape *s)
{
	struct conv *c = xcalloc(1, sizeof *c);
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride),
	    q = conv_out(s->w, s->left, s->right, s->r, s->stride);

	(void)dev;
	c->x = (double)s->n * s->h * s->w * s->c;
	c->w = (double)s->k * s->r * s->r * s->c;
	c->y = (double)s->n * p * q * s->k;
	if (s->top != s->bottom || s->left != s->right)
		c->padded = (double)s->n * (s->h + s->top + s->bottom) *
			(s->w + s->left + s->right) * s->c;
	c->operations = 2 * c->y * s->r * s->r * s->c;
	return c;
}

static void conv_close_tally(struct device *dev, struct conv *conv)
{
	(void)dev;
	xfree(conv);
}

/* Forward, and backward to the data: how often the input and the output, or their gradients, are
 * read or written. */
static void convolve(struct device *dev, struct conv *c, enum kind kind, int x, int y)
{
	tally_scratch(tally_of(dev), (size_t)elements(dev, c->padded));
	tally_add(tally_of(dev), kind, NULL, c->operations,
		elements(dev, x * c->x + c->w + y * c->y));
}

static void conv_forward_tally(
	struct device *dev, struct conv *c, void *y, const void *x, const void *w)
{
	(void)y, (void)x, (void)w;
	convolve(dev, c, KIND_CONV_FORWARD, 1, 1);
}

/* y once: its sums can be made with it; and an x that is made first need not be read. */
static void conv_forward_sums_tally(struct device *dev, struct conv *c, void *y, const void *x,
	const void *w, double *sums, int groups, const struct norm_output *before)
{
	(void)y, (void)x, (void)w, (void)sums, (void)groups;
	convolve(dev, c, KIND_CONV_FORWARD, before ? tally_output(before) : 1, 1);
}

static void conv_backward_data_tally(
	struct device *dev, struct conv *c, void *dx, const void *dy, const void *w, int add)
{
	(void)dx, (void)dy, (void)w;
	convolve(dev, c, KIND_CONV_DATA, add ? 2 : 1, 1);
}

/* The layer's y and x are read, too. */
static void conv_backward_data_sums_tally(struct device *dev, struct conv *c, void *dx,
	const void *dy, const void *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before)
{
	(void)dx, (void)dy, (void)w;
	convolve(dev, c, KIND_CONV_DATA, (add ? 2 : 1) + (of->y ? 2 : 1),
		before ? tally_input_gradient(before) : 1);
}

/* The gradient is added to: read and written, as floats. */
static void conv_backward_weights_tally(
	struct device *dev, struct conv *c, float *dw, const void *dy, const void *x)
{
	(void)dw, (void)dy, (void)x;
	tally_add(tally_of(dev), KIND_CONV_WEIGHTS, NULL, c->operations,
		elements(dev, c->x + c->y) + 2 * F * c->w);
}

static void product(struct device *dev, double rows, double in, double out, double weight_bytes)
{
	tally_add(tally_of(dev), KIND_PRODUCT, NULL, 2 * rows * in * out,
		elements(dev, rows * (in + out)) + in * out * weight_bytes);
}

static void linear_forward_tally(
	struct device *dev, void *y, const void *x, const void *w, int rows, int in, int out)
{
	(void)y, (void)x, (void)w;
	product(dev, rows, in, out, (double)dev->element);
}

static void linear_backward_data_tally(
	struct device *dev, void *dx, const void *dy, const void *w, int rows, int in, int out)
{
	linear_forward_tally(dev, dx, dy, w, rows, in, out);
}

static void linear_backward_weights_tally(
	struct device *dev, float *dw, const void *dy, const void *x, int rows, int in, int out)
{
	(void)dw, (void)dy, (void)x;
	product(dev, rows, in, out, 2 * F);
}

static void bias_add_tally(
	struct device *dev, void *y, const float *bias, size_t rows, int channels)
{
	(void)y, (void)bias;
	tally_add(
		tally_of(dev), KIND_POINTWISE, NULL, 0, 2 * elements(dev, (double)rows * channels));
}

static void bias_gradient_tally(
	struct device *dev, float *db, const void *dy, size_t rows, int channels)
{
	(void)db, (void)dy;
	tally_add(tally_of(dev), KIND_POINTWISE, NULL, 0, elements(dev, (double)rows * channels));
}

const struct backend backend_tally = {
	.name = "tally",
	.alloc = tally_alloc,
	.free = tally_free,
	.upload = upload_tally,
	.download = download_tally,
	.copy = copy_tally,
	.zero = zero_tally,
	.wait = wait_tally,
	.to_float = to_float_tally,
	.from_float = from_float_tally,
	.connect = connect_tally,
	.sum_double = sum_double_tally,
	.sum_float = sum_float_tally,
	.sum_start = sum_start_tally,
	.sum_finish = sum_finish_tally,
	.gather = gather_tally,
	.axpy = axpy_tally,
	.images = images_tally,
	.views = views_tally,
	.conv_open = conv_open_tally,
	.conv_close = conv_close_tally,
	.conv_forward = conv_forward_tally,
	.conv_forward_sums = conv_forward_sums_tally,
	.conv_backward_data = conv_backward_data_tally,
	.conv_backward_data_sums = conv_backward_data_sums_tally,
	.conv_backward_weights = conv_backward_weights_tally,
	.linear_forward = linear_forward_tally,
	.linear_backward_data = linear_backward_data_tally,
	.linear_backward_weights = linear_backward_weights_tally,
	.bias_add = bias_add_tally,
	.bias_gradient = bias_gradient_tally,
	.norm_sums = norm_sums_tally,
	.norm_statistics = norm_statistics_tally,
	.norm_running = norm_running_tally,
	.norm_apply = norm_apply_tally,
	.norm_backward_sums = norm_backward_sums_tally,
	.norm_parameter_gradient = norm_parameter_gradient_tally,
	.norm_backward = norm_backward_tally,
	.max_pool = max_pool_tally,
	.max_pool_backward = max_pool_backward_tally,
	.mean_pool = mean_pool_tally,
	.mean_pool_backward = mean_pool_backward_tally,
	.unit_length = unit_length_tally,
	.unit_length_backward = unit_length_backward_tally,
	.relic_loss = relic_loss_tally,
	.param_norms = param_norms_tally,
	.lars = lars_tally,
	.ema = ema_tally,
};
