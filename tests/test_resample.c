/* Resizing against a plain double-precision sum, and cut-outs against what geometry says of them.
 */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "resample.h"

enum { W = 33, H = 17 };

static void noise(uint8_t *rgb, int count, uint32_t stream)
{
	struct rng r = rng_at(5, RNG_PROBE, stream, 0, 0);

	for (int i = 0; i < count; i++)
		rgb[i] = (uint8_t)rng_below(&r, 256);
}

static void whole_picture_at_its_own_size_is_itself(void **state)
{
	const struct resample r = { W, H, W, H, { 0, 0, W, H } };
	uint8_t rgb[H * W * 3], out[H * W * 3];

	(void)state;
	noise(rgb, sizeof rgb, 1);
	resample_window(out, rgb, &r);
	assert_memory_equal(out, rgb, sizeof rgb);
}

static void window_between_pixels_is_moved(void **state)
{
	const struct resample r = { 5, 3, W, H, { 7, 4, 5, 3 } };
	uint8_t rgb[H * W * 3], out[3 * 5 * 3];

	(void)state;
	noise(rgb, sizeof rgb, 2);
	resample_window(out, rgb, &r);
	for (int y = 0; y < 3; y++)
		assert_memory_equal(out + y * 15, rgb + ((y + 4) * W + 7) * 3, 15);
}

static void constant_stays_constant(void **state)
{
	static const struct resample shapes[] = {
		{ 1, 1, W, H, { 0, 0, W, H } },
		{ 100, 90, W, H, { 0, 0, W, H } },
		{ 13, 7, W, H, { 20.3, 3.7, 12.7, 13.3 } },
		{ 3, 3, 1, 1, { 0, 0, 1, 1 } },
	};
	uint8_t rgb[H * W * 3], out[100 * 90 * 3];

	(void)state;
	memset(rgb, 201, sizeof rgb);
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		resample_window(out, rgb, &shapes[i]);
		for (int k = 0; k < shapes[i].width * shapes[i].height * 3; k++)
			assert_int_equal(out[k], 201);
	}
}

/* Keys' cubic, written another way. */
static double keys(double x)
{
	const double a = -0.5, t = fabs(x);

	if (t <= 1)
		return (a + 2) * t * t * t - (a + 3) * t * t + 1;
	return t < 2 ? a * t * t * t - 5 * a * t * t + 8 * a * t - 4 * a : 0;
}

static double reference(
	const uint8_t *rgb, int channel, double u, double v, double stretch_x, double stretch_y)
{
	double sum = 0, total = 0;

	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			double w =
				keys((x + 0.5 - u) / stretch_x) * keys((y + 0.5 - v) / stretch_y);

			sum += w * rgb[(y * W + x) * 3 + channel];
			total += w;
		}
	return sum / total;
}

static void shrinking_and_growing_match_the_plain_sum(void **state)
{
	static const struct resample shapes[] = {
		{ 9, 5, W, H, { 0, 0, W, H } },
		{ 50, 40, W, H, { 0, 0, W, H } },
		{ 7, 31, W, H, { 3.25, 1.5, 28.5, 11.75 } },
	};
	uint8_t rgb[H * W * 3], out[50 * 40 * 3];

	(void)state;
	noise(rgb, sizeof rgb, 3);
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		const struct resample *r = &shapes[i];
		double kx = r->window.width / r->width, ky = r->window.height / r->height;

		resample_window(out, rgb, r);
		for (int k = 0; k < r->width * r->height * 3; k++) {
			int x = k / 3 % r->width, y = k / 3 / r->width;
			double want = reference(rgb, k % 3, r->window.x + (x + 0.5) * kx,
				r->window.y + (y + 0.5) * ky, kx > 1 ? kx : 1, ky > 1 ? ky : 1);

			want = want < 0 ? 0 : want > 255 ? 255 : want;
			assert_close(out[k], want, 0.5 + 1e-3); /* rounding to whole numbers */
		}
	}
}

enum { SIZE = 64, CUT_W = 40, CUT_H = 24 };

static float *orange_cutout(void)
{
	float *cutout = xmalloc(CUT_W * CUT_H * 4 * sizeof *cutout);

	for (int i = 0; i < CUT_W * CUT_H; i++)
		memcpy(cutout + i * 4, (float[4]){ 1, 0.5f, 0.125f, 1 }, 4 * sizeof *cutout);
	return cutout;
}

static void cutout_keeps_its_colour_and_area(void **state)
{
	static const struct pose poses[] = {
		{ 32, 32, 1, 0, 0 },
		{ 31.3, 30.8, 1.2, 0.4, 1 },
		{ 30.1, 33.7, 0.3, -0.5, 0 },
		{ 33, 31, 0.11, 0.2, 1 },
	};
	float *cutout = orange_cutout(), *out = xmalloc(SIZE * SIZE * 4 * sizeof *out);

	(void)state;
	for (size_t i = 0; i < sizeof poses / sizeof *poses; i++) {
		double area = 0, want = poses[i].scale * poses[i].scale * CUT_W * CUT_H;

		resample_pose(out, SIZE, cutout, CUT_W, CUT_H, &poses[i]);
		for (int k = 0; k < SIZE * SIZE; k++) {
			const float *p = out + k * 4;

			assert_true(p[3] >= 0 && p[3] <= 1);
			assert_close(p[0], p[3],
				1e-5); /* no halo: the colour is the object's, however thin */
			assert_close(p[1], 0.5 * p[3], 1e-5);
			assert_close(p[2], 0.125 * p[3], 1e-5);
			area += p[3];
		}
		/* clipping the cubic's overshoot moves a little at the rim */
		assert_close(area, want, 0.02 * want + 0.02 * 2 * poses[i].scale * (CUT_W + CUT_H));
	}
	xfree(cutout);
	xfree(out);
}

/* One bright pixel in the left half, seen where the pose puts it. */
static void pose_turns_clockwise_after_mirroring(void **state)
{
	static const struct {
		struct pose pose;
		int x, y;
	} v[] = {
		{ { 32, 32, 1, 0, 0 }, 14, 31 }, /* 20 - 2.5 = 17.5 to the left */
		{ { 32, 32, 1, 0, 1 }, 49, 31 },
		{ { 32, 32, 1, 1.5707963267948966, 0 }, 32, 14 }, /* left goes up */
		{ { 32, 32, 1, 1.5707963267948966, 1 }, 32, 49 },
	};
	float cutout[CUT_H * CUT_W * 4] = { 0 }, *out = xmalloc(SIZE * SIZE * 4 * sizeof *out);

	(void)state;
	for (int k = 0; k < 4; k++)
		cutout[(11 * CUT_W + 2) * 4 + k] = 1;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		int best = 0;

		resample_pose(out, SIZE, cutout, CUT_W, CUT_H, &v[i].pose);
		for (int k = 1; k < SIZE * SIZE; k++)
			if (out[k * 4 + 3] > out[best * 4 + 3])
				best = k;
		assert_int_equal(best % SIZE, v[i].x);
		assert_int_equal(best / SIZE, v[i].y);
		assert_close(out[best * 4 + 3], 1, 1e-5);
	}
	xfree(out);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(whole_picture_at_its_own_size_is_itself),
	cmocka_unit_test(window_between_pixels_is_moved),
	cmocka_unit_test(constant_stays_constant),
	cmocka_unit_test(shrinking_and_growing_match_the_plain_sum),
	cmocka_unit_test(cutout_keeps_its_colour_and_area),
	cmocka_unit_test(pose_turns_clockwise_after_mirroring),
};
TEST_MAIN(cases)
