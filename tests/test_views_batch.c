/* Whole batches of views as drawn: the fast path against the naive one and the reference over many
 * draws, and what must not matter: threads, and neighbours in the batch. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/crc.h"
#include "base/memory.h"
#include "base/rng.h"
#include "kernel.h"
#include "view_fixture.h"
#include "view_reference.h"

/* A recipe in which everything happens often. */
static struct view_recipe busy(int size)
{
	return (struct view_recipe){
		.size = size,
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
		.sigma_max = 2,
		.taps = 23,
		.mask = 0.5,
	};
}

/* Some side of 1 to 300 pixels. */
static int some_side(uint32_t i, uint32_t which)
{
	static const int odd[] = { 1, 2, 3, 17, 33, 100 };
	struct rng r = rng_at(1, RNG_PROBE, i, which, 0);

	return rng_below(&r, 3) == 0 ? odd[rng_below(&r, 6)] : 1 + (int)rng_below(&r, 300);
}

struct difference {
	double naive, reference;
};

static struct difference difference_of(const struct image *im, const struct view_params *p)
{
	size_t n = (size_t)p->size * p->size * 3;
	double *expected = xmalloc(n * sizeof *expected), *plain = xmalloc(n * sizeof *plain);
	float *fast = view_values(im, p, 0), *naive = view_values(im, p, 1);
	struct difference d;

	reference_view(expected, im, p);
	for (size_t i = 0; i < n; i++)
		plain[i] = naive[i];
	d.naive = values_worst(fast, plain, n);
	d.reference = values_worst(fast, expected, n);
	xfree(expected);
	xfree(plain);
	xfree(fast);
	xfree(naive);
	return d;
}

/* 300 draws.  The paths differ by rounding and by the blur's dropped tails, far less than the
 * bound. */
static void fast_is_naive_is_the_reference(void **state)
{
	static const int sizes[] = { 1, 3, 17, 33, 96 };
	struct difference most = { 0, 0 };

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		struct image im = picture(some_side(i, 0), some_side(i, 1), i);
		struct view_recipe r = busy(i == 299 ? 224 : sizes[i % 5]);
		struct view_params p;
		struct difference d;

		r.centre = i % 7 == 0 ? r.size + 9 : 0;
		view_draw(&p, &r, 11, 0, i, 0, im.width, im.height, im.foreground);
		d = difference_of(&im, &p);
		most.naive = fmax(most.naive, d.naive);
		most.reference = fmax(most.reference, d.reference);
		picture_free(&im);
	}
	print_message(
		"# largest difference of the fast path: %.2g from naive, %.2g from the reference\n",
		most.naive, most.reference);
	assert_true(most.naive < VIEW_BOUND && most.reference < VIEW_BOUND);
	assert_close(most.naive, 0, 1e-5);
	assert_close(most.reference, 0, 1e-5);
}

/* Binarising is a step: a pixel may differ only where it was within rounding of one half. */
static void binarised_views_differ_only_at_one_half(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		struct image im = picture(some_side(i, 2), some_side(i, 3), i);
		struct view_recipe r = busy(33);
		struct view_params p;
		float *fast, *naive, *grey;

		view_draw(&p, &r, 12, 0, i, 0, im.width, im.height, im.foreground);
		p.solarise = VIEW_PLAIN;
		grey = view_values(&im, &p, 1);
		p.solarise = VIEW_BINARISE;
		fast = view_values(&im, &p, 0);
		naive = view_values(&im, &p, 1);
		for (int k = 0; k < 33 * 33 * 3; k++) {
			if (fabs(grey[k] - 0.5) > 1e-5) {
				assert_close(naive[k], grey[k] > 0.5, 1e-6);
				assert_close(fast[k], naive[k], 0);
			}
		}
		xfree(fast);
		xfree(naive);
		xfree(grey);
		picture_free(&im);
	}
}

/* ---- what must not matter ---- */

/* The window is the image: what lies around it has no part. */
static void pixels_outside_the_window_do_not_matter(void **state)
{
	struct image im = picture(40, 30, 2),
		     cut = { .width = 17, .height = 9, .rgb = xmalloc(17 * 9 * 3) };
	struct view_params p = view_whole(&cut, 33), q = p;
	float *a, *b;

	(void)state;
	q.x = 11;
	q.y = 8;
	for (int y = 0; y < 9; y++)
		memcpy(cut.rgb + 51 * y, im.rgb + ((8 + y) * 40 + 11) * 3, 51);
	a = view_values(&cut, &p, 0);
	b = view_values(&im, &q, 0);
	assert_memory_equal(a, b, 33 * 33 * 3 * sizeof *a);
	xfree(a);
	xfree(b);
	picture_free(&im);
	picture_free(&cut);
}

enum { IMAGES = 5, VIEWS = 3, SIDE = 33, VIEW = SIDE * SIDE * 3 };

struct batch {
	struct image image[IMAGES];
	struct view_params params[VIEWS * IMAGES];
	float *out;
};

static struct batch batch_new(void)
{
	struct batch b = { .out = xaligned((size_t)VIEWS * IMAGES * VIEW * sizeof(float)) };
	struct view_recipe r = busy(SIDE);

	for (int i = 0; i < IMAGES; i++)
		b.image[i] = picture(some_side(i, 4) + 20, some_side(i, 5) + 20, i);
	for (int v = 0; v < VIEWS; v++)
		for (int i = 0; i < IMAGES; i++)
			view_draw(&b.params[v * IMAGES + i], &r, 13, 0, i, v, b.image[i].width,
				b.image[i].height, 0.5f);
	return b;
}

static void batch_free(struct batch *b)
{
	for (int i = 0; i < IMAGES; i++)
		picture_free(&b->image[i]);
	xfree(b->out);
}

static void views_lie_by_view_then_image(void **state)
{
	struct batch b = batch_new();
	float *one = xaligned(VIEW * sizeof *one);
	struct device *dev = device_open(1);

	(void)state;
	for (int naive = 0; naive < 2; naive++) {
		views_of(dev, b.out, b.image, IMAGES, b.params, VIEWS, naive);
		for (int v = 0; v < VIEWS; v++)
			for (int i = 0; i < IMAGES; i++) {
				views_of(dev, one, &b.image[i], 1, &b.params[v * IMAGES + i], 1,
					naive);
				assert_memory_equal(one, b.out + (size_t)(v * IMAGES + i) * VIEW,
					VIEW * sizeof *one);
			}
	}
	xfree(one);
	device_close(dev);
	batch_free(&b);
}

static void make_views(struct batch *b, int threads)
{
	struct device *dev = device_open(threads);

	views_of(dev, b->out, b->image, IMAGES, b->params, VIEWS, 0);
	device_close(dev);
}

static void threads_do_not_matter(void **state)
{
	struct batch b = batch_new(), other = batch_new();

	(void)state;
	make_views(&b, 1);
	for (int threads = 2; threads <= 3; threads++) {
		memset(other.out, 0, (size_t)VIEWS * IMAGES * VIEW * sizeof(float));
		make_views(&other, threads);
		assert_memory_equal(
			b.out, other.out, (size_t)VIEWS * IMAGES * VIEW * sizeof(float));
	}
	batch_free(&b);
	batch_free(&other);
}

/* Compilers, optimisation and instruction sets neither: the checksum is the same from gcc and
 * clang, with SSE2, AVX2, AVX-512, and with sanitizers.  Only a change of the arithmetic itself may
 * change it. */
static void the_bits_are_the_same_everywhere(void **state)
{
	struct batch b;

	(void)state;
	if (!device_is_cpu())
		skip(); /* other devices have other exponential functions */
	b = batch_new();
	make_views(&b, 1);
	assert_int_equal(
		crc32c(0, b.out, (size_t)VIEWS * IMAGES * VIEW * sizeof(float)), 0xad22e9cf);
	batch_free(&b);
}

/* What a thread's scratch holds from the view before, of another size and shape, has no part in the
 * next. */
static void views_do_not_depend_on_the_one_before(void **state)
{
	struct batch b = batch_new();
	struct image wide = picture(700, 3, 8);
	struct view_params large = view_whole(&wide, 96);
	float *first = view_values(&b.image[0], &b.params[0], 0), *again;

	(void)state;
	large.taps = 23;
	large.sigma = 2;
	again = view_values(&wide, &large, 0);
	xfree(again);
	again = view_values(&b.image[0], &b.params[0], 0);
	assert_memory_equal(first, again, VIEW * sizeof *first);
	xfree(first);
	xfree(again);
	picture_free(&wide);
	batch_free(&b);
}

static void the_second_batch_allocates_nothing(void **state)
{
	struct batch b = batch_new();
	/* one thread: of several, one may meet its largest view late */
	struct device *dev = device_open(1);
	long count;

	(void)state;
	views_of(dev, b.out, b.image, IMAGES, b.params, VIEWS, 0);
	count = xalloc_count();
	views_of(dev, b.out, b.image, IMAGES, b.params, VIEWS, 0);
	assert_int_equal(xalloc_count(), count);
	device_close(dev);
	batch_free(&b);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(fast_is_naive_is_the_reference),
	cmocka_unit_test(binarised_views_differ_only_at_one_half),
	cmocka_unit_test(pixels_outside_the_window_do_not_matter),
	cmocka_unit_test(views_lie_by_view_then_image),
	cmocka_unit_test(threads_do_not_matter),
	cmocka_unit_test(the_bits_are_the_same_everywhere),
	cmocka_unit_test(views_do_not_depend_on_the_one_before),
	cmocka_unit_test(the_second_batch_allocates_nothing),
};
TEST_MAIN(cases)
