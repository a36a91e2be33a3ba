/* Images and views of the CUDA back end, with what tests/test_views.c and test_views_batch.c leave
 * out: images of all sizes in one batch with all options, bfloat16, results anywhere in memory,
 * batches in parts, both orders of threads; slots that are filled while what reads them still
 * waits. */
#include "test.h"
#include "autoconfig.h"

#ifdef HAVE_CUDA

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bf16_math.h"
#include "cuda_arrays.h"
#include "kernel.h"
#include "view.h"
#include "view_fixture.h"

enum { IMAGES = 8, VIEWS = 3 };

static const int sides[IMAGES][2] = { { 1, 1 }, { 3, 17 }, { 500, 375 }, { 33, 2 }, { 100, 64 },
	{ 17, 300 }, { 224, 224 }, { 5, 5 } };

/* Everything happens often. */
static struct view_recipe busy(int size)
{
	return (struct view_recipe){ .size = size,
		.area_min = 0.05,
		.area_max = 1,
		.flip = 0.5,
		.jitter = 0.8,
		.grey = 0.2,
		.blur = 0.6,
		.solarise = 0.4,
		.brightness = 0.4,
		.contrast = 0.4,
		.saturation = 0.2,
		.hue = 0.1,
		.sigma_min = 0.1,
		.sigma_max = size == 33 ? 20 : 2,
		.taps = size == 33 ? 63 : 23,
		.mask = 0.5 };
}

struct batch {
	struct image image[IMAGES];
	struct view_params params[VIEWS * IMAGES];
	size_t count; /* floats of all views */
};

/* The second view is a centre, of the third some are, of another size. */
static struct batch batch_of(int size, uint32_t seed)
{
	struct batch b = { .count = (size_t)VIEWS * IMAGES * (size_t)size * (size_t)size * 3 };

	for (int i = 0; i < IMAGES; i++)
		b.image[i] = picture(sides[i][0], sides[i][1], seed + (uint32_t)i);
	for (int v = 0; v < VIEWS; v++)
		for (int i = 0; i < IMAGES; i++) {
			struct view_recipe r = busy(size);

			r.centre = v == 1 ? size + 9 : v == 2 && i % 2 ? size + 32 : 0;
			view_draw(&b.params[v * IMAGES + i], &r, seed, 0, (uint64_t)i, v,
				b.image[i].width, b.image[i].height, 0.5f);
		}
	return b;
}

static void batch_free(struct batch *b)
{
	for (int i = 0; i < IMAGES; i++)
		picture_free(&b->image[i]);
}

static float *on_cpu(const struct batch *b)
{
	const struct device_options options = { .threads = 1 };
	char err[ERR_MAX] = "";
	struct device *cpu = backend_cpu.open(&options, err);
	float *out = buffer(b->count);

	views_of(cpu, out, b->image, IMAGES, b->params, VIEWS, 1);
	backend_cpu.close(cpu);
	return out;
}

/* Into memory that begins `shift` elements behind an allocation. */
static float *on_gpu(struct device *dev, const struct batch *b, int shift)
{
	void *out = put(dev, buffer(b->count), b->count, shift);

	views_of(dev, out, b->image, IMAGES, b->params, VIEWS, 0);
	return get(dev, out, b->count);
}

/* The blur leaves out tails of up to 4e-6, the rest is rounding. Normalising divides by 0.224 or
 * more.
 */
static void check_views(const float *got, const float *want, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_close(got[i], want[i], 1e-5 / 0.224);
}

/* A float differs from the same of bfloat16 by its rounding alone. */
static void check_halves(const float *half, const float *whole, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_close(half[i], bf16_float(bf16_of(whole[i])), 0);
}

static void all_sizes_and_options(void **state)
{
	static const int sizes[] = { 1, 3, 17, 33, 40, 64, 96 };

	(void)state;
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
		struct batch b = batch_of(sizes[k], (uint32_t)k);
		size_t bytes = b.count * sizeof(float);
		float *first = on_gpu(dev, &b, 0), *whole = xmalloc(bytes);

		check_views(first, on_cpu(&b), b.count);
		check_same("not aligned", on_gpu(dev, &b, 1), first, bytes);
		if (turn_order()) {
			check_same("other order", on_gpu(dev, &b, 0), first, bytes);
			turn_order();
		}
		memcpy(whole, first, bytes);
		arrays_free(dev);
		dev->be->close(dev);
		dev = cuda_test_open(PRECISION_BF16, 0);
		check_halves(on_gpu(dev, &b, 0), whole, b.count);
		check_halves(on_gpu(dev, &b, 3), whole, b.count);
		arrays_free(dev);
		dev->be->close(dev);
		xfree(whole);
		batch_free(&b);
	}
}

/* Rows of over 469 pixels are blurred one by one; of few images, for they are slow. */
static void large_views(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	struct image image = picture(300, 200, 3);
	struct view_params p = view_whole(&image, 470);
	size_t count = 470 * 470 * 3;
	float *want = buffer(count), *nothing = buffer(count);
	void *out = put(dev, nothing, count, 0);

	(void)state;
	p.jitter = 1, p.contrast = 1.3f, p.hue = 0.05f, p.taps = 23, p.sigma = 1.5f;
	view_naive(want, &image, &p);
	views_of(dev, out, &image, 1, &p, 1, 0);
	check_views(get(dev, out, count), want, count);
	picture_free(&image);
	arrays_free(dev);
	dev->be->close(dev);
}

/* With memory for few pictures at a time. */
static void parts_are_the_whole(void **state)
{
	struct batch b = batch_of(40, 9);
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	float *whole = xmalloc(b.count * sizeof *whole);
	long launches;

	(void)state;
	memcpy(whole, on_gpu(dev, &b, 0), b.count * sizeof *whole);
	assert_int_equal(dev->counts.launches, 4);
	arrays_free(dev);
	dev->be->close(dev);
	dev = cuda_test_open(
		PRECISION_FLOAT32, 5 * 72 * 216 * sizeof(float)); /* 5 pictures of 72 pixels */
	check_same("parts", on_gpu(dev, &b, 0), whole, b.count * sizeof *whole);
	launches = dev->counts.launches;
	assert_int_equal(launches, 4 * 5); /* of 24 */
	arrays_free(dev);
	dev->be->close(dev);
	xfree(whole);
	batch_free(&b);
}

/* ---- slots ---- */

enum { ROUNDS = 6, SLOT_SIZE = 24 };

/* Both slots are filled ahead of all that reads them, again and again, and nobody waits. */
static void alternate(void)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	struct batch b[ROUNDS];
	float *out[ROUNDS], *want;
	size_t bytes;

	for (int i = 0; i < ROUNDS; i++) {
		b[i] = batch_of(SLOT_SIZE, 100 + (uint32_t)i);
		out[i] = dev->be->alloc(dev, b[i].count * sizeof(float), "test");
	}
	bytes = b[0].count * sizeof(float);
	for (int i = 0; i < ROUNDS + 1; i++) {
		if (i < ROUNDS)
			dev->be->images(dev, i % CUDA_SLOTS, b[i].image, IMAGES);
		if (i > 0)
			dev->be->views(
				dev, out[i - 1], (i - 1) % CUDA_SLOTS, b[i - 1].params, VIEWS, 0);
	}
	want = buffer_bytes(bytes);
	for (int i = 0; i < ROUNDS; i++) {
		dev->be->download(dev, want, out[i], bytes);
		check_views(want, on_cpu(&b[i]), b[i].count);
		dev->be->free(dev, out[i]);
		batch_free(&b[i]);
	}
	arrays_free(dev);
	dev->be->close(dev);
}

static void alternate_lazy(void)
{
	setenv("CUDA_DOUBLE_ORDER", "lazy", 1);
	alternate();
}

static void alternate_eager(void)
{
	setenv("CUDA_DOUBLE_ORDER", "eager", 1);
	alternate();
}

static void alternate_random(void)
{
	setenv("CUDA_DOUBLE_ORDER", "random:1", 1);
	alternate();
}

static void alternate_otherwise(void)
{
	setenv("CUDA_DOUBLE_ORDER", "random:2", 1);
	alternate();
}

static void slots_take_turns(void **state)
{
	static void (*const orders[])(
		void) = { alternate_lazy, alternate_eager, alternate_random, alternate_otherwise };
	char text[CHILD_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
		if (child_status(orders[i], text) != 0) {
			print_error("order %zu: %s\n", i, text);
			_fail(__FILE__, __LINE__);
		}
}

/* One step: images of the next batch, views of two sizes of this one, and a look at the result. */
static void step(struct device *dev, const struct batch b[2], float *out, int i)
{
	float one;

	dev->be->images(dev, (i + 1) % CUDA_SLOTS, b[(i + 1) % 2].image, IMAGES);
	dev->be->views(dev, out, i % CUDA_SLOTS, b[i % 2].params, VIEWS, 0);
	dev->be->views(dev, out, i % CUDA_SLOTS, b[i % 2].params, 1, 0);
	dev->be->download(dev, &one, out, sizeof one);
}

static void later_steps_neither_allocate_nor_wait(void **state)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	const struct batch b[2] = { batch_of(SLOT_SIZE, 1), batch_of(SLOT_SIZE, 2) };
	float *out = dev->be->alloc(dev, b[0].count * sizeof *out, "test");
	struct device_counts before;

	(void)state;
	dev->be->images(dev, 0, b[0].image, IMAGES);
	for (int i = 0; i < 2; i++)
		step(dev, b, out, i);
	before = dev->counts;
	for (int i = 2; i < 6; i++)
		step(dev, b, out, i);
	assert_int_equal(dev->counts.allocations - before.allocations, 0);
	assert_int_equal(dev->counts.waits - before.waits, 4); /* the downloads */
	assert_int_equal(dev->counts.launches - before.launches, 4 * 2 * 4);
	assert_int_equal(dev->counts.copies - before.copies, 4 * (1 + 2 + 1));
	dev->be->free(dev, out);
	batch_free((struct batch *)&b[0]);
	batch_free((struct batch *)&b[1]);
	arrays_free(dev);
	dev->be->close(dev);
}

/* ---- faults ---- */

static void too_many_images(void)
{
	struct image large = { .width = 7000, .height = 7000, .rgb = xcalloc(7000 * 7000, 3) };

	setenv("CUDA_DOUBLE_MEMORY", "100000000", 1);
	backend_cuda.images(cuda_test_open(PRECISION_FLOAT32, 0), 0, &large, 1);
}

static void window_outside(void)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	struct image image = picture(20, 10, 1);
	struct view_params p = view_whole(&image, 8);

	p.x = 1;
	views_of(dev, dev->be->alloc(dev, 8 * 8 * 3 * 4, "test"), &image, 1, &p, 1, 0);
}

static void mask_missing(void)
{
	struct device *dev = cuda_test_open(PRECISION_FLOAT32, 0);
	struct image image = picture(20, 10, 1);
	struct view_params p = view_whole(&image, 8);

	p.masked = 1;
	xfree(image.mask);
	views_of(dev, dev->be->alloc(dev, 8 * 8 * 3 * 4, "test"), &image, 1, &p, 1, 0);
}

static void faults_are_named(void **state)
{
	char text[CHILD_TEXT];

	(void)state;
	child_must_die(too_many_images, text);
	assert_says(text, "images of a batch");
	assert_says(text, "MiB");
	child_must_die(window_outside, text);
	assert_says(text, "a window of 20 x 10 pixels at (1, 0) of an image of 20 x 10");
	child_must_die(mask_missing, text);
	assert_says(text, "image without a mask");
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		/* processes of their own come before the first device of this one */
		cmocka_unit_test(slots_take_turns),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(all_sizes_and_options),
		cmocka_unit_test(large_views),
		cmocka_unit_test(parts_are_the_whole),
		cmocka_unit_test(later_steps_neither_allocate_nor_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(cases, NULL, test_cleanup);
}

#else

#include <stdio.h>

int main(void)
{
	printf("1..0 # SKIP no CUDA back end here\n");
	return 0;
}

#endif
